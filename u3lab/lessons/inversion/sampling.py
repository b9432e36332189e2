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
        Mistake("delta / 2 * → delta *", "the drift is twice what it should be: its factor is δ/2"),
        Mistake("delta**0.5 → delta", "the noise has the factor δ; it is √δ, since variances add up and not lengths"),
        Mistake("sigma * n → n", "the noise is not multiplied by σ"),
        Mistake("denoise(x) - x → x - denoise(x)", "you go away from what the denoiser makes of x: the direction is "
                "D(x) − x"),
        Mistake("denoise(x) - x - lam → -lam", "the denoiser is not used: nothing says what photos look like"),
    ), atol=1e-5))
