"""Notebook 02: its exercises, what a rare colour counts and which permutation comes next, and its quiz."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, by_number, not_contiguous
from u3lab.lessons.selfsup.pretext_questions import QUIZ

__all__ = ["EXERCISES", "QUIZ"]


def rebalance(prior: Tensor, gamma: float, alpha: float) -> Tensor:
    """w (Q): ∝ ((1−γ) p̃ + γ/Q)^−α, with Σ p̃ w = 1; ``prior`` is p̃ (Q)."""
    w = ((1 - gamma) * prior + gamma / len(prior)) ** -alpha
    return w / (prior * w).sum()


def farthest(every: Tensor, chosen: Tensor) -> int:
    """The row of ``every`` (P,n) whose nearest of the ``chosen`` (K,n), in Hamming distance, is the farthest."""
    distance = (every[:, None] != chosen).sum(2)  # (P,K)
    return int(distance.amin(1).argmax())


def _priors(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([0.7, 0.2, 0.1]), 0.5, 1.0
    yield torch.tensor([0.5, 0.5, 0.0, 0.0]), 0.25, 2.0  # colours that never occur
    for bins, gamma, alpha, dtype in ((1, 0.3, 1.0, torch.float32), (6, 0.9, 0.5, torch.float64),
                                      (30, 0.1, 1.5, torch.float32)):
        drawn = torch.rand(2 * bins, generator=g, dtype=dtype)[::2] ** 3 + 1e-3
        yield drawn / drawn.sum(), gamma, alpha


def _mixed(p: Tensor, gamma: float) -> Tensor:
    return (1 - gamma) * p + gamma / len(p)


def _scaled(p: Tensor, w: Tensor) -> Tensor:
    return w / (p * w).sum()


REBALANCE = Exercise(
    id="2-rebalance", title="What a rare colour counts", minutes=10, difficulty="medium", points=4,
    goal="p̃ says how often each of Q colours occurs. Return the weights w (Q) of Equation 4: "
         "w ∝ ((1−γ) p̃ + γ/Q)^(−α), scaled so that Σ p̃ w = 1.",
    signature="def my_weights(prior, gamma, alpha):   # (Q), a number, a number → (Q)",
    hints=(
        "Take two lines: first the power, then the scale. Test by hand: with γ = 1 all colours count the same, and "
        "then w has to be 1 everywhere.",
        "γ/Q is a number, the share of each colour if all were equally frequent; Q is `len(prior)`. The minus in the "
        "exponent makes what is rare heavy.",
        "`w = ((1 - gamma) * prior + gamma / len(prior)) ** -alpha`. Then divide w by the sum of p̃ times w: so a pixel "
        "counts 1 on average, and the learning rate need not be changed."),
    reference=rebalance, judge=by_cases(rebalance, _priors, (
        Mistake(lambda p, g, a: _mixed(p, g) ** -a, "the weights are not scaled yet: divide by Σ p̃ w, so that a pixel "
                "counts 1 on average"),
        Mistake(lambda p, g, a: rebalance(p, g, a) / rebalance(p, g, a).sum(), "your weights sum to 1; it is Σ p̃ w "
                "that has to be 1, the mean over the pixels and not over the colours"),
        Mistake(lambda p, g, a: rebalance(p, g, a) / rebalance(p, g, a).mean(), "the mean of your weights over the "
                "colours is 1; the mean over the *pixels* should be, Σ p̃ w"),
        Mistake(lambda p, g, a: _scaled(p, _mixed(p, g) ** a), "the exponent is +α: what is frequent gets heavy. It is "
                "−α"),
        Mistake(lambda p, g, a: _scaled(p, _mixed(p, 1 - g) ** -a), "γ and 1 − γ are exchanged: γ is the share of the "
                "equal distribution, 1 − γ that of p̃"),
        Mistake(lambda p, g, a: _scaled(p, ((1 - g) * p + g) ** -a), "you added γ instead of γ/Q; together the colours "
                "would sum to more than 1"),
        Mistake(lambda p, g, a: _scaled(p, _mixed(p, g) ** -1), "α is not used: the exponent is −α"),
        Mistake(lambda p, g, a: _scaled(p, p**-a), "γ is not used. A colour that never occurs then has an infinite "
                "weight"),
        Mistake(lambda p, g, a: _scaled(p, (p + g / len(p)) ** -a), "(1−γ) is missing in front of p̃"),
        Mistake(lambda p, g, a: _scaled(_mixed(p, g), _mixed(p, g) ** -a), "you scaled with the mixture; the mean "
                "over the pixels is Σ p̃ w, with p̃ itself"),
        Mistake(lambda p, g, a: _scaled(p, (1 - g) * p**-a + (g / len(p)) ** -a), "you took the power of each part; "
                "mix first, then take the power of the sum"),
        Mistake(lambda p, g, a: _scaled(p, 1 - _mixed(p, g)), "you took 1 minus the mixture: so a colour a thousand "
                "times rarer is hardly heavier. Take the power −α"),
        Mistake(lambda p, g, a: p * rebalance(p, g, a), "you multiplied the weights with p̃; that is what each colour "
                "counts in total, not what one pixel of it counts"),
        Mistake(lambda p, g, a: torch.ones_like(p), "these are ones: nothing is rebalanced"),
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
