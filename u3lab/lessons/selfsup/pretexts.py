"""Notebook 02: its exercises: what a rare colour counts and which permutation comes next."""

from __future__ import annotations

from collections.abc import Iterator

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
        Mistake(("(prior * heavy).sum() → heavy.new_ones(())", "(prior * heavy).sum() → heavy.sum()",
                 "(prior * heavy).sum() → heavy.mean()",
                 "(prior * heavy).sum() → (((1 - gamma) * prior + gamma / len(prior)) * heavy).sum()"), "your weights "
                "have another scale: divide by Σ p̃ w, with p̃ itself, so that a pixel counts 1 on average. It is "
                "their mean over the *pixels* that is 1, not their sum or their mean over the colours"),
        Mistake(("(gamma / len(prior)) ** -alpha / mean → (heavy / mean).max()",
                 "(gamma / len(prior)) ** -alpha / mean → mean.new_tensor((gamma / len(prior)) ** -alpha)",
                 "(gamma / len(prior)) ** -alpha / mean → mean.new_tensor(torch.inf)"), "the weights are right. The "
                "ceiling is the formula at p̃ = 0, where γ/Q is left, scaled as they are: finite, and more than the "
                "largest of them"),
        Mistake("(1 - gamma) * prior → (1 - gamma) * counts", "you mixed the counts with γ/Q; mix the shares p̃, which "
                "are the counts divided by their sum"),
        Mistake(("gamma / len(prior)) ** → gamma) **", "(1 - gamma) * prior → prior",
                 "(1 - gamma) * prior + gamma / len(prior) → prior ;; (gamma / len(prior)) ** -alpha → torch.inf"),
                "the mixture is (1−γ) p̃ + γ/Q: with γ instead of γ/Q, or without (1−γ), it would sum to more than 1, "
                "and without γ a colour that never occurs has an infinite weight"),
        Mistake("((1 - gamma) * prior + gamma / len(prior)) ** -alpha → 1 - ((1 - gamma) * prior + gamma / len(prior)) "
                ";; (gamma / len(prior)) ** -alpha → (1 - gamma / len(prior))", "you took 1 minus the mixture: so a "
                "colour a thousand times rarer is hardly heavier. Take the power −α"),
    )))


def _permutations(g: torch.Generator) -> Iterator[tuple]:
    """At first four permutations of four tiles; the answers by other rules differ in some case at the latest."""
    yield (torch.tensor([[0, 1, 2, 3], [1, 0, 2, 3], [1, 2, 3, 0], [3, 2, 1, 0]]),
           torch.tensor([[0, 1, 2, 3], [3, 2, 0, 1]]))
    for count, kept, tiles in ((40, 3, 9), (60, 6, 6), (30, 1, 5), (80, 12, 9), (50, 4, 9), (70, 8, 5)):
        drawn = torch.stack([torch.randperm(tiles, generator=g) for _ in range(count + kept)])
        yield not_contiguous(drawn[:count]), drawn[count:]


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
        Mistake(("amin(1) → sum(1)", "amin(1) → amax(1)", "distance.amin(1) → distance[:, -1]",
                 "distance.amin(1) → distance[:, 0]"), "look at all of the chosen ones, and take the distance to the "
                "nearest, the minimum: with the mean or the sum (as in the paper), the farthest, the first or the last "
                "a candidate may be far from most and nearly equal to one"),
        Mistake(("argmax → argmin", "distance.amin(1).argmax() → (distance > 0).all(1).double().argmax()"), "that is "
                "the candidate that is nearest to the chosen ones, or the first that is not chosen yet; the farthest "
                "is wanted"),
        Mistake("!= → ==", "you counted the places that are equal; the Hamming distance counts those that differ"),
        Mistake(("(every[:, None] != chosen) → (every[:, None] - chosen).abs()",
                 "(every[:, None] != chosen) → (every[:, None] - chosen).square()"), "you took how far the numbers lie "
                "apart, or its square. They are names of tiles: only equal or not equal counts"),
        Mistake(("distance.amin(1).argmax() → len(every) - 1 - distance.amin(1).flip(0).argmax()", "argmax → max"),
                "of several that are equally far take the first, not the last, and return its number, not the distance "
                "itself"),
    )))

EXERCISES = (REBALANCE, PERMUTATIONS)
