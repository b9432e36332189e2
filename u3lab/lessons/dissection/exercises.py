"""The exercises on dissection: thresholds, the IoU, and both for a whole layer."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, by_number, not_contiguous
from u3lab.dissection.concept_vectors import iou_set
from u3lab.lessons.dissection.iou_exercise import LAYER


def threshold(activations: Tensor, share: float) -> Tensor:
    """T (U): a share of the values of each unit, over all pictures and places of (N,U,h,w), lies above."""
    return activations.movedim(1, 0).flatten(1).quantile(1 - share, dim=1)


def _tied(values: Tensor, share: float) -> Tensor:
    """The same (N,U,h,w), with four equal values about each quantile, so that every way to round finds the same."""
    flat = values.movedim(1, 0).flatten(1)
    order, at = flat.argsort(1), round(flat.shape[1] * (1 - share))
    flat = flat.scatter(1, order[:, at - 2 : at + 2], flat.gather(1, order[:, at : at + 1]).expand(-1, 4))
    return flat.view(values.shape[1], values.shape[0], *values.shape[2:]).movedim(0, 1)


def _activation_cases(g: torch.Generator) -> Iterator[tuple]:
    """Pictures and units differ in how strong they are."""
    yield torch.tensor([[[[0.0, 1.0, 2.0, 9.0]], [[5.0, 5.0, 0.0, 4.0]]],
                        [[[3.0, 3.0, 1.0, 0.0]], [[2.0, 1.0, 1.0, 8.0]]]]), 0.25
    for shape, share, dtype in (((5, 3, 16, 15), 0.005, torch.float32), ((4, 6, 8, 5), 0.05, torch.float64)):
        strong = 1 + 4 * torch.rand(shape[0], shape[1], 1, 1, generator=g, dtype=dtype)
        yield not_contiguous(_tied(strong * torch.randn(shape, generator=g, dtype=dtype).abs(), share)), share


def _by_picture(a: Tensor, share: float) -> Tensor:
    return a.flatten(2).quantile(1 - share, dim=2)


THRESHOLD = Exercise(
    id="7-threshold", title="When is a unit on?", minutes=10, difficulty="medium", points=2,
    goal="Return the threshold T_k of each unit: a share of all its values, over all pictures and places together, "
         "lies above it. In the formula: P(a_k > T_k) = share, or just below it where values are equal.",
    signature="def my_threshold(activations, share):   # (N,U,h,w), share as 0.005 → T, of shape (U)",
    hints=(
        "If torch says that q must lie between 0 and 1: `share` is a fraction, no percentage. If nearly everything "
        "lies above your T, you have the other end.",
        "Pictures and places go into one pool, and each unit has a pool of its own. So you need (U, all values of the "
        "unit): bring the axis of the units to the front first, then flatten the others.",
        "`values = activations.movedim(1, 0).flatten(1)` is (U, N·h·w). Of these take `quantile(1 - share, dim=1)`."),
    reference=threshold, judge=by_cases(threshold, _activation_cases, (
        Mistake((_by_picture, lambda a, s: _by_picture(a, s).mean(0), lambda a, s: _by_picture(a, s).amax(0)),
                "that is one threshold per picture, or made of such. Each picture would then have active places, "
                "whether it shows the thing or not: pool pictures and places first, then take one quantile"),
        Mistake((lambda a, s: a.flatten().quantile(1 - s), lambda a, s: a.flatten().quantile(1 - s).repeat(a.shape[1])),
                "you pooled all units together; the units have different scales, and a strong one would leave nothing "
                "to the weak: take one T for each"),
        Mistake(("1 - share → 1 - share / 100", "1 - share → (1 - share) / 100",
                 lambda a, s: (1 - s) * a.amax((0, 2, 3))), "`share` is a share of the number of values (not of the "
                "largest), and a fraction already: 0.005 is half a percent. A quantile counts to 1, a percentile to "
                "100"),
        Mistake((lambda a, s: a.mean((2, 3)).quantile(1 - s, dim=0),
                 lambda a, s: a.amax((2, 3)).quantile(1 - s, dim=0)),
                "you took the mean or the maximum of each picture first; each place counts by itself"),
        Mistake("movedim(1, 0).flatten(1) → reshape(activations.shape[1], -1)", "`reshape` alone mixes pictures and "
                "units, since the first axis counts pictures; move the axis of the units to the front before"),
    )))


def _mask_cases(g: torch.Generator) -> Iterator[tuple]:
    """Each set has a picture with a false alarm alone; the larger ones also have one with a miss alone."""
    yield (torch.tensor([[[1, 1, 1], [0, 1, 0]], [[0, 0, 1], [0, 0, 0]]]).bool(),
           torch.tensor([[[1, 1, 0], [1, 1, 0]], [[0, 0, 0], [0, 0, 0]]]).bool())
    for size in ((5, 6, 7), (4, 9, 8)):
        large = torch.linspace(0.1, 0.8, size[0])[:, None, None]  # how much of a picture the concept fills
        masks, noise = torch.rand(size, generator=g) < large, torch.rand(size, generator=g) < 0.2
        active = masks ^ noise
        masks[1], active[2] = False, False
        yield not_contiguous(active), masks


def _areas(p: Tensor, m: Tensor, axes: tuple[int, ...] = (0, 1, 2)) -> tuple[Tensor, Tensor]:
    return (p & m).sum(axes), (p | m).sum(axes)


def _pictures(p: Tensor, m: Tensor) -> Tensor:
    common, either = _areas(p, m, (1, 2))
    return common / either


def _where(p: Tensor, m: Tensor) -> tuple[Tensor, Tensor]:
    """Only the pictures that show the concept."""
    shown = m.flatten(1).any(1)
    return p[shown], m[shown]


IOU = Exercise(
    id="7-iou", title="How well does a unit fit a concept?", minutes=5, difficulty="easy", points=2,
    goal="Return IoU_set = Σ|M ∩ L| / Σ|M ∪ L|: the pixels in both masks over the pixels in at least one. Both sums "
         "run over all pictures of the set.",
    signature="def my_iou(predicted, masks):   # M, L: (N,H,W) bool both → a scalar in [0,1]",
    hints=(
        "If the check speaks of single pictures: there is one division, at the very end.",
        "For bool tensors `&` is ∩ and `|` is ∪. `.sum()` counts the pixels that are true, in all pictures.",
        "`(predicted & masks).sum()` is the numerator; with `|` it is the denominator."),
    reference=iou_set, judge=by_number(iou_set, _mask_cases, (
        Mistake((_pictures, lambda p, m: _pictures(p, m).mean(), lambda p, m: _pictures(*_where(p, m)).mean(),
                 lambda p, m: iou_set(*_where(p, m))), "you looked at single pictures, or left out those without the "
                "concept, whose false alarms belong to the union. A picture with three pixels of the concept would "
                "count as much as one that is full of it; add up over all pictures, then divide"),
        Mistake((lambda p, m: 2 * (p & m).sum() / (p.sum() + m.sum()),
                 lambda p, m: (p & m).sum() / (p.sum() + m.sum())),
                "that is Dice, 2|M ∩ L| / (|M| + |L|), or half of it: in the sum of both areas the intersection "
                "counts twice; divide by the union"),
        Mistake((lambda p, m: (p & m).sum() / (p ^ m).sum(), lambda p, m: (p == m).double().mean(),
                 lambda p, m: (p & m).double().mean()), "you counted other pixels than the union, those in one mask or "
                "in both. With those in neither, a unit that is never on would look good for a small concept"),
        Mistake(lambda p, m: (p & m).sum() / p.sum(), "that is the precision: what is missed costs nothing; divide by "
                "the union"),
        Mistake(lambda p, m: (p & m).sum() / m.sum(), "that is the recall: false alarms cost nothing; divide by the "
                "union"),
    )))

EXERCISES = (THRESHOLD, IOU, LAYER)
