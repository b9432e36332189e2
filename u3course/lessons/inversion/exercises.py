"""The exercises of chapters 5 and 5b: codes and their inversion; which picture excites a class, or a channel, most?"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from u3course.course.judging import drawn, not_contiguous
from u3course.course.words import task
from u3lab.images.blurring import total_variation
from u3lab.inversion.codes import code_error
from u3lab.inversion.linear import tikhonov
from u3lab.inversion.maximising import excitation


def _code_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[1.0, 3.0]]), torch.tensor([[1.0, 2.0]])
    for shape, dtype in (((1, 5, 3, 4), torch.float32), ((1, 7), torch.float32), ((1, 4, 2, 2), torch.float64)):
        wanted = torch.rand(shape, generator=g, dtype=dtype)
        yield not_contiguous(wanted + 0.5 * torch.randn(shape, generator=g, dtype=dtype)), wanted


CODE = task("5-code", code_error, _code_cases)


def _variation_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[[0.0, 1.0], [0.0, 0.0]]]]), 2.0
    yield torch.full((1, 1, 3, 3), 0.5), 1.0  # without the small constant it is 0, and its gradient nan
    for shape, beta, dtype in (((1, 3, 5, 6), 1.0, torch.float32), ((1, 3, 4, 7), 3.0, torch.float32),
                               ((2, 1, 5, 5), 2.0, torch.float64)):
        yield not_contiguous(torch.rand(shape, generator=g, dtype=dtype)), beta


VARIATION = task("5-variation", total_variation, _variation_cases, atol=1e-5)


def _linear_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[1.0, 0.0]], dtype=torch.float64), torch.tensor([1.0], dtype=torch.float64), 0.5
    for rows, columns, lam in ((3, 6, 0.1), (6, 3, 2.0), (4, 4, 0.5)):
        matrix, y = (torch.randn(size, generator=g, dtype=torch.float64) for size in ((rows, columns), (rows,)))
        yield not_contiguous(matrix[None])[0], y, lam


TIKHONOV = task("5-tikhonov", tikhonov, _linear_cases)


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


def _sample_cases(g: torch.Generator) -> Iterator[tuple]:
    for side, count, dtype in ((2, 1, torch.float64), (4, 3, torch.float32), (5, 6, torch.float64)):
        c, a, b, x, *noises = (torch.randn(1, 3, side, side, generator=g, dtype=dtype) for _ in range(count + 4))
        pull = Pull(c, a.abs() + 0.1, b)
        yield pull.denoise, pull.energy, x, noises, 0.3, 0.7, 0.4


SAMPLE = task("5-sample", chain, _sample_cases, atol=1e-5)


def _excitation_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[1.0, 2.0, 4.0]]), 2
    for shape, unit, dtype in (((1, 5, 3, 4), 2, torch.float32), ((1, 9), 7, torch.float32),
                               ((1, 4, 2, 2), 0, torch.float64)):
        yield drawn(g, shape, dtype=dtype), unit


EXCITATION = task("5-excitation", excitation, _excitation_cases)


class Scores:
    """The scores of a small made network: a picture (1,3,H,W) → (1,5), with a gradient."""

    def __init__(self, g: torch.Generator, dtype: torch.dtype = torch.float32) -> None:
        self.first = torch.randn(4, 3, 3, 3, generator=g, dtype=dtype)
        self.second = torch.randn(5, 4, generator=g, dtype=dtype)

    def __call__(self, picture: Tensor) -> Tensor:
        return 3 * torch.nn.functional.conv2d(picture, self.first, padding=1).tanh().mean((2, 3)) @ self.second.T

    def __repr__(self) -> str:
        return "a network"


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


def _climb_cases(g: torch.Generator) -> Iterator[tuple]:
    for side, shifts, rate, dtype in ((2, [(0, 1)], 0.5, torch.float32),
                                      (5, [(1, 0), (-2, 3), (0, -1), (2, 2)], 0.3, torch.float32),
                                      (4, [(3, 1), (0, 2), (-1, -1)], 2.0, torch.float64)):
        yield Scores(g, dtype), torch.rand(1, 3, side, side, generator=g, dtype=dtype), 3, shifts, rate


CLIMB = task("5b-climb", climb, _climb_cases)

# 5-excitation was one of chapter 5 before, and keeps its name for who has done it.
EXERCISES = {"5": (CODE, VARIATION, TIKHONOV, SAMPLE), "5b": (EXCITATION, CLIMB)}
