"""The exercises of chapter 5."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, not_contiguous
from u3lab.images.variation import total_variation
from u3lab.inversion.codes import code_error
from u3lab.inversion.linear import tikhonov
from u3lab.lessons.inversion.sampling import SAMPLE


def _code_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[1.0, 3.0]]), torch.tensor([[1.0, 2.0]])
    for shape, dtype in (((1, 5, 3, 4), torch.float32), ((1, 7), torch.float32), ((1, 4, 2, 2), torch.float64)):
        wanted = torch.rand(shape, generator=g, dtype=dtype)
        yield not_contiguous(wanted + 0.5 * torch.randn(shape, generator=g, dtype=dtype)), wanted


CODE = Exercise(
    id="5-code", title="When are two codes alike?", minutes=5, difficulty="easy", points=1,
    goal="Return the relative error of a code: ‖Φ(x) − Φ(x₀)‖² divided by ‖Φ(x₀)‖². It is 0 for equal codes.",
    signature="def my_error(code, wanted):   # (1,C,h,w) or (1,K) both → a scalar",
    hints=("Squared lengths: add up the squares of all values.",
           "If it is too large for large codes: the divisor belongs to the *wanted* code.",
           "`(code - wanted).square().sum()` is the numerator."),
    reference=code_error, judge=by_cases(code_error, _code_cases, (
        Mistake((lambda y, t: (y - t).square().mean(), lambda y, t: (y - t).square().sum()), "this is not relative: a "
                "layer with large values would always look worse; divide by ‖Φ(x₀)‖²"),
        Mistake(lambda y, t: (y - t).square().sum() / t.norm(), "the divisor is a length; square it"),
        Mistake(lambda y, t: ((y - t).square() / t.square()).mean(), "you divided value by value, and small values "
                "count most; divide the sums"),
        Mistake(lambda y, t: (y - t).abs().sum() / t.abs().sum(), "these are absolute values; take squares"),
        Mistake(lambda y, t: (y - t).square().sum() / (t - t.mean()).square().sum(), "you took the mean off first; "
                "‖Φ(x₀)‖² is the sum of the squares as they are"),
    )))


def _variation_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[[0.0, 1.0], [0.0, 0.0]]]]), 2.0
    for shape, beta, dtype in (((1, 3, 5, 6), 1.0, torch.float32), ((1, 3, 4, 7), 3.0, torch.float32),
                               ((2, 1, 5, 5), 2.0, torch.float64)):
        yield not_contiguous(torch.rand(shape, generator=g, dtype=dtype)), beta


VARIATION = Exercise(
    id="5-variation", title="Total variation to a power", minutes=15, difficulty="medium", points=3,
    goal="Return the mean over all values of ‖∇x‖^β. ∇x holds the differences to the next pixel below and to the "
         "right. In the last row the one downwards is 0, in the last column the one to the right. Add 1e-8 to ‖∇x‖² "
         "before you take the power: at 0 the slope of a root is infinite.",
    signature="def my_variation(image, beta):   # (B,C,H,W), β ≥ 1 → a scalar",
    hints=("`image.diff(dim=-2)` are the differences downwards; they have one row less than the picture.",
           "`torch.nn.functional.pad(d, (0, 0, 0, 1))` adds a row of zeros below.",
           "‖∇x‖^β is (dx² + dy²)^(β/2), and not dx^β + dy^β."),
    reference=total_variation, judge=by_cases(total_variation, _variation_cases, (
        Mistake(".mean() → .sum()", "that is the sum; take the mean, so that λ keeps its meaning at another size"),
        Mistake("(dx**2 + dy**2 + 1e-8).pow(beta / 2) → (dx.abs() ** beta + dy.abs() ** beta)", "you took the powers "
                "of dx and dy one by one; take that of the length of both"),
        Mistake("dy = → image = image[..., :-1, :-1]; dy =", "the last row and column are missing; there the "
                "differences are 0, and they count as pixels"),
        Mistake("F.pad(image.diff(dim=-2), (0, 0, 0, 1)) → image.diff(dim=-2)[..., :-1] ;; "
                "F.pad(image.diff(dim=-1), (0, 1, 0, 0)) → image.diff(dim=-1)[..., :-1, :]", "you left out the pixels "
                "of the last row and column, since one of their differences is missing; it is 0 there: add the zeros "
                "before you take the length"),
        Mistake("F.pad(image.diff(dim=-2), (0, 0, 0, 1)) → image.roll(-1, -2) - image ;; "
                "F.pad(image.diff(dim=-1), (0, 1, 0, 0)) → image.roll(-1, -1) - image", "the picture is closed to a "
                "ring: beyond the last pixel comes the first; there the difference is 0"),
    ), atol=1e-5))


def _linear_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[1.0, 0.0]], dtype=torch.float64), torch.tensor([1.0], dtype=torch.float64), 0.5
    for rows, columns, lam in ((3, 6, 0.1), (6, 3, 2.0), (4, 4, 0.5)):
        matrix, y = (torch.randn(size, generator=g, dtype=torch.float64) for size in ((rows, columns), (rows,)))
        yield not_contiguous(matrix[None])[0], y, lam


TIKHONOV = Exercise(
    id="5-tikhonov", title="A network of one matrix", minutes=20, difficulty="hard", points=3,
    goal="For a linear code y = M x return the x that minimises ‖M x − y‖² + λ‖x‖². Show on paper that the gradient is "
         "zero at the x of the formula above. Then compute it without an inverse: `torch.linalg.solve`.",
    signature="def my_inverse(matrix, y, lam):   # (K,N), (K), λ > 0 → (N)",
    hints=("The gradient of ‖M x − y‖² by x is 2 Mᵀ(M x − y); that of λ‖x‖² is 2 λ x.",
           "So (MᵀM + λI) x = Mᵀy, with I of size N.",
           "`torch.linalg.solve(A, b)` gives the x with A x = b."),
    reference=tikhonov, judge=by_cases(tikhonov, _linear_cases, (
        Mistake("torch.linalg.solve(matrix.T @ matrix + lam * eye, matrix.T @ y) → torch.linalg.pinv(matrix) @ y", "λ "
                "is not used; this is the limit for λ → 0"),
        Mistake("lam * eye → lam**2 * eye", "λ is squared; the price is λ‖x‖²"),
        Mistake("+ lam * eye → - lam * eye", "the sign of λ is turned round: this would reward long x"),
        Mistake("torch.linalg.solve(matrix.T @ matrix + lam * eye, matrix.T @ y) → matrix.T @ y", "that is one product "
                "with Mᵀ; the system is still to be solved"),
        Mistake("return torch.linalg.solve( → return matrix @ torch.linalg.solve(", "that is the code of the answer; "
                "give x itself"),
    )))

EXERCISES = (CODE, VARIATION, TIKHONOV, SAMPLE)
