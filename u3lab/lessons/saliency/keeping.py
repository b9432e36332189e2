"""The exercise of chapter 6 that is a loop: the smallest part of a picture that is enough for the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases

START = 0.5


class Probability:
    """Φ_c of a small made network, as a function of a picture (1,3,H,W): a scalar with a gradient."""

    def __init__(self, height: int, width: int, g: torch.Generator, dtype: torch.dtype = torch.float32) -> None:
        self.first = torch.randn(4, 3, 3, 3, generator=g, dtype=dtype)
        self.second = torch.randn(4, height, width, generator=g, dtype=dtype) / 4

    def __call__(self, picture: Tensor) -> Tensor:
        seen = torch.nn.functional.conv2d(picture, self.first, padding=1).tanh()
        return (seen * self.second).sum().sigmoid()

    def __repr__(self) -> str:
        return "a function of a picture"


def keep_smallest(probability: Callable[[Tensor], Tensor], x: Tensor, blurred: Tensor, lam: float, rate: float,
                  steps: int) -> Tensor:
    """m that lowers λ·mean(m) − Φ_c(m ⊙ x + (1 − m) ⊙ blurred) by gradient descent from ½, within [0,1]."""
    m = torch.full_like(x[:, :1], START)
    for _ in range(steps):
        m.requires_grad_()
        energy = lam * m.mean() - probability(m * x + (1 - m) * blurred)
        (gradient,) = torch.autograd.grad(energy, m)
        m = (m.detach() - rate * gradient).clamp(0, 1)
    return m


def _cases(g: torch.Generator) -> Iterator[tuple]:
    for height, width, lam, rate, steps, dtype in (
            (2, 3, 0.5, 2.0, 1, torch.float32), (4, 5, 0.8, 1.5, 6, torch.float32), (5, 4, 0.2, 3.0, 4, torch.float64)):
        x, blurred = (torch.rand(1, 3, height, width, generator=g, dtype=dtype) for _ in range(2))
        yield Probability(height, width, g, dtype), x, blurred, lam, rate, steps


KEEP = Exercise(
    id="6-keep", title="The part that is enough", minutes=20, difficulty="hard", points=4,
    goal="Section 7 looks for a small part without which the answer falls. Turn it round: where m = 1 the picture "
         "is kept, all else is blurred. Lower λ·mean(m) − Φ_c of the kept picture by plain gradient descent: m starts "
         "at ½ everywhere and stays between 0 and 1. Return m after the last step.",
    signature="def my_keep(probability, x, blurred, lam, rate, steps):   # Φ_c(picture), (1,3,H,W) twice, λ, η, n → "
              "(1,1,H,W)",
    hints=(
        "`probability(picture)` gives a scalar. For its gradient by m, m needs `requires_grad_()` before the picture "
        "is made from it, at each step anew.",
        "One step is four lines: the kept picture m·x + (1 − m)·blurred; the energy; `torch.autograd.grad(energy, m)`, "
        "which is a tuple of one; and m less η times the gradient, clamped to [0,1].",
        "Begin with `m = torch.full_like(x[:, :1], 0.5)`. In the loop, `m.requires_grad_()` comes first, and "
        "`m = (m.detach() - rate * gradient).clamp(0, 1)` last."),
    reference=keep_smallest, judge=by_cases(keep_smallest, _cases, (
        Mistake("- probability → + probability", "you lower Φ_c: that is the mask of section 7; what is kept should be "
                "enough, so Φ_c is to rise: it has a minus sign in the energy"),
        Mistake("m * x + (1 - m) * blurred → (1 - m) * x + m * blurred", "x and its blurred copy have changed places: "
                "here m = 1 keeps the picture"),
        Mistake("m.mean() → m.sum()", "the price is a sum over the cells; it is their mean"),
        Mistake(").clamp(0, 1) → )", "m leaves [0,1]; clamp it after every step"),
        Mistake(("START → 1.0", "START → 0.0"), "your mask starts at 1 or at 0; it starts at ½ everywhere"),
    )))
