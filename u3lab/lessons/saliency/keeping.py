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


Loop = Callable[[Probability, Tensor, Tensor, float, float, int], Tensor]


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


def _descended(energy: Callable[..., Tensor], *, start: float = START, more: int = 0, clamp: bool = True,
               sign: float = 1.0, channels: int = 1) -> Loop:
    """A loop with a fault."""
    def loop(probability: Probability, x: Tensor, blurred: Tensor, lam: float, rate: float, steps: int) -> Tensor:
        m = torch.full_like(x[:, :channels], start)
        for _ in range(steps + more):
            m.requires_grad_()
            (gradient,) = torch.autograd.grad(energy(probability, m, x, blurred, lam), m)
            m = m.detach() - sign * rate * gradient
            m = m.clamp(0, 1) if clamp else m
        return m.detach()
    return loop


def _kept(m: Tensor, x: Tensor, blurred: Tensor) -> Tensor:
    return m * x + (1 - m) * blurred


def _right(probability: Probability, m: Tensor, x: Tensor, blurred: Tensor, lam: float) -> Tensor:
    return lam * m.mean() - probability(_kept(m, x, blurred))


def _accumulated(probability: Probability, x: Tensor, blurred: Tensor, lam: float, rate: float, steps: int) -> Tensor:
    m, total = torch.full_like(x[:, :1], START), torch.zeros_like(x[:, :1])
    for _ in range(steps):
        m.requires_grad_()
        total = total + torch.autograd.grad(_right(probability, m, x, blurred, lam), m)[0]
        m = (m.detach() - rate * total).clamp(0, 1)
    return m


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
        Mistake(_descended(lambda p, m, x, b, lam: lam * m.mean() + p(_kept(m, x, b))), "you lower Φ_c: that is the "
                "mask of section 7; what is kept should be enough, so Φ_c is to rise: it has a minus sign in the "
                "energy"),
        Mistake(_descended(lambda p, m, x, b, lam: lam * m.mean() - p(_kept(1 - m, x, b))), "x and its blurred copy "
                "have changed places: here m = 1 keeps the picture"),
        Mistake(_descended(lambda p, m, x, b, lam: lam * m.mean() + p(_kept(1 - m, x, b))), "that is section 7's "
                "energy, where m = 1 takes away; here m = 1 keeps, and Φ_c is to rise"),
        Mistake(_descended(lambda p, m, x, b, lam: -p(_kept(m, x, b))), "the price is missing: without λ·mean(m) "
                "nothing makes the part small"),
        Mistake(_descended(lambda p, m, x, b, lam: lam * m.sum() - p(_kept(m, x, b))), "the price is a sum over the "
                "cells; it is their mean"),
        Mistake(_descended(lambda p, m, x, b, lam: lam * m.mean() - p(m * x)), "the rest of your picture is black; "
                "it is blurred: add (1 − m)·blurred"),
        Mistake(_descended(lambda p, m, x, b, lam: lam * m.mean() - p(_kept(m, x, b)).log()), "you take the logarithm; "
                "the energy has the probability itself"),
        Mistake(_descended(_right, sign=-1.0), "you go up: a step is m − η·gradient"),
        Mistake(_descended(_right, clamp=False), "m leaves [0,1]; clamp it after every step"),
        Mistake(_descended(_right, start=1.0), "your mask starts at 1; it starts at ½ everywhere"),
        Mistake(_descended(_right, start=0.0), "your mask starts at 0; it starts at ½ everywhere"),
        Mistake(_descended(_right, more=-1), "one step is missing: count from 0 to steps − 1"),
        Mistake(_descended(_right, more=1), "one step too many: `range(steps)` has as many as are wanted"),
        Mistake(_descended(_right, channels=3), "your mask has three channels; one number for each place is wanted, "
                "(1,1,H,W)"),
        Mistake(_accumulated, "the gradients of all steps add up: `backward()` adds to `m.grad`; set it to None after "
                "each step, or take `torch.autograd.grad`"),
    )))
