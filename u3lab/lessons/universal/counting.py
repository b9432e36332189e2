"""The exercises of chapter 1 that count: what a domain costs, and the decathlon's score."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_number
from u3lab.universal.score import GAMMA, LEAST, POINTS


def share(convolutions: list[tuple[int, int, int]]) -> float:
    """Weights of parallel adapters over those of the convolutions (C_in, C_out, k) that they stand beside."""
    added = sum(inputs * outputs for inputs, outputs, _ in convolutions)
    return added / sum(inputs * outputs * k * k for inputs, outputs, k in convolutions)


def score(errors: Tensor, baseline: Tensor) -> Tensor:
    """S = Σ α max(0, E_max − E)^γ, with E_max = 2 × the baseline's error, at least 0.02, and α = 1000 E_max^(−γ)."""
    most = (2 * baseline).clamp(min=LEAST)
    alpha = POINTS * most**-GAMMA
    return (alpha * (most - errors).clamp(min=0) ** GAMMA).sum()


def _list_cases(g: torch.Generator) -> Iterator[tuple]:
    yield ([(1, 2, 5), (2, 4, 3)],)
    yield ([(4, 6, 3)],)
    yield ([(3, 64, 7), (64, 64, 3), (64, 128, 3), (128, 32, 5)],)


def _added(convolutions: list[tuple[int, int, int]]) -> int:
    return sum(inputs * outputs for inputs, outputs, _ in convolutions)


def _there(convolutions: list[tuple[int, int, int]]) -> int:
    return sum(inputs * outputs * k * k for inputs, outputs, k in convolutions)


COUNT = Exercise(
    id="1-count", title="What a domain costs", minutes=10, difficulty="easy", points=2,
    goal="Beside each k×k convolution of a list stands a parallel adapter, which has a 1×1 filter for each pair of "
         "input and output. How many weights do the adapters add, as a share of those in all the convolutions? Do not "
         "count biases, batch norms and heads.",
    signature="def my_share(convolutions):   # a list of (C_in, C_out, k) → a number such as 0.1",
    hints=(
        "Test it by hand: for convolutions of 3×3 alone it has to be 1/9, whatever their channels.",
        "A convolution of C_in to C_out channels has C_in · C_out filters of k · k weights each. How many has its "
        "adapter?",
        "Add up the weights of all adapters, then those of all convolutions: "
        "`for inputs, outputs, k in convolutions`. Divide once, at the end."),
    reference=share, judge=by_number(share, _list_cases, (
        Mistake(lambda found: sum(1 / k**2 for _, _, k in found) / len(found), "that is the mean of each "
                "convolution's share, so a small one counts as much as a large one; add up first, then divide"),
        Mistake(lambda found: sum(1 / k**2 for _, _, k in found), "you divided for each convolution and added up the "
                "shares; add up the weights first, then divide once"),
        Mistake(lambda found: sum(outputs**2 for _, outputs, _ in found) / _there(found), "C_out² is what a serial "
                "adapter has, which takes the outputs; a parallel one takes the inputs: C_in · C_out"),
        Mistake(lambda found: sum(inputs**2 for inputs, _, _ in found) / _there(found), "C_in² would lead from inputs "
                "to inputs; α leads from inputs to outputs: C_in · C_out"),
        Mistake(lambda found: sum(inputs + outputs for inputs, outputs, _ in found) / _there(found), "you added C_in "
                "and C_out; there is a 1×1 filter for each pair of them: C_in · C_out"),
        Mistake(lambda found: sum(outputs for _, outputs, _ in found) / _there(found), "that is one weight for each "
                "output; there is one for each pair of input and output: C_in · C_out"),
        Mistake(lambda found: 100 * share(found), "that is in per cent; the share is 100 times smaller"),
        Mistake(lambda found: 1 / share(found), "that is upside down: what is there over what is added"),
        Mistake(_added, "that is how many weights the adapters have; divide by those of the convolutions"),
        Mistake(lambda found: _added(found) / (_added(found) + _there(found)), "you divided by all weights, adapters "
                "included; divide by those of the convolutions alone"),
        Mistake(lambda found: 1 + share(found), "that is all weights over those of the convolutions; asked is what is "
                "added"),
        Mistake(lambda found: _added(found) / sum(i * o * k for i, o, k in found), "a filter of k×k has k · k weights; "
                "you took k"),
    )))


