"""Notebook 03b: its exercises: the loss of a factorisation, frames that lie apart and Gaussian maps."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, by_number, not_contiguous
from u3lab.landmarks import align, as_rotation, factorise, gaussian_maps, pose_error

__all__ = ["EXERCISES"]


def loss(found: Tensor, moved: Tensor, g: Tensor) -> Tensor:
    """The mean of ‖Φ(gx) Φ(x)⁻¹ − g‖² over rotations (B,n,n), a scalar."""
    return factorise(found, moved, g)


def apart(found: Tensor, true: Tensor, instances: Tensor) -> float:
    """The angle in degrees between the frames of things 0 and 1, given all poses (N,3,3) and whose they are (N)."""
    first, second = (align(found[instances == n], true[instances == n])[None] for n in (0, 1))
    return float(pose_error(first, second))


def maps(points: Tensor, size: int, sigma: float) -> Tensor:
    """exp(−‖u − u_k‖²/2σ²) at the middles of size×size cells, (B,K,size,size)."""
    return gaussian_maps(points, (size, size), sigma=sigma)


def _turns(count: int, numbers: int, g: torch.Generator, dtype: torch.dtype = torch.float32) -> Tensor:
    return as_rotation(torch.randn(count, numbers, generator=g, dtype=dtype))


def _pairs(g: torch.Generator) -> Iterator[tuple]:
    quarter = torch.tensor([[[0.0, -1.0], [1.0, 0.0]]])
    yield torch.eye(2)[None], quarter, quarter.mT
    for count, numbers, dtype in ((5, 6, torch.float32), (1, 6, torch.float64), (4, 2, torch.float64),
                                  (7, 6, torch.float32)):
        yield tuple(not_contiguous(_turns(count, numbers, g, dtype)) for _ in range(3))


def _squares(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square().sum((1, 2))


FACTOR = Exercise(
    id="3b-factor", title="The loss of a factorisation", minutes=10, difficulty="easy", points=3,
    goal="Given are the poses Φ(x) and Φ(gx) of both pictures of each pair, and the turn g between them, all of them "
         "rotation matrices. Return the mean over the pairs of ‖Φ(gx) Φ(x)⁻¹ − g‖²; ‖·‖² is the sum of the squares of "
         "all entries. It has to work in the plane (n = 2) and in space (n = 3).",
    signature="def my_loss(found, moved, g):   # Φ(x), Φ(gx), g, (B,n,n) each → a scalar",
    hints=(
        "The inverse of a rotation is its transpose. Of a batch of matrices, `R.mT` transposes each.",
        "`@` multiplies matrices, pair by pair; `*` would multiply entries. The order matters in space.",
        "`(moved @ found.mT - g)`, squared, summed over the axes 1 and 2, then the mean."),
    reference=loss, judge=by_cases(loss, _pairs, (
        Mistake(lambda f, m, g: _squares(m.mT @ f, g).mean(), "you inverted Φ(gx) and not Φ(x), and multiplied from "
                "the left"),
        Mistake(lambda f, m, g: _squares(m * f.mT, g).mean(), "`*` multiplies entry by entry; `@` multiplies "
                "matrices"),
        Mistake(lambda f, m, g: _squares(m - f, g).mean(), "you took the difference Φ(gx) − Φ(x); turns are not added "
                "but composed: Φ(gx) Φ(x)⁻¹"),
        Mistake(lambda f, m, g: _squares(m @ f.mT, g).sqrt().mean(), "that is the norm; its square is wanted"),
        Mistake(lambda f, m, g: _squares(f.mT @ m, g).mean(), "your product is Φ(x)⁻¹ Φ(gx). In the plane that is the "
                "same, in space it is not: g acts from the left, so that Φ(gx) = g Φ(x); multiply both sides by Φ(x)⁻¹ "
                "from the right"),
    )))


def _things(g: torch.Generator) -> Iterator[tuple]:
    for number, dtype in enumerate((torch.float64, torch.float32, torch.float64)):
        true, frames = _turns(12, 6, g, dtype), _turns(3, 6, g, dtype)
        instances = torch.arange(12) % (2 + number % 2)
        small = as_rotation(torch.tensor([1.0, 0, 0, 0, 1, 0]).to(true) + 0.05 * torch.randn(
            12, 6, generator=g, dtype=dtype))
        yield small @ true @ frames[instances].mT, true, instances


def _h(found: Tensor, true: Tensor, instances: Tensor, n: int) -> Tensor:
    return align(found[instances == n], true[instances == n])


def _between(a: Tensor, b: Tensor) -> float:
    return float(pose_error(a[None], b[None]))


def _left(found: Tensor, true: Tensor, instances: Tensor) -> float:
    """The turns that are put on the other side, h Φ(x) = R."""
    return _between(*(align(found[instances == n].mT, true[instances == n].mT).mT for n in (0, 1)))


FRAMES = Exercise(
    id="3b-frames", title="One frame, or one for each?", minutes=10, difficulty="medium", points=3,
    goal="For many views of several things you are given the poses that were found, Φ(x), the true ones R, and the "
         "number of the thing. Each thing n has its own best turn hₙ with Φ(x) hₙ ≈ R (`landmarks.align` finds it). "
         "Return the angle between h₀ and h₁ in degrees: 0 if things 0 and 1 share a frame.",
    signature="def my_angle(found, true, instances):   # (N,3,3), (N,3,3), whole numbers (N) → degrees",
    hints=(
        "`found[instances == 0]` are the poses of the views of thing 0. Find h₀ from these alone, then h₁.",
        "The turn from one to the other is h₁ h₀⁻¹. Its angle θ has trace(h₁ h₀ᵀ) = 1 + 2 cos θ; or ask "
        "`landmarks.pose_error`, which takes (N,3,3).",
        "`h = [landmarks.align(found[instances == n], true[instances == n]) for n in (0, 1)]`, then "
        "`landmarks.pose_error(h[0][None], h[1][None])`."),
    reference=apart, judge=by_number(apart, _things, (
        Mistake(_left, "your h stand on the left, h Φ(x) ≈ R. The free turn is on the right: Φ(x) h"),
        Mistake(lambda f, t, i: _between(_h(f, t, i, 0), _h(f, t, i, 1).mT), "one of the two is inverted; compare h₀ "
                "with h₁ itself"),
        Mistake(lambda f, t, i: _between(_h(f, t, i, 0), torch.eye(3).to(f)), "that is the angle of h₀ alone; h₁ is "
                "missing"),
        Mistake(lambda f, t, i: _between(_h(f, t, i, 1), torch.eye(3).to(f)), "that is the angle of h₁ alone; h₀ is "
                "missing"),
        Mistake(lambda f, t, i: 0.0, "that would be one common frame; find h₀ and h₁ separately"),
    )))


def _cells(size: int, like: Tensor) -> Tensor:
    return (2 * torch.arange(size, dtype=like.dtype) + 1) / size - 1


def _drawn(points: Tensor, size: int, sigma: float, *, at=_cells, wide=lambda sigma: 2 * sigma**2,
           of=lambda x, y: x**2 + y**2) -> Tensor:
    """Gaussian maps with something else instead."""
    u = at(size, points)
    x, y = (u - points[..., axis, None] for axis in (0, 1))
    return (-of(x[..., None, :], y[..., :, None]) / wide(sigma)).exp()


def _points(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[0.5, -0.5]]]), 2, 0.5
    for batch, count, size, sigma, dtype in ((3, 4, 16, 0.1, torch.float32), (1, 1, 5, 0.4, torch.float64),
                                             (2, 7, 9, 0.2, torch.float32)):
        yield not_contiguous(2 * torch.rand(batch, count, 2, generator=g, dtype=dtype) - 1), size, sigma


GAUSSIANS = Exercise(
    id="3b-gaussians", title="Keypoints as pictures", minutes=15, difficulty="medium", points=3,
    goal="K keypoints u_k = (x, y) become K maps again: y_k(u) = exp(−‖u − u_k‖²/2σ²) at the middles u of size × size "
         "cells. x grows along the columns, y along the rows; the picture goes from −1 to 1, so the middle of column i "
         "is at (2i + 1)/size − 1.",
    signature="def my_maps(points, size, sigma):   # (B,K,2), cells, σ → (B,K,size,size)",
    hints=(
        "Make the places of the cells first: `u = (2 * torch.arange(size) + 1) / size - 1`.",
        "`points[..., 0]` is x, (B,K). `u - points[..., 0, None]` is (B,K,size): how far each column is from each "
        "point. The same for y and the rows.",
        "With dx (B,K,size) and dy (B,K,size): `dx[..., None, :] ** 2 + dy[..., :, None] ** 2` has the shape "
        "(B,K,size,size). Keep the type of the points: `torch.arange(size, dtype=points.dtype)`."),
    reference=maps, judge=by_cases(maps, _points, (
        Mistake(lambda p, n, s: _drawn(p, n, s, at=lambda n, p: torch.linspace(-1, 1, n, dtype=p.dtype)), "your first "
                "and last cells are at −1 and 1. These are the borders of the picture; the middles lie half a cell "
                "further in"),
        Mistake(lambda p, n, s: _drawn(p, n, s, at=lambda n, p: 2 * torch.arange(n, dtype=p.dtype) / n - 1), "your "
                "places are the left borders of the cells; their middles are wanted, + 1/size"),
        Mistake(lambda p, n, s: _drawn(p, n, s, of=lambda x, y: (x**2 + y**2).sqrt()), "you took the distance; its "
                "square is in the exponent"),
        Mistake(lambda p, n, s: _drawn(p, n, s, wide=lambda s: s**2), "you divided by σ², as the paper's code does; "
                "the formula here has 2σ²"),
        Mistake(lambda p, n, s: maps(p, n, s) / maps(p, n, s).sum((2, 3), keepdim=True), "your maps sum to 1; here "
                "each is 1 at its point"),
    )))

EXERCISES = (FACTOR, FRAMES, GAUSSIANS)
