"""The exercises of chapters 3 and 3b: a pair, invariance, a point found again; factorisation, frames, Gaussian maps."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, by_number, not_contiguous
from u3lab.landmarks import align, as_rotation, factorise, gaussian_maps, pose_error
from u3lab.landmarks.places import cells, centres
from u3lab.lessons.landmarks.keypoint_exercises import KEYPOINTS


def pair(x: Tensor, A: Tensor, t: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    """gx, pictures x (B,C,H,W) in which everything has moved by g, and where points u (B,N,2) are in them, gu = Au + t;
    A (B,2,2), t (B,2)."""
    back = torch.linalg.inv(A)  # g⁻¹v = A⁻¹(v − t): where each pixel comes from
    places = F.affine_grid(torch.cat([back, -back @ t[:, :, None]], 2), list(x.shape), align_corners=False)
    return F.grid_sample(x, places, align_corners=False), u @ A.mT + t[:, None]


def _moves(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.tensor([[[[0.0, 1.0], [0.25, 0.5]]]]), torch.eye(2)[None], torch.tensor([[1.0, 0.0]]),
           torch.tensor([[[-0.5, 0.5]]]))
    for B, H, W, N, dtype in ((3, 8, 8, 5, torch.float64), (1, 6, 9, 1, torch.float32), (4, 7, 5, 3, torch.float64)):
        A = torch.eye(2, dtype=dtype) + 0.4 * torch.randn(B, 2, 2, generator=g, dtype=dtype).clamp(-1, 1)
        x, u = torch.rand(B, 3, H, W, generator=g, dtype=dtype), torch.rand(B, N, 2, generator=g, dtype=dtype)
        yield not_contiguous(x), A, 0.3 * torch.randn(B, 2, generator=g, dtype=dtype), not_contiguous(2 * u - 1)


def _pulled(x: Tensor, matrix: Tensor, corners: bool = False) -> Tensor:
    places = F.affine_grid(matrix, list(x.shape), align_corners=corners)
    return F.grid_sample(x, places, align_corners=corners)


def _back(A: Tensor, t: Tensor) -> Tensor:
    return torch.cat([A.inverse(), -A.inverse() @ t[:, :, None]], 2)


PAIR = Exercise(
    id="3-pair", title="A pair without labels", minutes=8, difficulty="medium", points=3,
    goal="g moves each point u = (x, y) to gu = A u + t. Return gx, the picture x in which everything has moved so, "
         "and gu; outside of x all is black. Points are rows; x and y go from −1 to 1, the borders of the picture.",
    signature="def my_pair(x, A, t, u):   # (B,3,H,W), (B,2,2), (B,2), (B,N,2) → gx, gu",
    hints=(
        "Points as rows: `u @ A.mT + t[:, None]`.",
        "`F.affine_grid(matrix, x.shape, align_corners=False)` wants for each pixel v of gx the place in x that it "
        "comes from, g⁻¹v = A⁻¹(v − t), as a matrix (B,2,3): A⁻¹, and beside it −A⁻¹t.",
        "`torch.linalg.inv(A)` is A⁻¹; `-back @ t[:, :, None]` is a column (B,2,1), `torch.cat([…], 2)` puts it "
        "beside. Then `F.grid_sample(x, places, align_corners=False)`."),
    reference=pair, judge=by_cases(pair, _moves, (
        Mistake(lambda x, A, t, u: (_pulled(x, torch.cat([A, t[:, :, None]], 2)), u @ A.mT + t[:, None]), "your "
                "picture moves the other way than your points: affine_grid wants where each pixel *comes from*, g⁻¹"),
        Mistake(lambda x, A, t, u: (_pulled(x, torch.cat([A.inverse(), -t[:, :, None]], 2)), u @ A.mT + t[:, None]),
                "the shift of your g⁻¹ is wrong: g⁻¹v = A⁻¹(v − t) = A⁻¹v − A⁻¹t"),
        Mistake("u @ A.mT → u @ A", "points are rows, so A u is `u @ A.mT`; you turned them the other way"),
        Mistake("u @ A.mT + t[:, None] → (u - t[:, None]) @ back.mT", "your points go back to where they came from; "
                "gu = A u + t"),
        Mistake(lambda x, A, t, u: (_pulled(x, _back(A, t), True), u @ A.mT + t[:, None]), "with align_corners=True "
                "±1 are the centres of the outermost pixels; here they are the borders of the picture"),
    ), rtol=1e-3, atol=1e-4))


def unequal(a: Tensor, b: Tensor) -> Tensor:
    """‖Φ(x; u) − Φ(gx; gu)‖² of codes (B,N,D) each: (B,N)."""
    return (a - b).square().sum(2)


def _codes(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[1.0, 0.0, 2.0]]]), torch.tensor([[[0.0, 0.0, 0.0]]])
    for B, N, dtype in ((2, 5, torch.float64), (1, 1, torch.float32), (3, 3, torch.float64)):
        yield tuple(not_contiguous(torch.randn(B, N, 3, generator=g, dtype=dtype)) for _ in range(2))


INVARIANCE = Exercise(
    id="3-invariance", title="The wrong loss", minutes=2, difficulty="easy", points=1,
    goal="a are the codes Φ(x; u) of N points, b those of the same points after the motion, Φ(gx; gu). Return for each "
         "point how far it is from keeping its code: ‖Φ(x; u) − Φ(gx; gu)‖².",
    signature="def my_invariance(a, b):   # (B,N,3), (B,N,3) → (B,N)",
    hints=("‖·‖² is the sum of the squares of the three numbers of a code, the last axis.",
           "`(a - b).square().sum(2)`"),
    reference=unequal, judge=by_cases(unequal, _codes, (
        Mistake(".square().sum(2) → .norm(dim=2)", "that is the distance; its square is wanted"),
        Mistake(".sum(2) → .mean(2)", "you took the mean over the three numbers of a code; ‖·‖² is their sum"),
        Mistake(".sum(2) → .sum(1)", "you summed over the points; sum over the three numbers of a code"),
        Mistake(".square() → ", "differences can be negative, and cancel; square them first"),
        Mistake("(a - b).square() → (a * b)", "that is the inner product; two equal codes should give 0"),
    )))


def find(query: Tensor, codes: Tensor, gu: Tensor, tau: float, gamma: float) -> tuple[Tensor, Tensor]:
    """The heat maps p(u′|u) (B,N,h·w) of the codes of N points, query (B,N,D), in maps codes (B,D,h,w), and their
    expected distances Σ_u′ p(u′|u) ‖u′ − gu‖^γ, (B,N), with gu (B,N,2)."""
    p = (query @ codes.flatten(2) / tau).softmax(2)
    distance = (gu[:, :, None] - cells(codes)).norm(dim=3)
    return p, (p * distance**gamma).sum(2)


def _searches(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.tensor([[[1.0, 0.0, 0.0]]]), torch.tensor([[[[1.0, 0.0]], [[0.0, 1.0]], [[0.0, 0.0]]]]),
           torch.tensor([[[-0.5, 0.0]]]), 1.0, 1.0)
    for (B, N, h, w), tau, gamma, dtype in (((2, 4, 3, 5), 0.5, 0.5, torch.float64), ((1, 1, 4, 4), 2.0, 2.0,
                                            torch.float32), ((3, 5, 5, 3), 0.7, 1.0, torch.float64)):
        query, gu = torch.randn(B, N, 3, generator=g, dtype=dtype), torch.rand(B, N, 2, generator=g, dtype=dtype)
        yield query, not_contiguous(2 * torch.randn(B, 3, h, w, generator=g, dtype=dtype)), 2 * gu - 1, tau, gamma


def _found(query: Tensor, codes: Tensor, gu: Tensor, tau: float, gamma: float, *, unit: bool = False,
           late: bool = False, middle: bool = False) -> tuple[Tensor, Tensor]:
    """With codes of length 1; with the power taken of the mean; or of the mean place."""
    if unit:
        query, codes = F.normalize(query, dim=2), F.normalize(codes, dim=1)
    p, away = find(query, codes, gu, tau, 1.0 if late else gamma)
    return p, away**gamma if late else (p @ cells(codes) - gu).norm(dim=2) ** gamma if middle else away


FIND = Exercise(
    id="3-find", title="Find it again", minutes=12, difficulty="medium", points=4,
    goal="query holds the codes Φ(x; u) of N points, codes the map Φ(gx; ·), gu where the points are in gx. Return the "
         "heat maps p(u′|u), with all h·w places u′ in a row, and the expected distances. `cells(codes)`, (h·w,2), "
         "are these places.",
    signature="def my_find(query, codes, gu, tau, gamma):   # (B,N,3), (B,3,h,w), (B,N,2), τ, γ → (B,N,h·w), (B,N)",
    hints=(
        "All scores at once: `codes.flatten(2)` is (B,3,h·w), so `query @ codes.flatten(2)` is (B,N,h·w).",
        "p(u′|u) is a probability over the *places*: `.softmax(2)`. Its sum over them is 1.",
        "All distances at once: `(gu[:, :, None] - cells(codes)).norm(dim=3)`, (B,N,h·w). The power comes first, then "
        "the mean under p: `(p * distance**gamma).sum(2)`."),
    reference=find, helpers=(cells, centres), judge=by_cases(find, _searches, (
        Mistake("softmax(2) → softmax(1)", "your softmax runs over the points u; p(u′|u) is a probability over the "
                "places u′, so that each point's sum is 1"),
        Mistake("/ tau → * tau", "you multiplied the scores by τ; a small τ should make p narrow"),
        Mistake(lambda *a: _found(*a, unit=True), "you normalised the codes; their length may say how narrow p is"),
        Mistake(lambda *a: _found(*a, late=True), "you took the power γ of the mean distance; take the power of each "
                "distance, and then the mean"),
        Mistake(lambda *a: _found(*a, middle=True), "you took the distance of the mean place. Two peaks on both sides "
                "of gu would cost nothing; take the mean of the distances"),
    ), rtol=1e-3, atol=1e-5))


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


EXERCISES = {"3": (PAIR, INVARIANCE, FIND), "3b": (FACTOR, FRAMES, GAUSSIANS), "3c": KEYPOINTS}
