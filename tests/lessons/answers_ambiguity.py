"""Right and wrong answers to the exercises of notebook 02b, made by other code than the library's."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def turned(p: Tensor, eta: int) -> Tensor:
    """A sound turned round, by cutting it in two."""
    cut = (p.shape[-1] - eta) % p.shape[-1]
    return torch.cat([p[..., cut:], p[..., :cut]], -1)


def losses(p: Tensor, y: Tensor, among: int = 0) -> Tensor:
    """‖y − f(ŷ, η)‖² of each sound, (B,η)."""
    return torch.stack([(y - turned(p, eta)).pow(2).sum(-1) for eta in range(among or len(p))], 1)


def by_autograd(p: Tensor, y: Tensor, lr: float, reduced=lambda every: every.min(1).values.mean(), among: int = 0
                ) -> Tensor:
    p = p.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(reduced(losses(p, y, among)), p)
    return (p - lr * gradient).detach()


def correlated(p: Tensor, y: Tensor, lr: float) -> Tensor:
    """η is where the correlation is largest, by spectra; then each sound comes back."""
    eta = torch.fft.irfft(torch.fft.rfft(y) * torch.fft.rfft(p).conj(), len(p)).max(1).indices
    return torch.lerp(p, torch.stack([turned(one, -int(k) % len(p)) for one, k in zip(y, eta, strict=True)]).mean(0),
                      2 * lr)


def moved_on(p: Tensor, y: Tensor, lr: float) -> Tensor:
    """Each sound shifted by η once more, not back."""
    return stepped(p, torch.stack([turned(one, int(k)) for one, k in zip(y, losses(p, y).min(1).indices, strict=True)]),
                   lr)


def not_back(p: Tensor, y: Tensor, lr: float) -> Tensor:
    """The gradient with respect to f(ŷ, η), in the place of that with respect to ŷ."""
    return p - 2 * lr * sum(turned(p, int(k)) - one for one, k in
                            zip(y, losses(p, y).min(1).indices, strict=True)) / len(y)


def samplewise(p: Tensor, y: Tensor, lr: float) -> Tensor:
    """Each sample takes what is nearest of any shift."""
    every = torch.stack([turned(y, -k % len(p)) for k in range(len(p))])
    nearest = torch.stack([torch.stack([min(every[:, b, s], key=lambda v, s=s: abs(v - p[s])) for s in range(len(p))])
                           for b in range(len(y))])
    return stepped(p, nearest, lr)


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
    ("2b-shift", samplewise, "neither at each sample"),
    ("2b-shift", lambda p, y, lr: by_autograd(p, y, lr, lambda every: every.mean(0).min()), "nor for the whole batch"),
    ("2b-shift", lambda p, y, lr: by_autograd(p, y, lr, torch.mean), "the mean over all η"),
    ("2b-shift", lambda p, y, lr: by_autograd(p, y, lr, lambda every: every.max(1).values.mean()), "the worst η"),
    ("2b-shift", stepped, "a step of L2"),
    ("2b-shift", lambda p, y, lr: by_autograd(p, y, lr, among=2), "did not try all η"),
    ("2b-shift", moved_on, "shift y back"),
    ("2b-shift", not_back, "shift y back"),
    ("2b-shift", lambda p, y, lr: by_autograd(p, y, -lr), "your step is not"),
    ("2b-shift", lambda p, y, lr: by_autograd(p, y, lr / 2), "your step is not"),
    ("2b-shift", lambda p, y, lr: by_autograd(p, y, lr, lambda every: every.min(1).values.sum()), "your step is not"),
    ("2b-step", lambda a, y, lr: 2 * a - stepped(a, y, lr), "you go uphill"),
    ("2b-step", lambda a, y, lr: stepped(a, y, lr * len(y)), "you summed over the batch"),
    ("2b-step", lambda a, y, lr: a - 2 * lr * (a - y).mean(), "each pixel has its own derivative"),
    ("2b-step", lambda a, y, lr: stepped(a, y, lr / 2), "a factor 2"),
    ("2b-step", lambda a, y, lr: stepped(a, y[:1], lr), "one outcome of the batch"),
    ("2b-switch", forgetful, "moved only once"),
    ("2b-switch", lambda s, x, y, same, lr: switched(s, x, y, same, -lr), "you go uphill"),
    ("2b-switch", lambda s, x, y, same, lr: pair_by_pair(s, x, y, same, lr, 1), "you took the sum over the pairs"),
    ("2b-switch", lambda s, x, y, same, lr: s.index_put((x, y), lr * (same - s[x, y]) / len(x), accumulate=True),
     "the sigmoid goes first"),
    ("2b-switch", lambda s, x, y, same, lr: pair_by_pair(s, x, y, same, lr, s.numel()), "the size of the table"),
]

RIGHT = [("2b-shift", by_autograd), ("2b-shift", correlated), ("2b-step", stepped), ("2b-step", towards_the_mean),
         ("2b-switch", switched), ("2b-switch", pair_by_pair)]
