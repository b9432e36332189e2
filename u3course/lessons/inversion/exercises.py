"""The exercises of chapters 5 and 5b: codes and their inversion; which picture excites a class, or a channel, most?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from u3course.course.definitions import Exercise, Mistake
from u3course.course.judging import by_cases, drawn, not_contiguous
from u3course.course.words import words
from u3lab.images.blurring import total_variation
from u3lab.inversion.codes import code_error
from u3lab.inversion.linear import tikhonov
from u3lab.inversion.maximising import excitation


def _code_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[1.0, 3.0]]), torch.tensor([[1.0, 2.0]])
    for shape, dtype in (((1, 5, 3, 4), torch.float32), ((1, 7), torch.float32), ((1, 4, 2, 2), torch.float64)):
        wanted = torch.rand(shape, generator=g, dtype=dtype)
        yield not_contiguous(wanted + 0.5 * torch.randn(shape, generator=g, dtype=dtype)), wanted


CODE = Exercise(**words("5-code"), reference=code_error, judge=by_cases(code_error, _code_cases, (
        Mistake((lambda y, t: (y - t).square().mean(), lambda y, t: (y - t).square().sum()), "this is not relative: a "
                "layer with large values would always look worse; divide by ‖Φ(x₀)‖²"),
        Mistake(lambda y, t: (y - t).square().sum() / t.norm(), "the divisor is a length; square it"),
        Mistake((lambda y, t: ((y - t).square() / t.square()).mean(),
                lambda y, t: ((y - t).square() / t.square()).sum()), "you divided value by value, and small values "
                "count most; divide the sums"),
        Mistake(lambda y, t: (y - t).abs().sum() / t.abs().sum(), "these are absolute values; take squares"),
        Mistake(lambda y, t: (y - t).square().sum() / (t - t.mean()).square().sum(), "you took the mean off first; "
                "‖Φ(x₀)‖² is the sum of the squares as they are"),
    )))


def _variation_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[[0.0, 1.0], [0.0, 0.0]]]]), 2.0
    yield torch.full((1, 1, 3, 3), 0.5), 1.0  # without the small constant it is 0, and its gradient nan
    for shape, beta, dtype in (((1, 3, 5, 6), 1.0, torch.float32), ((1, 3, 4, 7), 3.0, torch.float32),
                               ((2, 1, 5, 5), 2.0, torch.float64)):
        yield not_contiguous(torch.rand(shape, generator=g, dtype=dtype)), beta


VARIATION = Exercise(
    **words("5-variation"), reference=total_variation, judge=by_cases(total_variation, _variation_cases, (
        Mistake(".mean() → .sum()", "that is the sum; take the mean, so that λ keeps its meaning at another size"),
        Mistake("(dx**2 + dy**2 + 1e-8).pow(beta / 2) → (dx.abs() ** beta + dy.abs() ** beta)", "you took the powers "
                "of dx and dy one by one; take that of the length of both"),
        Mistake(" + 1e-8 → ", "the 1e-8 under the root is missing: where the picture is flat the slope is infinite"),
        Mistake(("dy = → image = image[..., :-1, :-1]; dy =", "(0, 0, 0, 1)) → (0, 0))", "(0, 0, 0, 1)) → (0, 1))",
                "F.pad(image.diff(dim=-2), (0, 0, 0, 1)) → image.diff(dim=-2)[..., :-1] ;; F.pad(image.diff(dim=-1), "
                "(0, 1, 0, 0)) → image.diff(dim=-1)[..., :-1, :]"), "you left out the pixels of the last row and "
                "column, since one of their differences is missing; it is 0 there: add the zeros before you take the "
                "length"),
        Mistake(("F.pad(image.diff(dim=-2), (0, 0, 0, 1)) → image.roll(-1, -2) - image ;; F.pad(image.diff(dim=-1), "
                "(0, 1, 0, 0)) → image.roll(-1, -1) - image", "(0, 0, 0, 1)) → (0, 0, 1, 0))", "(0, 1, 0, 0)) → (1, 0, "
                "0, 0))", "(0, 0, 0, 1)) → (0, 0, 1, 0)) ;; (0, 1, 0, 0)) → (1, 0, 0, 0))"), "beyond the last row and "
                "column the difference is 0: the picture is no ring, and the zeros stand below and on the right, `(0, "
                "0, 0, 1)` and `(0, 1, 0, 0)`"),
    ), atol=1e-5))


def _linear_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[1.0, 0.0]], dtype=torch.float64), torch.tensor([1.0], dtype=torch.float64), 0.5
    for rows, columns, lam in ((3, 6, 0.1), (6, 3, 2.0), (4, 4, 0.5)):
        matrix, y = (torch.randn(size, generator=g, dtype=torch.float64) for size in ((rows, columns), (rows,)))
        yield not_contiguous(matrix[None])[0], y, lam


TIKHONOV = Exercise(**words("5-tikhonov"), reference=tikhonov, judge=by_cases(tikhonov, _linear_cases, (
        Mistake("torch.linalg.solve(matrix.T @ matrix + lam * eye, matrix.T @ y) → torch.linalg.pinv(matrix) @ y", "λ "
                "is not used; this is the limit for λ → 0"),
        Mistake("lam * eye → lam**2 * eye", "λ is squared; the price is λ‖x‖²"),
        Mistake("+ lam * eye → - lam * eye", "the sign of λ is turned round: this would reward long x"),
        Mistake("torch.linalg.solve(matrix.T @ matrix + lam * eye, matrix.T @ y) → matrix.T @ y", "that is one product "
                "with Mᵀ; the system is still to be solved"),
        Mistake("lam * eye → lam", "λ is added to all entries of MᵀM; only the diagonal gets it: λ times the identity"),
    )))


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


SAMPLE = Exercise(**words("5-sample"), reference=chain, judge=by_cases(chain, _sample_cases, (
        Mistake("delta / 2 * → delta *", "the drift is twice what it should be: its factor is δ/2"),
        Mistake("delta**0.5 → delta", "the noise has the factor δ; it is √δ, since variances add up and not lengths"),
        Mistake("sigma * n → n", "the noise is not multiplied by σ"),
        Mistake(("denoise(x) - x → x - denoise(x)", "denoise(x) - x - lam → denoise(x) - lam"), "your direction is not "
                "D(x) − x, from x to what the denoiser makes of it"),
        Mistake("denoise(x) - x - lam → -lam", "the denoiser is not used: nothing says what photos look like"),
    ), atol=1e-5))


def _excitation_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[1.0, 2.0, 4.0]]), 2
    for shape, unit, dtype in (((1, 5, 3, 4), 2, torch.float32), ((1, 9), 7, torch.float32),
                               ((1, 4, 2, 2), 0, torch.float64)):
        yield drawn(g, shape, dtype=dtype), unit


EXCITATION = Exercise(**words("5-excitation"), reference=excitation, judge=by_cases(excitation, _excitation_cases, (
        Mistake(lambda y, k: y.softmax(1)[0, k].mean(), "that is a probability; it can grow because all other classes "
                "shrink; take the score"),
        Mistake(lambda y, k: y[0, k].sum(), "that is the sum over the places; take the mean"),
        Mistake(lambda y, k: y[0, k].max(), "that is the most excited place; take the mean over all"),
        Mistake(lambda y, k: y[0, k], "a channel has many places; take their mean"),
        Mistake((lambda y, k: y.mean(), lambda y, k: y[..., k].mean()), "k is not used, or on another axis: classes "
                "and channels are the second one, after the batch"),
    )))


class Scores:
    """The scores of a small made network: a picture (1,3,H,W) → (1,5), with a gradient."""

    def __init__(self, g: torch.Generator, dtype: torch.dtype = torch.float32) -> None:
        self.first = torch.randn(4, 3, 3, 3, generator=g, dtype=dtype)
        self.second = torch.randn(5, 4, generator=g, dtype=dtype)

    def __call__(self, picture: Tensor) -> Tensor:
        seen = torch.nn.functional.conv2d(picture, self.first, padding=1).tanh().mean((2, 3))
        return 3 * seen @ self.second.T

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


CLIMB = Exercise(**words("5b-climb"), reference=climb, judge=by_cases(climb, _climb_cases, (
        Mistake(("[0, k] → .softmax(1)[0, k]", "[0, k] → .log_softmax(1)[0, k]"), "that climbs the probability, which "
                "can grow because all other classes shrink; take the score as it comes, without a softmax"),
        Mistake("now.roll(shift, (2, 3)) → now", "the shifts are not used: the answer then hangs on single pixels"),
        Mistake("now.detach() + → now.detach().roll(shift, (2, 3)) +", "the picture wanders: you added the step to "
                "what the network saw; add it to the picture before the roll"),
        Mistake("shift, (2, 3) → shift, (3, 2)", "rows and columns are swapped: a shift is (down, right), and the axes "
                "are (2, 3)"),
        Mistake(").clamp(0, 1) → )", "values below 0 or above 1 belong to no picture: clamp after each step"),
    )))


# 5-excitation was one of chapter 5 before, and keeps its name for who has done it.
EXERCISES = {"5": (CODE, VARIATION, TIKHONOV, SAMPLE), "5b": (EXCITATION, CLIMB)}
