"""Right and wrong answers to the exercises of notebook 02b, made by other code than the library's."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def turned(p: Tensor) -> Tensor:
    """The mirror image, by indices."""
    return p[..., torch.arange(p.shape[-1] - 1, -1, -1)]


def away(a: Tensor, b: Tensor) -> Tensor:
    return torch.einsum("bchw,bchw->b", a - b, a - b)


def looped(p: Tensor, y: Tensor, least=min) -> Tensor:
    """One picture after the other."""
    return torch.stack([least(away(one[None], other[None])[0], away(turned(one)[None], other[None])[0])
                        for one, other in zip(p, y, strict=True)])


def pixelwise(p: Tensor, y: Tensor) -> Tensor:
    return torch.stack([y - p, y - turned(p)]).pow(2).amin(0).sum((1, 2, 3))


def batchwise(p: Tensor, y: Tensor) -> Tensor:
    both = torch.stack([away(p, y), away(turned(p), y)])
    return both[both.sum(1).argmin()]


def twice(x: Tensor) -> Tensor:
    return x.repeat(2, *(1,) * (x.ndim - 1))


def marks(x: Tensor, first: float = 1.0) -> Tensor:
    return torch.tensor([first] * len(x) + [1 - first] * len(x))


def numbered(x: Tensor, s: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor]:
    """By the numbers of the films."""
    own = torch.arange(len(x))
    return twice(x), s[torch.cat([own, (own + k) % len(x)])], (torch.arange(2 * len(x)) < len(x)).float()


def with_sounds(x: Tensor, s: Tensor, others: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return twice(x), torch.cat([s, others]), marks(x)


MUTANTS = [
    ("2-marginal", pixelwise, "sum first"),
    ("2-marginal", batchwise, "for the whole batch"),
    ("2-marginal", lambda p, y: torch.lerp(away(p, y), away(turned(p), y), 0.5), "the mean over η"),
    ("2-marginal", lambda p, y: looped(p, y, max), "the maximum"),
    ("2-marginal", lambda p, y: away(p, y) + away(turned(p), y), "both losses are added"),
    ("2-marginal", away, "that is L2"),
    ("2-marginal", lambda p, y: away(turned(y), p), "the mirror image alone"),
    ("2-marginal", lambda p, y: looped(p, y).mean(), "the mean over the batch"),
    ("2-marginal", lambda p, y: looped(p, y).sum(), "the sum over the batch"),
    ("2-marginal", lambda p, y: looped(p, y) ** 0.5, "that is the norm"),
    ("2-marginal", lambda p, y: torch.stack([F.mse_loss(a, b, reduction="none").mean((1, 2, 3)) for a, b in (
        (p, y), (turned(p), y))]).amin(0), "the mean over the pixels"),
    ("2-marginal", lambda p, y: torch.minimum(away(p, y), away(turned(turned(p).mT).mT[..., :, :], y)), "half a turn"),
    ("2-marginal", lambda p, y: torch.minimum(away(p, y), away(turned(p.mT).mT, y)), "stands on its head"),
    ("2-marginal", lambda p, y: torch.minimum((y - p).abs().sum((1, 2, 3)), (y - turned(p)).abs().sum((1, 2, 3))),
     "absolute"),
    ("2-marginal", lambda p, y: away((p + turned(p)) * 0.5, y), "the mean of ŷ and its mirror image"),
    ("2-marginal", lambda p, y: torch.minimum(away(p, y), away(turned(p), turned(y))), "that is L2"),
    ("2-marginal", lambda p, y: 2 * looped(p, y), "right values"),
    ("2-marginal", lambda p, y: looped(p, y).float(), "float32, and float64 is wanted"),
    ("2-marginal", lambda p, y: looped(p, y)[:, None], "has the shape"),
    ("2-pairs", lambda x, s, k: with_sounds(x, s, torch.cat([s[-k:], s[:-k]])), "the other way"),
    ("2-pairs", lambda x, s, k: with_sounds(x, s, s * 0), "is silent"),
    ("2-pairs", lambda x, s, k: with_sounds(x, s, s[:, torch.arange(s.shape[1] - 1, -1, -1)]), "run backwards"),
    ("2-pairs", lambda x, s, k: with_sounds(x, s, torch.cat([s[:, k:], s[:, :k]], 1)), "along axis 1, the time"),
    ("2-pairs", lambda x, s, k: with_sounds(x, s, torch.stack(list(s)[::-1])), "the film in the middle"),
    ("2-pairs", lambda x, s, k: with_sounds(x, s, torch.stack([s[k]] * len(s))), "one and the same sound"),
    ("2-pairs", lambda x, s, k: with_sounds(x, s, torch.stack([s[0]] * len(s))), "the sound of the first film"),
    ("2-pairs", lambda x, s, k: numbered(x, s, 1), "always take the next"),
    ("2-pairs", lambda x, s, k: (torch.cat([x, torch.cat([x[k:], x[:k]])]), torch.cat([s, torch.cat([s[k:], s[:k]])]),
                                 marks(x)), "move the sounds alone"),
    ("2-pairs", lambda x, s, k: (twice(x), twice(s), marks(x)), "its own sounds again"),
    ("2-pairs", lambda x, s, k: (*numbered(x, s, k)[:2], marks(x, 0.0)), "turned round"),
    ("2-pairs", lambda x, s, k: tuple(part[len(x):] for part in numbered(x, s, k)), "the second half alone"),
    ("2-pairs", lambda x, s, k: tuple(part[:len(x)] for part in numbered(x, s, k)), "the first half alone"),
    ("2-pairs", lambda x, s, k: (torch.cat([x, torch.cat([x[-k:], x[:-k]])]), twice(s), marks(x)),
     "instead of the sounds"),
    ("2-pairs", lambda x, s, k: (twice(x), numbered(x, s, k)[1].roll(len(x), 0), marks(x)), "come first"),
    ("2-pairs", lambda x, s, k: (*numbered(x, s, k)[:2], marks(x).bool()), "bool"),
    ("2-pairs", lambda x, s, k: numbered(x, s, k)[:2], "3 tensors"),
]

RIGHT = [("2-marginal", looped),
         ("2-marginal", lambda p, y: torch.stack([away(p, y), away(p, turned(y))]).amin(0)),
         ("2-pairs", numbered)]
