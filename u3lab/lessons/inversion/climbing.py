"""The exercise of chapter 5b that is a loop: climb to a picture that excites a class, under shifts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases
from u3lab.lessons.scores import Scores


def climb(scores: Callable[[Tensor], Tensor], x: Tensor, k: int, shifts: list[tuple[int, int]],
          rate: float) -> Tensor:
    """x ← clamp(x + η ∇⟨e_k, Φ(shifted x)⟩), one step for each shift (down, right), from x on."""
    now = x
    for shift in shifts:
        now = now.detach().requires_grad_()
        score = scores(now.roll(shift, (2, 3)))[0, k]
        (gradient,) = torch.autograd.grad(score, now)
        now = (now.detach() + rate * gradient).clamp(0, 1)
    return now


def _cases(g: torch.Generator) -> Iterator[tuple]:
    for side, shifts, rate, dtype in ((2, [(0, 1)], 0.5, torch.float32),
                                      (5, [(1, 0), (-2, 3), (0, -1), (2, 2)], 0.3, torch.float32),
                                      (4, [(3, 1), (0, 2), (-1, -1)], 2.0, torch.float64)):
        yield Scores(g, dtype), torch.rand(1, 3, side, side, generator=g, dtype=dtype), 3, shifts, rate


CLIMB = Exercise(
    id="5b-climb", title="Climb to an iconic picture", minutes=20, difficulty="medium", points=3,
    goal="Write the whole climb: one step for each pair of `shifts`. In a step the network sees the picture rolled by "
         "so many pixels (down, right); the picture itself stays where it is. It goes up the gradient of the score of "
         "class k, by η times that gradient, and back into [0,1].",
    signature="def my_climb(scores, x, k, shifts, rate):   # scores(x) (1,K), x (1,3,H,W), k, [(dy, dx), …], η → x̂",
    hints=(
        "The gradient is taken anew at each step, at the picture as it is now: `now.detach().requires_grad_()` makes a "
        "fresh leaf of it.",
        "`now.roll((dy, dx), (2, 3))` is what the network sees. The gradient is asked for at `now`, before the roll, "
        "so torch rolls it back by itself.",
        "`(gradient,) = torch.autograd.grad(scores(seen)[0, k], now)`, then plus η times that, then `.clamp(0, 1)`."),
    reference=climb, judge=by_cases(climb, _cases, (
        Mistake("[0, k] → .softmax(1)[0, k]", "that climbs the probability. It can grow because all other classes "
                "shrink; take the score as it comes"),
        Mistake("now.roll(shift, (2, 3)) → now", "the shifts are not used: the answer then hangs on single pixels"),
        Mistake("now.detach() + → now.detach().roll(shift, (2, 3)) +", "the picture wanders: you added the step to "
                "what the network saw; add it to the picture before the roll"),
        Mistake("shift, (2, 3) → shift, (3, 2)", "rows and columns are swapped: a shift is (down, right), and the axes "
                "are (2, 3)"),
        Mistake(").clamp(0, 1) → )", "values below 0 or above 1 belong to no picture: clamp after each step"),
    )))
