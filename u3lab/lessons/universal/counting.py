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
        Mistake((lambda found: sum(1 / k**2 for _, _, k in found) / len(found),
                 lambda found: sum(1 / k**2 for _, _, k in found)), "you divided for each convolution and added up the "
                "shares, or took their mean, so that a small one counts as much as a large one; add up first, then "
                "divide once"),
        Mistake(tuple(f"added = sum(inputs * outputs → added = sum({one}" for one in (
                    "outputs**2", "inputs**2", "inputs + outputs", "outputs")), "there is a 1×1 filter for each pair "
                "of input and output: C_in · C_out. C_out² is what a serial adapter has, which takes the outputs, and "
                "C_in² would lead from inputs to inputs; you may have added C_in and C_out, or counted one weight for "
                "each output"),
        Mistake(lambda found: 1 / share(found), "that is upside down: what is there over what is added"),
        Mistake((" / sum(inputs * outputs * k * k for inputs, outputs, k in convolutions) → ",
                 lambda found: share(found) / (1 + share(found))), "divide the adapters' weights, and divide by those "
                "of the convolutions alone, not by all weights"),
        Mistake("k * k → k", "a filter of k×k has k · k weights; you took k"),
    )))


def _error_cases(g: torch.Generator) -> Iterator[tuple]:
    """In each but the last some error is above E_max; in the third a baseline is nearly perfect."""
    yield torch.tensor([0.1, 0.0, 0.5]), torch.tensor([0.1, 0.2, 0.2])
    yield 0.4 * torch.rand(10, 3, generator=g)[:, 1], 0.02 + 0.3 * torch.rand(10, generator=g)
    yield torch.tensor([0.012, 0.3, 0.5]).double(), torch.tensor([0.004, 0.25, 0.1]).double()
    yield torch.tensor([0.3]), torch.tensor([0.2])


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
        Mistake(").clamp(min=0) → )", "the maximum with 0 is missing: where E is above E_max the difference is "
                "negative, and its square gives points for bad errors"),
        Mistake(("** GAMMA → ** 1", "most**-GAMMA → most**-1", "GAMMA → 1"), "a square is missing, in the difference "
                "or in α, which is 1000 / E_max²; without them, a gain near E_max would count as much as one near 0"),
        Mistake(("(2 * baseline).clamp(min=LEAST) → 2 * baseline", "(2 * baseline).clamp → 2 * baseline.clamp"),
                "E_max may become smaller than 0.02, or you took 0.02 as the least error of the baseline, which is "
                "half of it: where the baseline is nearly perfect, one picture would then decide over hundreds of "
                "points"),
        Mistake("alpha * (most → (most", "α is missing: 1000 / E_max² gives 1000 points to each domain without errors"),
        Mistake((lambda e, b: score(1 - e, 1 - b), "most - errors → errors - most"), "points are given where E is "
                "large: the difference has the wrong sign, or you took accuracies, 1 − E, in place of errors"),
    )))
