"""The exercises of chapters 3, 3b and 3c.

A pair, invariance, a point found again; a turn, a rotation, where zero is; the place of a heat map, a point as a
picture again, and the loss that makes points.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.course.definitions import Exercise, Judge, Mistake
from u3course.course.judging import by_cases, not_contiguous
from u3course.course.words import words
from u3lab.landmarks import as_rotation
from u3lab.landmarks.places import cells, centres


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


PAIR = Exercise(**words("3-pair"), reference=pair, judge=by_cases(pair, _moves, (
        Mistake("[back, -back @ t → [A, t", "your picture moves the other way than your points: affine_grid wants "
                "where each pixel *comes from*, g⁻¹"),
        Mistake(("-back @ t → -t", "-back @ t → back @ t"), "the shift of your g⁻¹ is wrong: g⁻¹v = A⁻¹(v − t) = "
                "A⁻¹v − A⁻¹t"),
        Mistake("u @ A.mT → u @ A", "points are rows, so A u is `u @ A.mT`; you turned them the other way"),
        Mistake(("u @ A.mT + t[:, None] → (u - t[:, None]) @ back.mT", "u @ A.mT → u @ back.mT"), "your points go back "
                "to where they came from; gu = A u + t"),
        Mistake("align_corners=False → align_corners=True", "with align_corners=True ±1 are the centres of the "
                "outermost pixels; here they are the borders of the picture"),
    ), rtol=1e-3, atol=1e-4))


def unequal(a: Tensor, b: Tensor) -> Tensor:
    """‖Φ(x; u) − Φ(gx; gu)‖² of codes (B,N,D) each: (B,N)."""
    return (a - b).square().sum(2)


def _codes(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[1.0, 0.0, 2.0]]]), torch.tensor([[[0.0, 0.0, 0.0]]])
    for B, N, dtype in ((2, 5, torch.float64), (1, 1, torch.float32), (3, 3, torch.float64)):
        yield tuple(not_contiguous(torch.randn(B, N, 3, generator=g, dtype=dtype)) for _ in range(2))


INVARIANCE = Exercise(**words("3-invariance"), reference=unequal, judge=by_cases(unequal, _codes, (
        Mistake(".square().sum(2) → .norm(dim=2)", "that is the distance; its square is wanted"),
        Mistake(".sum(2) → .mean(2)", "you took the mean over the three numbers of a code; ‖·‖² is their sum"),
        Mistake(".sum(2) → .sum(1)", "you summed over the points; sum over the three numbers of a code"),
        Mistake((".square() → ", ".square() → .abs()"), "square the differences: as they are they cancel, and their "
                "absolute values are another length"),
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


FIND = Exercise(**words("3-find"), reference=find, helpers=(cells, centres), judge=by_cases(find, _searches, (
        Mistake("softmax(2) → softmax(1)", "your softmax runs over the points u; p(u′|u) is a probability over the "
                "places u′, so that each point's sum is 1"),
        Mistake("/ tau → * tau", "you multiplied the scores by τ; a small τ should make p narrow"),
        Mistake("query @ codes.flatten(2) → F.normalize(query, dim=2) @ F.normalize(codes, dim=1).flatten(2)", "you "
                "normalised the codes; their length may say how narrow p is"),
        Mistake("(p * distance**gamma).sum(2) → (p * distance).sum(2)**gamma", "you took the power γ of the mean "
                "distance; take the power of each distance, and then the mean"),
        Mistake("(p * distance**gamma).sum(2) → (p @ cells(codes) - gu).norm(dim=2)**gamma", "you took the distance of "
                "the mean place; two peaks on both sides of gu would cost nothing; take the mean of the distances"),
    ), rtol=1e-3, atol=1e-5))


def turn(before: Tensor, after: Tensor) -> Tensor:
    """The turns g for which Φ(gx) = g Φ(x), of Φ(x) and Φ(gx), rotations (B,n,n) each."""
    return after @ before.mT


def _turns(count: int, numbers: int, g: torch.Generator, dtype: torch.dtype = torch.float32) -> Tensor:
    return as_rotation(torch.randn(count, numbers, generator=g, dtype=dtype))


def _turned(g: torch.Generator) -> Iterator[tuple]:
    quarter = torch.tensor([[[0.0, -1.0], [1.0, 0.0]]])
    yield torch.eye(2)[None], quarter
    for count, numbers, dtype in ((5, 6, torch.float32), (1, 6, torch.float64), (4, 2, torch.float64),
                                  (7, 6, torch.float32)):
        yield tuple(not_contiguous(_turns(count, numbers, g, dtype)) for _ in range(2))


TURN = Exercise(**words("3b-turn"), reference=turn, judge=by_cases(turn, _turned, (
        Mistake("after @ before.mT → before.mT @ after", "your product is Φ(x)⁻¹ Φ(gx); in the plane that is the same, "
                "in space it is not: multiply both sides by Φ(x)⁻¹ from the right"),
        Mistake("after @ before.mT → before @ after.mT", "that turn leads back, from gx to x"),
        Mistake("after @ before.mT → after * before.mT", "`*` multiplies entry by entry; `@` multiplies matrices"),
        Mistake("after @ before.mT → after - before", "turns are not added but composed: Φ(gx) = g Φ(x) is a product"),
        Mistake("after @ before.mT → after @ before", "Φ(x) has to be undone: its inverse is its transpose"),
    )))


def rotation(code: Tensor) -> Tensor:
    """Six numbers, two columns one behind the other → rotations: (B,6) → (B,3,3), by Gram and Schmidt."""
    a, b = code.split(3, 1)
    first = F.normalize(a, dim=1)
    second = F.normalize(b - (first * b).sum(1, keepdim=True) * first, dim=1)
    return torch.stack([first, second, torch.linalg.cross(first, second)], 2)


def _six(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.tensor([[2.0, 0.0, 0.0, 1.0, 3.0, 0.0]]),)
    for count, scale, dtype in ((5, 1.0, torch.float64), (1, 3.0, torch.float32), (6, 0.1, torch.float64)):
        yield (not_contiguous(scale * torch.randn(count, 6, generator=g, dtype=dtype)),)


ROTATION = Exercise(**words("3b-rotation"), reference=rotation, judge=by_cases(rotation, _six, (
        Mistake(("b - (first * b).sum(1, keepdim=True) * first → b", "b - (first → b + (first"), "your second column "
                "is not at a right angle to the first: take away from b what lies along the first column"),
        Mistake(("F.normalize(a, dim=1) → a ;; second = F.normalize(b - → second = (b - ;; * first, dim=1) → * first)",
                 "F.normalize(a, dim=1) → a", "F.normalize(a, dim=1) → a / a.norm()",
                 "second = F.normalize(b - → second = (b - ;; * first, dim=1) → * first)"), "your columns "
                "are not of length 1: each picture's first and second are made so, `F.normalize(…, dim=1)`"),
        Mistake("cross(first, second) → cross(second, first)", "the determinant is −1, a mirror: the third column is "
                "first × second, in this order"),
        Mistake("second)], 2) → second)], 1)", "your three vectors are rows; stack them as columns, along axis 2"),
        Mistake(("second = F.normalize(b - (first * b).sum(1, keepdim=True) * first, dim=1) → second = F.normalize(b - "
                "(a * b).sum(1, keepdim=True) * a, dim=1)", "(first * b) → (a * b)"), "the part of b along a is (first "
                "· b) first, with the column of length 1: a itself is too long or too short"),
    ), rtol=1e-3, atol=1e-5))


def aligned(found: Tensor, true: Tensor) -> Tensor:
    """The rotation h (n,n) with the least Σ ‖Φ(xᵢ) h − Rᵢ‖², of Φ(xᵢ) and Rᵢ, rotations (N,n,n) each."""
    U, _, Vt = torch.linalg.svd((found.mT @ true).sum(0))
    signs = torch.ones_like(U[0])
    signs[-1] = torch.linalg.det(U @ Vt)
    return U * signs @ Vt


def _named(g: torch.Generator) -> Iterator[tuple]:
    """At first without noise; then poses that fit so badly that the best orthogonal matrix would be a mirror."""
    first = _turns(4, 6, g, torch.float64)
    yield first, first @ _turns(1, 6, g, torch.float64)
    yield (one := _turns(6, 2, g)), one @ _turns(1, 2, g)
    for count, dtype in ((3, torch.float64), (4, torch.float32), (5, torch.float64)):
        found = true = _turns(count, 6, g, dtype)
        while torch.linalg.det((found.mT @ true).sum(0)) > -0.3:
            true = _turns(count, 6, g, dtype)
        yield not_contiguous(found), true


ALIGN = Exercise(**words("3b-align"), reference=aligned, judge=by_cases(aligned, _named, (
        Mistake("U * signs @ Vt → U @ Vt", "sometimes your h is a mirror, with determinant −1: turn the last column of "
                "U round then"),
        Mistake(lambda f, t: aligned(t, f), "that is h⁻¹, which leads from R to Φ(x)"),
        Mistake((lambda f, t: aligned(f.mT, t.mT).mT, lambda f, t: aligned(f.mT, t.mT)), "your h stands on the left "
                "side; the free turn is on the right, so M is the sum of Φᵀ R"),
        Mistake((lambda f, t: (f.mT @ t).mean(0), lambda f, t: (f.mT @ t).sum(0)), "a sum or a mean of rotations is no "
                "rotation; take the nearest one, from its SVD, without S"),
        Mistake(("signs[-1] = → signs[0] =", "signs[-1] = → signs[:] ="), "you turned another column round than the "
                "last; the last singular value is the least, so that its column costs least"),
    ), rtol=1e-3, atol=1e-4))


def point(maps: Tensor, cells: Tensor) -> Tensor:
    """The mean place of each of K heat maps (B,K,h,w), under a softmax over all h·w cells at (h·w,2): (B,K,2)."""
    p = maps.flatten(2).softmax(2)
    return p @ cells


def bump(points: Tensor, cells: Tensor, sigma: float) -> Tensor:
    """exp(−‖u − u_k‖²/2σ²) of points u_k (B,K,2) at cells u (N,2): (B,K,N)."""
    away = (points[:, :, None] - cells).square().sum(3)
    return (-away / (2 * sigma**2)).exp()


def step(look: Callable, points: Callable, bumps: Callable, draw: Callable, x: Tensor, target: Tensor) -> Tensor:
    """The mean square of x̂′ − x′, with x̂′ drawn from the look of x and the bumps of the points of x′; a scalar."""
    drawn = draw(look(x), bumps(points(target)))
    return (drawn - target).square().mean()


def _maps(g: torch.Generator) -> Iterator[tuple]:
    yield (first := torch.tensor([[[[0.0, 1.0, 0.0]]]])), cells(first)
    for B, K, h, w, dtype in ((2, 3, 4, 5, torch.float64), (1, 1, 6, 6, torch.float32), (3, 2, 3, 7, torch.float64)):
        maps = not_contiguous(3 * torch.randn(B, K, h, w, generator=g, dtype=dtype))
        yield maps, cells(maps)


def _axes(maps: Tensor, cells: Tensor) -> Tensor:
    """The softmax of the means along each axis."""
    grid = cells.view(*maps.shape[2:], 2)
    return torch.stack([maps.mean(2).softmax(2) @ grid[0, :, 0], maps.mean(3).softmax(2) @ grid[:, 0, 1]], 2)


POINT = Exercise(**words("3c-point"), reference=point, judge=by_cases(point, _maps, (
        Mistake(_axes, "your heat is the softmax of *means* along rows and columns: a peak is thinned by all the other "
                "cells of its row; one softmax over all cells is wanted (the figure below compares the two)"),
        Mistake("softmax(2) → softmax(1)", "your softmax runs over the K maps; each map needs one over its own cells"),
        Mistake(("maps.flatten(2).softmax(2) → maps.flatten(2)", "softmax(2) → sigmoid()"), "the softmax is missing: "
                "neither scores nor their sigmoids sum to 1"),
        Mistake(lambda m, c: c[m.flatten(2).argmax(2)], "that is the hottest cell; its place jumps from cell to cell "
                "and has no gradient; the mean place is wanted"),
        Mistake("p @ cells → (p @ cells).flip(2)", "you gave (y, x); points are (x, y)"),
    )))


def _points(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[0.5, -0.5]]]), cells(torch.empty(2, 2)), 0.5
    for B, K, h, w, sigma, dtype in ((3, 4, 8, 8, 0.1, torch.float32), (1, 1, 5, 3, 0.4, torch.float64),
                                     (2, 7, 4, 6, 0.2, torch.float32)):
        points = 2 * torch.rand(B, K, 2, generator=g, dtype=dtype) - 1
        yield not_contiguous(points), cells(torch.empty(h, w, dtype=dtype)), sigma


BUMP = Exercise(**words("3c-bump"), reference=bump, judge=by_cases(bump, _points, (
        Mistake("/ (2 * sigma**2) → / sigma**2", "you divided by σ², as the paper's code does; the formula here has "
                "2σ²"),
        Mistake(".square().sum(3) → .norm(dim=3)", "you took the distance; its square is in the exponent"),
        Mistake(".sum(3) → .mean(3)", "you took the mean of the two squares; ‖·‖² is their sum"),
        Mistake(lambda p, c, s: bump(p, c, s) / bump(p, c, s).sum(2, keepdim=True), "your maps sum to 1; here each is "
                "1 at its point"),
        Mistake("(-away → (away", "the sign: far from the point y_k should be near 0"),
    )))


CUT = "no gradient comes to"


class _Parts:
    """Functions in the places of networks, with different answers to everything.

    If their weights learn, each says whether a gradient can come back, wherever the answer runs.
    """

    def __init__(self, g: torch.Generator, dtype: torch.dtype, *, learning: bool = False) -> None:
        self.learning = learning
        self.weights = [torch.randn(3, generator=g, dtype=dtype).requires_grad_(learning) for _ in range(4)]

    def look(self, x: Tensor) -> Tensor:
        return self.alive("look", x * self.weights[0].view(3, 1, 1))

    def points(self, x: Tensor) -> Tensor:
        return self.alive("points", (x * self.weights[1].view(3, 1, 1)).mean((2, 3)))

    def bumps(self, u: Tensor) -> Tensor:
        return self.alive("bumps", (self.alive("points", u) * self.weights[2]).tanh())

    def draw(self, features: Tensor, maps: Tensor) -> Tensor:
        features, maps = self.alive("look", features), self.alive("bumps", maps)
        return self.alive("draw", (features + maps[..., None, None] + self.weights[3].view(3, 1, 1)).sigmoid())

    def alive(self, name: str, x: Tensor) -> Tensor:
        """The same, unless no gradient would come back from it to weights that learn."""
        if self.learning and not x.requires_grad:
            raise RuntimeError(f"{CUT} `{name}`, which would not learn: it is inside `torch.no_grad()`, or a "
                               "`detach()` cuts it off")
        return x


def _pairs(g: torch.Generator) -> Iterator[tuple]:
    for count, side, dtype in ((1, 2, torch.float64), (4, 3, torch.float32), (3, 5, torch.float64)):
        parts = _Parts(g, dtype)
        x, target = (torch.rand(count, 3, side, side, generator=g, dtype=dtype) for _ in range(2))
        yield parts.look, parts.points, parts.bumps, parts.draw, x, not_contiguous(target)


def _reaches_all(judge: Judge) -> Judge:
    """Of a loss that is right, a gradient has to reach all four networks, too."""
    def judged(answer: Callable[..., Tensor]) -> str:
        if said := judge(answer):
            return said
        g = torch.Generator().manual_seed(0)
        parts = _Parts(g, torch.float64, learning=True)
        x, target = (torch.rand(2, 3, 4, 4, generator=g, dtype=torch.float64) for _ in range(2))
        try:
            answer(parts.look, parts.points, parts.bumps, parts.draw, x, target)
        except RuntimeError as error:
            if CUT not in str(error):
                raise
            return f"the number is right, but {error}"
        return ""

    return judged


STEP = Exercise(**words("3c-loss"), reference=step, judge=_reaches_all(by_cases(step, _pairs, (
        Mistake("look(x) → look(target)", "the look is that of x: if the generator sees the target itself, the points "
                "need not say anything"),
        Mistake("points(target) → points(x)", "the points have to be those of the target; those of x cannot say where "
                "things have gone"),
        Mistake("(drawn - target) → (drawn - x)", "you compared with x; x′, the target, is to be drawn"),
        Mistake("bumps(points(target)) → points(target)", "`draw` wants the points as maps: `bumps(points(target))`"),
        Mistake(".mean() → .sum()", "you took the sum; the loss is the mean over all numbers"),
    ))))


EXERCISES = {"3": (PAIR, INVARIANCE, FIND), "3b": (TURN, ROTATION, ALIGN), "3c": (POINT, BUMP, STEP)}
