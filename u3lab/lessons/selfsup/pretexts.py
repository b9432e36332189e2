"""Notebook 02: its exercises: what a rare colour counts and which permutation comes next."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, by_number, not_contiguous

__all__ = ["EXERCISES"]


def rebalance(counts: Tensor, gamma: float, alpha: float) -> tuple[Tensor, Tensor]:
    """w (Q) ∝ ((1−γ) p̃ + γ/Q)^−α with Σ p̃ w = 1, and what w tends to as p̃ → 0; ``counts`` (Q) are of pixels."""
    prior = counts / counts.sum()  # p̃
    heavy = ((1 - gamma) * prior + gamma / len(prior)) ** -alpha
    mean = (prior * heavy).sum()  # over the pixels
    return heavy / mean, (gamma / len(prior)) ** -alpha / mean


def farthest(every: Tensor, chosen: Tensor) -> int:
    """The row of ``every`` (P,n) whose nearest of the ``chosen`` (K,n), in Hamming distance, is the farthest."""
    distance = (every[:, None] != chosen).sum(2)  # (P,K)
    return int(distance.amin(1).argmax())


def _counts(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([7.0, 2.0, 1.0]), 0.5, 1.0
    yield torch.tensor([50.0, 50.0, 0.0, 0.0]), 0.25, 2.0  # colours that never occur
    for bins, gamma, alpha, dtype in ((1, 0.3, 1.0, torch.float32), (6, 0.9, 0.5, torch.float64),
                                      (30, 0.1, 1.5, torch.float32)):
        drawn = torch.rand(2 * bins, generator=g, dtype=dtype)[::2] ** 3
        yield (1000 * drawn).round() + 1, gamma, alpha


def _shares(counts: Tensor) -> Tensor:
    return counts / counts.sum()


def _mixed(p: Tensor, gamma: float) -> Tensor:
    return (1 - gamma) * p + gamma / len(p)


def _slip(heavy: Callable[[Tensor, float, float], Tensor], by: Callable[[Tensor, Tensor], Tensor] | None = None
          ) -> Callable[[Tensor, float, float], tuple[Tensor, Tensor]]:
    """A wrong answer: another power of p̃, γ and α, or another scale of p̃ and the powers; it is wrong at p̃ = 0 too."""
    def wrong(counts: Tensor, gamma: float, alpha: float) -> tuple[Tensor, Tensor]:
        p = _shares(counts)
        scale = (p * heavy(p, gamma, alpha)).sum() if by is None else by(p, heavy(p, gamma, alpha))
        return heavy(p, gamma, alpha) / scale, heavy(torch.zeros_like(p), gamma, alpha)[0] / scale
    return wrong


def _of_counts(counts: Tensor, gamma: float, alpha: float) -> tuple[Tensor, Tensor]:
    heavy = _power(counts, gamma, alpha)
    mean = (_shares(counts) * heavy).sum()
    return heavy / mean, (gamma / len(counts)) ** -alpha / mean


def _over_mixture(counts: Tensor, gamma: float, alpha: float) -> tuple[Tensor, Tensor]:
    w, most = rebalance(counts, gamma, alpha)
    scale = (_mixed(_shares(counts), gamma) * w).sum()
    return w / scale, most / scale


def _power(p: Tensor, gamma: float, alpha: float) -> Tensor:
    return _mixed(p, gamma) ** -alpha


REBALANCE = Exercise(
    id="2-rebalance", title="What a rare colour counts", minutes=15, difficulty="medium", points=4,
    goal="You have counted the pixels of each of Q colours in many photos. Return two things. First the weights w (Q): "
         "w ∝ ((1−γ) p̃ + γ/Q)^(−α), scaled so that the mean of w over all the *pixels* is 1. Then the ceiling, one "
         "number: the weight of a colour that never occurs.",
    signature="def my_weights(counts, gamma, alpha):   # (Q), a number, a number → (Q) and one number",
    hints=(
        "Take four lines: the shares p̃, the power, the scale, the ceiling. Test by hand: with γ = 1 all colours count "
        "the same, and then w and the ceiling have to be 1.",
        "There are N pixels, of which N p̃_q have the colour q. So the mean of w over the pixels is Σ p̃ w, and not the "
        "mean over the colours.",
        "γ/Q is a number; Q is `len(counts)`. The minus in the exponent makes what is rare heavy. What is left of the "
        "power when p̃ is 0? It has to be scaled by the same number as w.",
        "`p = counts / counts.sum()` and `w = ((1 - gamma) * p + gamma / len(p)) ** -alpha`. The scale is "
        "`(p * w).sum()`; the ceiling is `(gamma / len(p)) ** -alpha`, divided by it."),
    reference=rebalance, judge=by_cases(rebalance, _counts, (
        Mistake(_slip(_power, lambda p, w: w.new_ones(())), "the weights are not scaled yet: divide by Σ p̃ w, so that "
                "a pixel counts 1 on average"),
        Mistake(_slip(_power, lambda p, w: w.sum()), "your weights sum to 1; it is Σ p̃ w that has to be 1, the mean "
                "over the pixels and not over the colours"),
        Mistake(_slip(_power, lambda p, w: w.mean()), "the mean of your weights over the colours is 1; the mean over "
                "the *pixels* should be, Σ p̃ w"),
        Mistake(lambda c, g, a: (rebalance(c, g, a)[0], rebalance(c, g, a)[0].max()), "the weights are right. The "
                "ceiling is not the largest of them, for a still rarer colour would be heavier: put p̃ = 0 into the "
                "formula"),
        Mistake(lambda c, g, a: (rebalance(c, g, a)[0], torch.as_tensor((g / len(c)) ** -a).to(c)), "the weights are "
                "right. The ceiling has to be scaled as they are: divide it by Σ p̃ w too"),
        Mistake(lambda c, g, a: (rebalance(c, g, a)[0], c.new_tensor(torch.inf)), "the weights are right. The ceiling "
                "is finite: γ/Q is left when p̃ is 0"),
        Mistake(lambda c, g, a: rebalance(c, g, a)[::-1], "return the weights first, and then the ceiling"),
        Mistake(_of_counts, "you mixed the counts with γ/Q; mix the shares p̃, which are the counts divided by their "
                "sum"),
        Mistake(_slip(lambda p, g, a: _mixed(p, g) ** a), "the exponent is +α: what is frequent gets heavy. It is −α"),
        Mistake(_slip(lambda p, g, a: _mixed(p, 1 - g) ** -a), "γ and 1 − γ are exchanged: γ is the share of the "
                "equal distribution, 1 − γ that of p̃"),
        Mistake(_slip(lambda p, g, a: ((1 - g) * p + g) ** -a), "you added γ instead of γ/Q; together the colours "
                "would sum to more than 1"),
        Mistake(_slip(lambda p, g, a: _mixed(p, g) ** -1), "α is not used: the exponent is −α"),
        Mistake(_slip(lambda p, g, a: p**-a), "γ is not used. A colour that never occurs then has an infinite weight"),
        Mistake(_slip(lambda p, g, a: (p + g / len(p)) ** -a), "(1−γ) is missing in front of p̃"),
        Mistake(_over_mixture, "you scaled with the mixture; the mean over the pixels is Σ p̃ w, with p̃ itself"),
        Mistake(_slip(lambda p, g, a: (1 - g) * p**-a + (g / len(p)) ** -a), "you took the power of each part; "
                "mix first, then take the power of the sum"),
        Mistake(_slip(lambda p, g, a: 1 - _mixed(p, g)), "you took 1 minus the mixture: so a colour a thousand "
                "times rarer is hardly heavier. Take the power −α"),
    )))


def _permutations(g: torch.Generator) -> Iterator[tuple]:
    """At first four permutations of four tiles; the answers by other rules differ in some case at the latest."""
    yield (torch.tensor([[0, 1, 2, 3], [1, 0, 2, 3], [1, 2, 3, 0], [3, 2, 1, 0]]),
           torch.tensor([[0, 1, 2, 3], [3, 2, 0, 1]]))
    for count, kept, tiles in ((40, 3, 9), (60, 6, 6), (30, 1, 5), (80, 12, 9), (50, 4, 9), (70, 8, 5)):
        drawn = torch.stack([torch.randperm(tiles, generator=g) for _ in range(count + kept)])
        yield not_contiguous(drawn[:count]), drawn[count:]


def _distances(every: Tensor, chosen: Tensor) -> Tensor:
    return (every[:, None] != chosen).sum(2)


PERMUTATIONS = Exercise(
    id="2-permutations", title="The next permutation", minutes=10, difficulty="medium", points=3,
    goal="Some permutations are chosen already, and one more is wanted that is as far from them as can be. The Hamming "
         "distance of two permutations is the number of places at which they differ. For each candidate take the "
         "distance to the *nearest* chosen one. Return the number of the candidate, from 0, for which it is largest; "
         "of several, the first.",
    signature="def my_next(every, chosen):   # candidates (P,n), those chosen already (K,n) → a number",
    hints=(
        "Make a table of distances first, one row for each candidate and one column for each chosen one, (P,K).",
        "`every[:, None] != chosen` compares all with all and has the shape (P,K,n). Summed over the last axis it "
        "counts the places that differ.",
        "The nearest is the minimum along axis 1, `.amin(1)`; the best candidate is where that is largest, "
        "`.argmax()`, which gives the first of several."),
    reference=farthest, judge=by_number(farthest, _permutations, (
        Mistake(lambda e, c: int(_distances(e, c).sum(1).argmax()), "you took the mean distance, or the sum, as the "
                "paper does: a candidate may be far from most and nearly equal to one. Take the minimum"),
        Mistake(lambda e, c: int(_distances(e, c).amax(1).argmax()), "you took the distance to the farthest chosen "
                "one; take that to the nearest"),
        Mistake(lambda e, c: int(_distances(e, c).amin(1).argmin()), "that is the candidate that is nearest to the "
                "chosen ones; the farthest is wanted"),
        Mistake(lambda e, c: int((e[:, None] == c).sum(2).amin(1).argmax()), "you counted the places that are equal; "
                "the Hamming distance counts those that differ"),
        Mistake(lambda e, c: int(_distances(e, c)[:, -1].argmax()), "you looked at the last of the chosen ones alone; "
                "look at all of them"),
        Mistake(lambda e, c: int(_distances(e, c)[:, 0].argmax()), "you looked at the first of the chosen ones alone; "
                "look at all of them"),
        Mistake(lambda e, c: int((e[:, None] - c).abs().sum(2).amin(1).argmax()), "you summed how far the numbers lie "
                "apart. They are names of tiles: only equal or not equal counts"),
        Mistake(lambda e, c: int((e[:, None] - c).square().sum(2).amin(1).argmax()), "you took the squared distance of "
                "the numbers. They are names of tiles: only equal or not equal counts"),
        Mistake(lambda e, c: len(e) - 1 - int(_distances(e, c).amin(1).flip(0).argmax()), "of several that are equally "
                "far, you took the last; take the first"),
        Mistake(lambda e, c: int(_distances(e, c).amin(1).max()), "that is the distance itself; return the number of "
                "the candidate that has it"),
        Mistake(lambda e, c: int((_distances(e, c) > 0).all(1).double().argmax()), "that is the first candidate that "
                "is not chosen yet; it should be as far away as can be"),
        Mistake(lambda e, c: int(_distances(e, c).amin(0).argmax()), "the minimum is taken over the candidates; take "
                "it over the chosen ones, for each candidate"),
        Mistake(lambda e, c: 1 + farthest(e, c), "you count candidates from 1; count from 0"),
    )))

EXERCISES = (REBALANCE, PERMUTATIONS)
