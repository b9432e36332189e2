"""The exercises of chapters 3 and 3b: splines, labels and soft argmax; factorisation, frames and Gaussian maps."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, by_number, not_contiguous
from u3lab.landmarks import align, as_rotation, factorise, gaussian_maps, pose_error, soft_argmax
from u3lab.landmarks.places import cells, centres


def spline_at(u: Tensor, controls: Tensor, weights: Tensor, affine: Tensor) -> Tensor:
    """w(u) = a₀ + a₁x + a₂y + Σ_i w_i U(‖u − c_i‖), U(r) = r² ln r; u (N,2), controls c (n,2), weights (n,2),
    affine (3,2): (N,2)."""
    r = torch.cdist(u, controls, compute_mode="donot_use_mm_for_euclid_dist")
    U = torch.where(r > 0, r**2 * r.clamp_min(1e-30).log(), 0.0)
    return affine[0] + u @ affine[1:] + U @ weights


def _splines(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.tensor([[0.5, -0.25]]), torch.tensor([[0.0, 0.25], [0.5, 0.75]]),
           torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([[0.1, 0.2], [1.0, 0.0], [0.0, 1.0]]))
    for N, n, dtype in ((1, 4, torch.float64), (7, 9, torch.float32), (12, 5, torch.float64)):
        u, controls, weights = (2 * torch.rand(rows, 2, generator=g, dtype=dtype) - 1 for rows in (N, n, n))
        yield not_contiguous(u), controls, weights, torch.randn(3, 2, generator=g, dtype=dtype)
    yield controls.clone(), controls, weights, torch.eye(3, dtype=dtype)[:, 1:].contiguous()  # at the controls: U(0)


SPLINE = Exercise(
    id="3-spline", title="A thin-plate spline at points", minutes=10, difficulty="easy", points=2,
    goal="The rows of u (N,2) are points, those of controls (n,2) the control points c_i, those of weights (n,2) their "
         "w_i; the rows of affine (3,2) are a₀, a₁ and a₂. Return w(u) = a₀ + a₁x + a₂y + Σ_i w_i U(‖u − c_i‖) with "
         "U(r) = r² ln r, for all points at once: (N,2). At a control point r is 0, and U(0) = 0.",
    signature="def my_spline(u, controls, weights, affine):   # (N,2), (n,2), (n,2), (3,2) → (N,2)",
    hints=(
        "All distances: `(u[:, None] - controls).norm(dim=-1)` has the shape (N,n). If the check says NaN: 0 · ln 0 is "
        "NaN for a computer.",
        "Keep the logarithm from 0: `r.clamp_min(1e-30).log()`. Then 0² times it is 0.",
        "The sum over i is a product of matrices, (N,n) @ (n,2); the straight part is `affine[0] + u @ affine[1:]`."),
    reference=spline_at, judge=by_cases(spline_at, _splines, (
        Mistake(("r**2 * r.clamp → r * r.clamp", "torch.where(r > 0, r**2 * r.clamp_min(1e-30).log(), 0.0) → "
                 "r.clamp_min(1e-30).log()"), "your U is r ln r, or ln r; a thin plate in two dimensions has r² ln r"),
        Mistake(".log() → .log10()", "you took the logarithm to base 10; U has the natural one"),
        Mistake("r**2 * r.clamp_min(1e-30).log() → r**2", "the logarithm is missing from U"),
        Mistake("affine[0] + u → u", "a₀ is missing"),
        Mistake(("u @ affine[1:] → u.flip(1) @ affine[1:]", "affine[1:] → affine[1:].T"), "x and y are exchanged in "
                "the straight part, or a₁ and a₂, which are the *rows* of affine[1:]"),
    ), rtol=1e-3, atol=1e-4))


def labelling_loss(codes: Tensor, codes_moved: Tensor, gu: Tensor, gamma: float) -> Tensor:
    """1/M Σ_u Σ_u′ ‖u′ − gu‖^γ p(u′|u) over the M queries with gu in the picture; codes (D,h,w), codes_moved (D,h,w),
    gu (h·w,2): a scalar."""
    p = (codes.flatten(1).T @ codes_moved.flatten(1)).softmax(1)  # (queries, places)
    distance = (gu[:, None] - cells(codes_moved)).norm(dim=-1)
    stays = (gu.abs() <= 1).all(1)
    return (p * distance**gamma).sum(1)[stays].mean()


def _pairs(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[1.0, 0.0]]]), torch.tensor([[-0.5, 0.0], [0.5, 0.0]]), 1.0
    for (D, h, w), gamma, dtype in (((3, 3, 3), 0.5, torch.float64), ((1, 1, 5), 2.0, torch.float32),
                                    ((4, 5, 3), 1.0, torch.float64)):
        codes, moved = (2 * torch.randn(D, h, w, generator=g, dtype=dtype) for _ in range(2))
        gu = cells(codes) + 0.5 * torch.randn(h * w, 2, generator=g, dtype=dtype)  # some leave the picture
        yield not_contiguous(codes), moved, gu, gamma


LABELLING = Exercise(
    id="3-labelling", title="The loss of dense labelling", minutes=15, difficulty="medium", points=4,
    goal="codes and codes_moved are Φ(x; ·) and Φ(gx; ·) of one pair, (D,h,w) each. Every cell u of x is a query, row "
         "by row; gu (h·w,2) says where it went, as (x, y) in [−1,1]. Return the mean of Σ_u′ ‖u′ − gu‖^γ p(u′|u) over "
         "the queries whose gu lies in the picture. `cells(codes_moved)` are the centres of all cells u′, (h·w,2), "
         "row by row: `from u3lab.landmarks.places import cells`.",
    signature="def my_loss(codes, codes_moved, gu, gamma):   # (D,h,w), (D,h,w), (h·w,2), a number → a number",
    hints=(
        "All scores at once: `codes.flatten(1)` is (D, h·w), so S has the shape (queries, places) as a product of two "
        "matrices.",
        "p(u′|u) is a probability over the *places* u′: each row of S has its own softmax. Its sum over u′ is 1.",
        "The distances are `(gu[:, None] - cells(codes_moved)).norm(dim=-1)`. A query stays in the picture if both of "
        "its coordinates do: `(gu.abs() <= 1).all(1)`. Take the mean over those rows only."),
    reference=labelling_loss, helpers=(cells, centres), judge=by_number(labelling_loss, _pairs, (
        Mistake("softmax(1) → softmax(0)", "your softmax runs over the queries u; p(u′|u) is a probability over the "
                "places u′, so that each query's sum is 1"),
        Mistake(".softmax(1) → ", "there is no softmax: S can be negative and has any sum, p is a probability"),
        Mistake("[stays] → ", "you count queries whose gu has left the picture; no place u′ can be right there"),
        Mistake("codes.flatten(1).T @ codes_moved.flatten(1) → torch.nn.functional.normalize(codes.flatten(1), dim=0)"
                ".T @ torch.nn.functional.normalize(codes_moved.flatten(1), dim=0)", "you normalised the codes; then "
                "no code can be sure, since length is certainty"),
        Mistake("[stays].mean() → [stays].sum()", "you took the sum over the queries, not their mean"),
    )))


def _maps(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.tensor([[[[0.0, 2.0]]]]),)
    for shape, dtype in (((1, 3, 4, 6), torch.float64), ((3, 1, 5, 5), torch.float32), ((2, 2, 1, 7), torch.float64)):
        yield (not_contiguous(3 * torch.randn(*shape, generator=g, dtype=dtype)),)


def _by_axes(maps: Tensor) -> Tensor:
    """The paper of 2018: mean over the other axis first, then a softmax."""
    x, y = ((maps.mean(over).softmax(-1) * centres(maps.shape[along], maps)).sum(-1)
            for over, along in ((2, 3), (3, 2)))
    return torch.stack([x, y], -1)


SOFT_ARGMAX = Exercise(
    id="3-soft-argmax", title="Soft-argmax", minutes=10, difficulty="easy", points=2,
    goal="maps (B,K,h,w) holds K maps of scores for each of B pictures. Make of each map one distribution p over all "
         "of its places, and return the mean place Σ_u u p(u), as (x, y): (B,K,2). The centre of column i of w is "
         "x = (2i + 1)/w − 1, that of row j of h is y = (2j + 1)/h − 1.",
    signature="def my_soft_argmax(maps):   # (B,K,h,w) → (B,K,2)",
    hints=(
        "One softmax over h·w numbers: `maps.flatten(2).softmax(-1)`.",
        "`.view_as(maps)` makes maps of it again. The mean x needs p summed over rows, the mean y summed over columns.",
        "`x = (2 * torch.arange(w) + 1) / w - 1`; then `(p.sum(2) * x).sum(-1)`, and the same for y with `p.sum(3)`. "
        "`torch.stack([x, y], -1)` puts x first."),
    reference=soft_argmax, helpers=(cells, centres), judge=by_cases(soft_argmax, _maps, (
        Mistake(_by_axes, "you took the mean over one axis before the softmax. That is another method (Jakab et al. "
                "2018, in notebook 03b), whose points are drawn to the middle far more"),
        Mistake(("cells(maps) → cells(maps) * cells(maps).new_tensor([n / max(n - 1, 1) for n in maps.shape[:1:-1]])",
                 "cells(maps) → ((cells(maps) + 1) * cells(maps).new_tensor(maps.shape[:1:-1]) - 1) / 2"), "you put "
                "the outermost *centres* at ±1, or counted columns and rows from 0; here the *borders* of the picture "
                "are at ±1, and centres lie half a cell inside"),
        Mistake(("maps.flatten(2).softmax(-1) → maps.softmax(-1).flatten(2)", "softmax(-1) → softmax(1)"),
                "your softmax runs over each row alone, or over the K maps; each map has one of its own, over all of "
                "its places"),
        Mistake(".softmax(-1) → ", "there is no softmax: scores are not shares, and their sum is not 1"),
        Mistake("cells(maps) → cells(maps).flip(-1)", "x and y are exchanged: x goes along the columns and comes "
                "first"),
    ), rtol=1e-3, atol=1e-4))


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


def _turned(g: torch.Generator) -> Iterator[tuple]:
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
    reference=loss, judge=by_cases(loss, _turned, (
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


EXERCISES = {"3": (SPLINE, LABELLING, SOFT_ARGMAX), "3b": (FACTOR, FRAMES, GAUSSIANS)}
