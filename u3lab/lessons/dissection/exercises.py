"""The exercises on dissection: thresholds, the IoU, and both for a whole layer."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, by_number, not_contiguous
from u3lab.dissection.concept_vectors import iou_set
from u3lab.lessons.dissection.layer import LAYER


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


_ONE_FOR_ALL = ("you pooled all units together; the units have different scales, and a strong one would leave nothing "
                "to the weak: take one T for each")
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
        Mistake(_by_picture, "that is one threshold per picture, (N,U). Each picture would then have active places, "
                "whether it shows the thing or not; take one over the whole data set"),
        Mistake(lambda a, s: _by_picture(a, s).mean(0), "that is the mean over the pictures of each picture's "
                "quantile; pool pictures and places first, then take one quantile"),
        Mistake(lambda a, s: _by_picture(a, s).amax(0), "that is the largest of the pictures' quantiles; pool pictures "
                "and places first, then take one quantile"),
        Mistake(lambda a, s: a.flatten().quantile(1 - s), _ONE_FOR_ALL),
        Mistake(lambda a, s: a.flatten().quantile(1 - s).repeat(a.shape[1]), _ONE_FOR_ALL),
        Mistake(lambda a, s: threshold(a, 1 - s), "nearly everything lies above this T: you took the quantile at "
                "`share`, and it is the one at 1 − share"),
        Mistake(lambda a, s: threshold(a, s / 100), "you divided share by 100; it is a fraction already: 0.005 is half "
                "a percent"),
        Mistake(lambda a, s: threshold(a, 1 - (1 - s) / 100), "a percentile counts to 100, a quantile to 1: this is "
                "the value at (1 − share) percent, near the smallest of all"),
        Mistake(lambda a, s: a.mean((2, 3)).quantile(1 - s, dim=0), "you took the mean over the places first; each "
                "place counts by itself"),
        Mistake(lambda a, s: a.amax((2, 3)).quantile(1 - s, dim=0), "you took the maximum of each picture first; each "
                "place counts by itself"),
        Mistake(lambda a, s: a.reshape(a.shape[1], -1).quantile(1 - s, dim=1), "`reshape` alone mixes pictures and "
                "units, since the first axis counts pictures; move the axis of the units to the front before"),
        Mistake(lambda a, s: (1 - s) * a.amax((0, 2, 3)), "that is a share of the largest value; asked is a share of "
                "the number of values"),
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
        Mistake(_pictures, "that is one IoU for each picture; add up over the pictures, then divide"),
        Mistake(lambda p, m: _pictures(p, m).mean(), "that is the mean of the pictures' IoUs. A picture with three "
                "pixels of the concept would count as much as one that is full of it; add up first, then divide"),
        Mistake(lambda p, m: _pictures(*_where(p, m)).mean(), "that is the mean of the IoUs of the pictures that show "
                "the concept; add up over all pictures, then divide"),
        Mistake(lambda p, m: iou_set(*_where(p, m)), "you left out the pictures without the concept; there the unit "
                "may give false alarms, and these belong to the union"),
        Mistake(lambda p, m: 2 * (p & m).sum() / (p.sum() + m.sum()), "that is Dice, 2|M ∩ L| / (|M| + |L|); divide by "
                "the union"),
        Mistake(lambda p, m: (p & m).sum() / (p.sum() + m.sum()), "you divided by the sum of both areas, where the "
                "intersection counts twice; divide by the union"),
        Mistake(lambda p, m: (p & m).sum() / (p ^ m).sum(), "you divided by the pixels in exactly one of the masks; "
                "the union has those in both as well"),
        Mistake(lambda p, m: (p == m).double().mean(), "that is the share of right pixels. A unit that is never on "
                "would look good for a small concept; leave out the pixels in neither mask"),
        Mistake(lambda p, m: (p & m).double().mean(), "you divided by the number of all pixels; divide by the union"),
        Mistake(lambda p, m: (p & m).sum() / p.sum(), "that is the precision: what is missed costs nothing; divide by "
                "the union"),
        Mistake(lambda p, m: (p & m).sum() / m.sum(), "that is the recall: false alarms cost nothing; divide by the "
                "union"),
        Mistake(lambda p, m: 1 - iou_set(p, m), "that is 1 − IoU, a distance; the IoU is 1 for equal masks"),
    )))

EXERCISES = (THRESHOLD, IOU, LAYER)
