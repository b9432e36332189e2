"""Exercises of chapter 7 whose answer is one number: how alike are two sets of masks, or two kernels?"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from numbers import Real
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.course.definitions import Exercise, Judge, Mistake
from u3lab.course.judging import Cases, by_cases, not_contiguous
from u3lab.dissection.concept_vectors import iou_set
from u3lab.dissection.kernel import concept_kernel, kernel_similarity


def by_number(reference: Callable[..., Any], cases: Cases, mistakes: tuple[Mistake, ...]) -> Judge:
    """As :func:`by_cases`, for answers that are one number: as a tensor of any float type, or as a plain one."""
    def judge(answer: Any) -> str:
        known = tuple(Mistake(_as_tensor(mistake.function), mistake.message) for mistake in mistakes)
        given = _as_tensor(answer) if callable(answer) else answer
        return by_cases(_as_tensor(reference), cases, known)(given)

    return judge


def _as_tensor(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, with its number as float64; what is no number stays as it is."""
    @functools.wraps(function)
    def call(*case: Any) -> Any:
        result = function(*case)
        if isinstance(result, Tensor):
            return result.double()
        plain = isinstance(result, Real) and not isinstance(result, bool)
        return torch.tensor(float(result), dtype=torch.float64) if plain else result

    return call


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


def _kernel_cases(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.tensor([[1.0, 0.5, 0.0], [0.5, 1.0, -0.5], [0.0, -0.5, 1.0]]),
           torch.tensor([[1.0, 0.2, 0.4], [0.2, 1.0, -0.8], [0.4, -0.8, 1.0]]))
    for concepts, dtype in ((6, torch.float32), (9, torch.float64)):
        shared = torch.randn(concepts, 4, generator=g)
        pair = (torch.cat([shared, torch.randn(concepts, units, generator=g)], 1) + 0.3 for units in (3, 8))
        yield tuple(concept_kernel(vectors).to(dtype) for vectors in pair)
    vectors = torch.randn(2, 5, 8, generator=g)  # as they are, of any length
    yield tuple(vectors @ vectors.mT)


def _reference_similarity(first: Tensor, second: Tensor) -> float:
    return kernel_similarity(first, second)


def _off(k: Tensor) -> Tensor:
    return k - k.diag().diag()


def _centred(k: Tensor) -> Tensor:
    return k - k.mean(0) - k.mean(1)[:, None] + k.mean()


def _entries(k: Tensor) -> Tensor:
    return k[~torch.eye(len(k), dtype=torch.bool)]


def _eye(k: Tensor) -> Tensor:
    return torch.eye(len(k), dtype=k.dtype)


def _cosine(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum() / (a.norm() * b.norm())


SIMILARITY = Exercise(
    id="7-similarity", title="Do two networks hold the same concepts alike?", minutes=15, difficulty="medium", points=3,
    goal="Return the similarity of two kernels of the same concepts, Σ K^Φ_ij K^Ψ_ij / (‖K^Φ‖ ‖K^Ψ‖). All sums, also "
         "those in the norms, run over i ≠ j: leave out the diagonal.",
    signature="def my_similarity(first, second):   # K^Φ, K^Ψ: (C,C) both → a scalar in [−1,1]",
    hints=(
        "Test it by hand: a kernel and itself must give 1, and a kernel and its negative −1.",
        "Make the diagonals 0 first, in new tensors. Then all three sums leave them out.",
        "`a = first - first.diag().diag()` has a diagonal of 0. The products are taken entry by entry, `a * b`, and "
        "‖a‖ is `a.norm()`."),
    reference=kernel_similarity, judge=by_number(_reference_similarity, _kernel_cases, (
        Mistake(lambda a, b: kernel_similarity(a, b, diagonal=True), "the diagonal is in your sums. Each concept is "
                "like itself in every network, so even networks that share nothing would look alike"),
        Mistake(lambda a, b: (_off(a) * _off(b)).sum() / (a.norm() * b.norm()), "the diagonal still counts in the "
                "norms; leave it out there, too"),
        Mistake(lambda a, b: (a * b).sum() / (_off(a).norm() * _off(b).norm()), "the diagonal still counts in the "
                "numerator; leave it out there, too"),
        Mistake(lambda a, b: _cosine(a - _eye(a), b - _eye(b)), "you took 1 off the diagonal; it is 1 only for vectors "
                "of length 1: set it to 0"),
        Mistake(lambda a, b: (_off(a) * _off(b)).sum(), "the norms are missing: divide by ‖K^Φ‖ ‖K^Ψ‖"),
        Mistake(lambda a, b: (a * b).sum(), "the norms are missing, and the diagonal is in the sum"),
        Mistake(lambda a, b: _entries(a * b).mean(), "that is the mean of the products; take their sum, and divide by "
                "‖K^Φ‖ ‖K^Ψ‖"),
        Mistake(lambda a, b: (_off(a) * _off(b)).sum() / (_off(a).square().sum() * _off(b).square().sum()), "the "
                "square roots are missing: a norm is the root of a sum of squares"),
        Mistake(lambda a, b: (a * b).sum() / (a.square().sum() * b.square().sum()), "the square roots are missing in "
                "the norms, and the diagonal is in the sums"),
        Mistake(lambda a, b: torch.corrcoef(torch.stack([_entries(a), _entries(b)]))[0, 1], "that is a correlation: "
                "you took the mean off the entries first; the formula has them as they are"),
        Mistake(lambda a, b: torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1], "that is a correlation, of "
                "all entries: take no mean off, and leave out the diagonal"),
        Mistake(lambda a, b: _cosine(_centred(a), _centred(b)), "you centred the kernels; the formula has them as "
                "they are, without the diagonal"),
        Mistake(lambda a, b: _cosine(_off(_centred(a)), _off(_centred(b))), "you centred the kernels before you left "
                "out the diagonal; the formula has them as they are"),
        Mistake(lambda a, b: (_off(a) @ _off(b)).sum() / (_off(a).norm() * _off(b).norm()), "`@` is the product of "
                "matrices; here entry is multiplied with entry: `*`"),
        Mistake(lambda a, b: (a @ b).sum() / (a.norm() * b.norm()), "`@` is the product of matrices; take `*`, entry "
                "by entry, without the diagonal"),
        Mistake(lambda a, b: _off(a @ b).sum() / (_off(a).norm() * _off(b).norm()), "`@` is the product of matrices; "
                "take `*`, entry by entry"),
        Mistake(lambda a, b: F.cosine_similarity(_off(a), _off(b)).mean(), "you compared row by row, and took the "
                "mean; there is one sum over all pairs"),
    )))
