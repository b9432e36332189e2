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


def _loop(*, sign: float = 1.0, shift: bool = True, box: bool = True, probability: bool = False, once: bool = False,
          first: bool = False, mean: bool = False, stays: bool = False, axes: tuple[int, int] = (2, 3),
          by_sign: bool = False) -> Callable:
    """A loop with a fault."""
    def run(scores: Scores, x: Tensor, k: int, shifts: list[tuple[int, int]], rate: float) -> Tensor:
        now, kept = x, None
        for by in shifts[:1] if first else shifts:
            now = now.detach().requires_grad_()
            seen = now.roll(by, axes) if shift else now
            said = scores(seen)
            said = said.softmax(1)[0] if probability else said[0]
            (gradient,) = torch.autograd.grad(said.mean() if mean else said[k], now)
            kept = gradient if kept is None else kept
            step = kept if once else gradient
            now = (seen if stays else now).detach() + sign * rate * (step.sign() if by_sign else step)
            now = now.clamp(0, 1) if box else now
        return now.detach()
    return run


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
        Mistake(_loop(sign=-1.0), "you go down: the score has to grow, so the gradient is added"),
        Mistake(_loop(probability=True), "that climbs the probability. It can grow because all other classes shrink; "
                "take the score as it comes"),
        Mistake(_loop(mean=True), "k is not used: you climb the mean of all scores"),
        Mistake(_loop(shift=False), "the shifts are not used: the answer then hangs on single pixels"),
        Mistake(_loop(stays=True), "the picture wanders: you added the step to what the network saw; add it to the "
                "picture before the roll"),
        Mistake(_loop(axes=(3, 2)), "rows and columns are swapped: a shift is (down, right), and the axes are (2, 3)"),
        Mistake(_loop(once=True), "you take the gradient once, at x; take it anew at each step"),
        Mistake(_loop(first=True), "that is one step; make one for each pair of shifts"),
        Mistake(_loop(by_sign=True), "every value moves by η: you took the gradient's sign; take the gradient itself"),
        Mistake(_loop(box=False), "values below 0 or above 1 belong to no picture: clamp after each step"),
    )))
