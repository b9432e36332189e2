"""Right and wrong answers to the exercises of notebook 02b, made by other code than the library's."""

from __future__ import annotations

from collections import Counter

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


def counted(y: Tensor, same: Tensor) -> dict[int, tuple[int, int]]:
    """How often each sound is in pairs of one film and of two."""
    pairs = Counter(zip(y.tolist(), same.tolist(), strict=True))
    return {kind: (pairs[kind, 1.0], pairs[kind, 0.0]) for kind in set(y.tolist())}


def told(y: Tensor, same: Tensor, choose=max) -> float:
    return sum(choose(both) for both in counted(y, same).values()) / len(y)


def answers(y: Tensor, same: Tensor) -> Tensor:
    one = {kind: float(a > b) for kind, (a, b) in counted(y, same).items()}
    return torch.tensor([one[kind] for kind in y.tolist()])


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
    ("2b-pairs", lambda y, same: max(same.mean(), 1 - same.mean()), "`y` = 1: `y` is not used"),
    ("2b-pairs", lambda y, same: 1 / 2, "0.5 is what fair pairs"),
    ("2b-pairs", lambda y, same: told(y, same, min), "1 minus the right one: what counts and what does not have"),
    ("2b-pairs", lambda y, same: told(y, same) * len(y), "too large by the number of values: a sum over all of `y`"),
    ("2b-pairs", lambda y, same: sum(max(both) / sum(both) for both in counted(y, same).values()) / len(set(
        y.tolist())), "the mean over the sounds"),
    ("2b-pairs", lambda y, same: told(y, same) * len(y) / (1 + max(y.tolist())), "divide by the number of pairs"),
    ("2b-pairs", lambda y, same: answers(y, same).mean(), "how often the answer is"),
    ("2b-pairs", lambda y, same: same.sum() / len(same), "the share of pairs of one film"),
    ("2b-pairs", lambda y, same: told(y, same) + 0.1, "right value"),
]

RIGHT = [("2b-marginal", looped), ("2b-marginal", correlated), ("2b-pairs", told),
         ("2b-pairs", lambda y, same: (answers(y, same) == same).double().mean())]
