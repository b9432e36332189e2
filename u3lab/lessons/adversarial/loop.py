"""The exercise of chapter 6b that is a loop: projected gradient descent towards a class."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases
from u3lab.lessons.scores import Scores


def attack(scores: Callable[[Tensor], Tensor], x: Tensor, target: int, eps: float, rate: float, steps: int) -> Tensor:
    """x̂ ← Π(x̂ − α sign ∇(−log Φ_target)), so many times, from x on."""
    now = x
    for _ in range(steps):
        now = now.detach().requires_grad_()
        loss = -scores(now).log_softmax(1)[0, target]
        (gradient,) = torch.autograd.grad(loss, now)
        change = now.detach() - rate * gradient.sign() - x
        now = (x + change.clamp(-eps, eps)).clamp(0, 1)
    return now


def _cases(g: torch.Generator) -> Iterator[tuple]:
    for side, eps, rate, steps, dtype in ((2, 0.05, 0.08, 2, torch.float32), (5, 0.05, 0.02, 6, torch.float32),
                                          (4, 0.2, 0.07, 5, torch.float64)):
        yield Scores(g, dtype), torch.rand(1, 3, side, side, generator=g, dtype=dtype), 3, eps, rate, steps


LOOP = Exercise(
    id="6b-loop", title="An attack from end to end", minutes=20, difficulty="hard", points=4,
    goal="Write the whole attack towards a class: so many steps of projected gradient descent on −log Φ_target, from "
         "the picture x on. After each step no value is further than ε from x's, and all lie in [0,1].",
    signature="def my_attack(scores, x, target, eps, rate, steps):   # scores(x) (1,K), x (1,3,H,W), t, ε, α, n → x̂",
    hints=(
        "The gradient is taken anew at each step, at the picture as it is now: `now.detach().requires_grad_()` makes a "
        "fresh leaf of it.",
        "Four lines a step: the loss (exercise \"The loss of a targeted attack\"), its gradient by the picture, the "
        "step against its sign, and Π (exercise \"One step of PGD\").",
        "`(gradient,) = torch.autograd.grad(loss, now)`. The ball is about `x`, the picture that you were given, at "
        "every step."),
    reference=attack, judge=by_cases(attack, _cases, (
        Mistake("-scores(now).log_softmax(1)[0, target] → scores(now).log_softmax(1)[0, scores(x).argmax()]", "you "
                "never ask for the target: this loop leaves the first answer, whatever comes instead"),
        Mistake("gradient.sign() → gradient", "the sign is missing: every value moves by α"),
        Mistake("x + change.clamp(-eps, eps) → now.detach() + (-rate * gradient.sign()).clamp(-eps, eps)", "your ball "
                "is about the picture of the step before, so many steps lead anywhere; its centre is x"),
        Mistake("change.clamp(-eps, eps) → change", "the ball is missing: no value may be further than ε from x's"),
        Mistake(").clamp(0, 1) → )", "the box is missing: values below 0 or above 1 belong to no picture"),
    )))
