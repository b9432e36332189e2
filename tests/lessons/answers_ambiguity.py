"""Right and wrong answers to the exercises of notebook 02b, made by other code than the library's."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def turned(p: Tensor, eta: int) -> Tensor:
    """Each sound turned round, by cutting it in two."""
    cut = (p.shape[-1] - eta) % p.shape[-1]
    return torch.cat([p[:, cut:], p[:, :cut]], -1)


def losses(p: Tensor, y: Tensor, shift=turned) -> Tensor:
    """(η,B), one η after the other."""
    return torch.stack([torch.einsum("bs,bs->b", y - shift(p, eta), y - shift(p, eta)) for eta in range(p.shape[1])])


def looped(p: Tensor, y: Tensor) -> Tensor:
    return losses(p, y).min(0).values


def correlated(p: Tensor, y: Tensor) -> Tensor:
    """‖y‖² + ‖ŷ‖² − 2 max over η of the correlation, by spectra."""
    agreement = torch.fft.irfft(torch.fft.rfft(y) * torch.fft.rfft(p).conj(), p.shape[1])
    return y.pow(2).sum(1) + p.pow(2).sum(1) - 2 * agreement.amax(1)


def samplewise(p: Tensor, y: Tensor) -> Tensor:
    return torch.stack([y - turned(p, eta) for eta in range(p.shape[1])]).pow(2).amin(0).sum(1)


def batchwise(p: Tensor, y: Tensor) -> Tensor:
    every = losses(p, y)
    return every[every.sum(1).argmin()]


def padded(p: Tensor, eta: int) -> Tensor:
    return F.pad(p, (eta, 0))[:, :p.shape[1]]


def stepped(y_hat: Tensor, y: Tensor, lr: float) -> Tensor:
    """By autograd."""
    y_hat = y_hat.clone().requires_grad_()
    loss = sum((y_hat - one).pow(2).sum() for one in y) / len(y)
    (gradient,) = torch.autograd.grad(loss, y_hat)
    return (y_hat - lr * gradient).detach()


def towards_the_mean(y_hat: Tensor, y: Tensor, lr: float) -> Tensor:
    return torch.lerp(y_hat, y.mean(0), 2 * lr)


def switched(score: Tensor, x: Tensor, y: Tensor, same: Tensor, lr: float) -> Tensor:
    """By autograd."""
    score = score.clone().requires_grad_()
    loss = F.binary_cross_entropy_with_logits(score[x, y], same)
    (gradient,) = torch.autograd.grad(loss, score)
    return (score - lr * gradient).detach()


def pair_by_pair(score: Tensor, x: Tensor, y: Tensor, same: Tensor, lr: float, share=None) -> Tensor:
    found = score.clone()
    for a, b, one in zip(x.tolist(), y.tolist(), same.tolist(), strict=True):
        found[a, b] += lr * (one - 1 / (1 + float((-score[a, b]).exp()))) / (share or len(x))
    return found


def forgetful(score: Tensor, x: Tensor, y: Tensor, same: Tensor, lr: float) -> Tensor:
    found = score.clone()
    found[x, y] -= lr * (score[x, y].sigmoid() - same) / len(x)
    return found


MUTANTS = [
    ("2b-marginal", samplewise, "sum first"),
    ("2b-marginal", batchwise, "for the whole batch"),
    ("2b-marginal", lambda p, y: losses(p, y).sum(0) / p.shape[1], "the mean over η"),
    ("2b-marginal", lambda p, y: losses(p, y).max(0).values, "the maximum"),
    ("2b-marginal", lambda p, y: F.mse_loss(p, y, reduction="none").sum(1), "that is L2"),
    ("2b-marginal", lambda p, y: losses(p, y)[:2].amin(0), "you tried no η but 0"),
    ("2b-marginal", lambda p, y: losses(p, y, padded).amin(0), "where you may have zeros"),
    ("2b-marginal", lambda p, y: losses(p[:, torch.arange(p.shape[1] - 1, -1, -1)], y).amin(0),
     "`prediction` in reverse order along its last axis"),
    ("2b-marginal", lambda p, y: (y.pow(2) + p.pow(2)).sum(1) - 2 * torch.fft.irfft(
        torch.fft.rfft(y) * torch.fft.rfft(p), p.shape[1]).amax(1), "`prediction` in reverse order along its last"),
    ("2b-marginal", lambda p, y: torch.stack([(y - torch.cat([p[-k:], p[:-k]]) if k else y - p).pow(2).sum(1)
                                              for k in range(len(p))]).amin(0), "axis 0"),
    ("2b-marginal", lambda p, y: torch.fft.irfft(torch.fft.rfft(y) * torch.fft.rfft(p).conj(), p.shape[1]).amax(1),
     "a sum of products"),
    ("2b-marginal", lambda p, y: looped(p, y).mean(), "averaged over axis 0 as well, and that axis has to stay"),
    ("2b-marginal", lambda p, y: looped(p, y).sum(), "summed over axis 0 as well, and that axis has to stay"),
    ("2b-marginal", lambda p, y: looped(p, y) ** 0.5, "the square root of the right one; a square is missing, or a"),
    ("2b-marginal", lambda p, y: looped(p, y) / p.shape[1], "too small by the number of values: a mean over axis 1"),
    ("2b-marginal", lambda p, y: torch.stack([F.l1_loss(turned(p, eta), y, reduction="none").sum(1)
                                              for eta in range(p.shape[1])]).amin(0), "absolute"),
    ("2b-marginal", lambda p, y: 2 * looped(p, y), "right values"),
    ("2b-marginal", lambda p, y: looped(p, y).float(), "float32, and float64 is wanted"),
    ("2b-marginal", lambda p, y: looped(p, y)[:, None], "has the shape"),
    ("2b-step", lambda a, y, lr: 2 * a - stepped(a, y, lr), "you go uphill"),
    ("2b-step", lambda a, y, lr: stepped(a, y, lr * len(y)), "you summed over the batch"),
    ("2b-step", lambda a, y, lr: a - 2 * lr * (a - y).mean(), "each pixel has its own derivative"),
    ("2b-step", lambda a, y, lr: stepped(a, y, lr / 2), "a factor 2"),
    ("2b-step", lambda a, y, lr: stepped(a, y[:1], lr), "one outcome of the batch"),
    ("2b-switch", forgetful, "moved only once"),
    ("2b-switch", lambda s, x, y, same, lr: switched(s, x, y, same, -lr), "you go uphill"),
    ("2b-switch", lambda s, x, y, same, lr: pair_by_pair(s, x, y, same, lr, 1), "you took the sum over the pairs"),
    ("2b-switch", lambda s, x, y, same, lr: s.index_put((x, y), lr * (same - s[x, y]) / len(x), accumulate=True),
     "The sigmoid goes first"),
    ("2b-switch", lambda s, x, y, same, lr: pair_by_pair(s, x, y, same, lr, s.numel()), "the size of the table"),
]

RIGHT = [("2b-marginal", looped), ("2b-marginal", correlated), ("2b-step", stepped), ("2b-step", towards_the_mean),
         ("2b-switch", switched), ("2b-switch", pair_by_pair)]