def _error_cases(g: torch.Generator) -> Iterator[tuple]:
    """In each but the last some error is above E_max; in the third a baseline is nearly perfect."""
    yield torch.tensor([0.1, 0.0, 0.5]), torch.tensor([0.1, 0.2, 0.2])
    yield 0.4 * torch.rand(10, 3, generator=g)[:, 1], 0.02 + 0.3 * torch.rand(10, generator=g)
    yield torch.tensor([0.012, 0.3, 0.5]).double(), torch.tensor([0.004, 0.25, 0.1]).double()
    yield torch.tensor([0.3]), torch.tensor([0.2])


def _points(errors: Tensor, most: Tensor, gamma: float = 2, weight: float = 2) -> Tensor:
    """The points of each domain."""
    return 1000 * most**-weight * (most - errors).clamp(min=0) ** gamma


def _most(baseline: Tensor) -> Tensor:
    return (2 * baseline).clamp(min=LEAST)


SCORE = Exercise(
    id="1-score", title="The score of the decathlon", minutes=15, difficulty="medium", points=3,
    goal="Return S = Σ_d α_d max(0, E_max,d − E_d)², summed over the domains. E are the errors, E_max is twice the "
         "baseline's error, but at least 0.02, and α = 1000 / E_max². So no error at all is worth 1000 points in a "
         "domain, and an error like the baseline's 250 where that is 0.01 or more.",
    signature="def my_score(errors, baseline):   # (D,) both, shares in [0,1] → S, a number",
    hints=(
        "If the check says that points were given for bad errors: the square of a negative number is positive. What "
        "is below 0 has to become 0 before it is squared.",
        "Work with all domains at once: E_max and α are tensors (D,) as well. `t.clamp(min=…)` takes care of what "
        "must not be smaller; it is needed twice.",
        "`most = (2 * baseline).clamp(min=0.02)`, then `(most - errors).clamp(min=0)`. Square that, multiply it with "
        "`1000 / most**2`, and sum over the domains."),
    reference=score, judge=by_number(score, _error_cases, (
        Mistake(lambda e, b: (1000 * (1 - e / _most(b)) ** 2).sum(), "the maximum with 0 is missing: where E is above "
                "E_max the difference is negative, and its square gives points for bad errors"),
        Mistake(lambda e, b: _points(e, _most(b), gamma=1, weight=1).sum(), "the square is missing, in the difference "
                "and in α; without it, a gain near E_max would count as much as one near 0"),
        Mistake(lambda e, b: _points(e, _most(b), gamma=1).sum(), "the difference is not squared"),
        Mistake(lambda e, b: _points(e, _most(b), weight=1).sum(), "α is 1000 / E_max², and you divided by E_max once"),
        Mistake(lambda e, b: _points(e, b.clamp(min=LEAST)).sum(), "your E_max is the baseline's error; it is twice "
                "that, or the baseline itself would get nothing"),
        Mistake(lambda e, b: _points(e, b).sum(), "your E_max is the baseline's error; it is twice that, and at least "
                "0.02"),
        Mistake(lambda e, b: _points(e, 2 * b).sum(), "E_max may become smaller than 0.02: where the baseline is "
                "nearly perfect, one picture would then decide over hundreds of points"),
        Mistake(lambda e, b: _points(e, 2 * b.clamp(min=LEAST)).sum(), "you took 0.02 as the least error of the "
                "baseline; it is the least E_max, which is twice as large"),
        Mistake(lambda e, b: _points(e, _most(b)).mean(), "that is the mean over the domains; S is their sum"),
        Mistake(lambda e, b: _points(e, _most(b)), "these are the points of each domain; S is their sum"),
        Mistake(lambda e, b: _points(1 - e, _most(b)).sum(), "you took accuracies, 1 − E, for the errors"),
        Mistake(lambda e, b: _points(1 - e, _most(1 - b)).sum(), "you took accuracies, 1 − E, in place of errors, for "
                "the baseline too"),
        Mistake(lambda e, b: (_most(b) - e).clamp(min=0).square().sum(), "α is missing: 1000 / E_max² gives 1000 "
                "points to each domain without errors"),
        Mistake(lambda e, b: score(e, b) / 1000, "α has no 1000; a domain without errors is worth 1000 points"),
        Mistake(lambda e, b: _points(2 * _most(b) - e, _most(b)).sum(), "the difference has the wrong sign: points are "
                "given where E is above E_max"),
        Mistake(lambda e, b: score(b, e), "errors and baseline have changed places"),
        Mistake(lambda e, b: _points(e, _most(b.mean())).sum(), "you have one E_max for all domains, from the mean of "
                "the baseline; each domain has its own"),
    )))
