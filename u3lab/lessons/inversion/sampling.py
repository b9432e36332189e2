"""The exercise of chapter 5 that is a loop: a chain that draws from a posterior."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases


class Pull(NamedTuple):
    """A denoiser that halves the way to a picture, D(x) = (x + c)/2, and an energy E(x) = ½ Σ a (x − b)²."""

    centre: Tensor
    weight: Tensor
    wanted: Tensor

    def denoise(self, x: Tensor) -> Tensor:
        return (x + self.centre) / 2

    def energy(self, x: Tensor) -> Tensor:
        return (self.weight * (x - self.wanted).square()).sum() / 2


def chain(denoise: Callable[[Tensor], Tensor], energy: Callable[[Tensor], Tensor], x: Tensor,
          noises: Sequence[Tensor], sigma: float, lam: float, delta: float) -> Tensor:
    """x ← x + δ/2 (D(x) − x − λ ∇E(x)) + √δ σ n, once for each n."""
    for n in noises:
        x = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(energy(x), x)
        x = x + delta / 2 * (denoise(x) - x - lam * gradient) + delta**0.5 * sigma * n
    return x.detach()


def _cases(g: torch.Generator) -> Iterator[tuple]:
    for side, count, dtype in ((2, 1, torch.float64), (4, 3, torch.float32), (5, 6, torch.float64)):
        c, a, b, x, *noises = (torch.randn(1, 3, side, side, generator=g, dtype=dtype) for _ in range(count + 4))
        pull = Pull(c, a.abs() + 0.1, b)
        yield pull.denoise, pull.energy, x, noises, 0.3, 0.7, 0.4


def _faulty(*, half: float = 0.5, sign: float = -1.0, root: bool = True, spread: bool = True, away: bool = False,
            price: bool = True, once: bool = False, fresh: bool = True, pulled: bool = True) -> Callable:
    """A chain with a fault."""
    def run(denoise: Callable, energy: Callable, x: Tensor, noises: Sequence[Tensor], sigma: float, lam: float,
            delta: float) -> Tensor:
        for n in noises[:1] if once else noises:
            n = n if fresh else noises[0]
            x = x.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(energy(x), x)
            pull = (x - denoise(x) if away else denoise(x) - x) if pulled else 0 * x
            x = (x + half * delta * (pull + sign * (lam if price else 1.0) * gradient)
                 + (delta**0.5 if root else delta) * (sigma if spread else 1.0) * n)
        return x.detach()
    return run


SAMPLE = Exercise(
    id="5-sample", title="A chain that draws pictures", minutes=20, difficulty="hard", points=3,
    goal="Write the whole chain: one step for each tensor n in `noises`, x ← x + δ/2 (D(x) − x − λ ∇E(x)) + √δ σ n. "
         "Return the last x.",
    signature="def my_chain(denoise, energy, x, noises, sigma, lam, delta):   # D, E, x (1,3,H,W), [n, …] → x",
    hints=(
        "The gradient is taken anew at each step: `x = x.detach().requires_grad_()` makes a fresh leaf of x.",
        "`(gradient,) = torch.autograd.grad(energy(x), x)` is ∇E(x).",
        "The drift has the factor δ/2 and the noise the factor √δ·σ: then the spread of the draws is right."),
    reference=chain, judge=by_cases(chain, _cases, (
        Mistake(_faulty(half=1.0), "the drift is twice what it should be: its factor is δ/2"),
        Mistake(_faulty(sign=1.0), "you climb the energy: the code's error has to fall, so λ ∇E is taken away"),
        Mistake(_faulty(root=False), "the noise has the factor δ; it is √δ, since variances add up and not lengths"),
        Mistake(_faulty(spread=False), "the noise is not multiplied by σ"),
        Mistake(_faulty(away=True), "you go away from what the denoiser makes of x: the direction is D(x) − x"),
        Mistake(_faulty(pulled=False), "the denoiser is not used: nothing says what photos look like"),
        Mistake(_faulty(price=False), "λ is not used"),
        Mistake(_faulty(once=True), "that is one step; make one for each n"),
        Mistake(_faulty(fresh=False), "you use the first noise at every step; each step has its own n"),
        Mistake(_faulty(spread=False, root=False), "the noise has the factor δ; it is √δ σ"),
    ), atol=1e-5))
