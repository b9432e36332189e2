"""The exercises of chapter 3c: the place of a heat map, a point as a picture again, and the loss that makes points."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from u3course.course.definitions import Exercise, Judge, Mistake
from u3course.course.judging import by_cases, not_contiguous
from u3course.course.words import words
from u3lab.landmarks.places import centres


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


def _cells(height: int, width: int, dtype: torch.dtype) -> Tensor:
    like = torch.empty(0, dtype=dtype)
    y, x = torch.meshgrid(centres(height, like), centres(width, like), indexing="ij")
    return torch.stack([x, y], 2).flatten(0, 1)


def _maps(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[[0.0, 1.0, 0.0]]]]), _cells(1, 3, torch.float32)
    for B, K, h, w, dtype in ((2, 3, 4, 5, torch.float64), (1, 1, 6, 6, torch.float32), (3, 2, 3, 7, torch.float64)):
        yield not_contiguous(3 * torch.randn(B, K, h, w, generator=g, dtype=dtype)), _cells(h, w, dtype)


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
    yield torch.tensor([[[0.5, -0.5]]]), _cells(2, 2, torch.float32), 0.5
    for B, K, h, w, sigma, dtype in ((3, 4, 8, 8, 0.1, torch.float32), (1, 1, 5, 3, 0.4, torch.float64),
                                     (2, 7, 4, 6, 0.2, torch.float32)):
        yield not_contiguous(2 * torch.rand(B, K, 2, generator=g, dtype=dtype) - 1), _cells(h, w, dtype), sigma


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
    """Functions in the places of networks, with different answers to everything."""

    def __init__(self, g: torch.Generator, dtype: torch.dtype) -> None:
        self.weights = [torch.randn(3, generator=g, dtype=dtype) for _ in range(4)]

    def look(self, x: Tensor) -> Tensor:
        return x * self.weights[0].view(3, 1, 1)

    def points(self, x: Tensor) -> Tensor:
        return (x * self.weights[1].view(3, 1, 1)).mean((2, 3))

    def bumps(self, u: Tensor) -> Tensor:
        return (u * self.weights[2]).tanh()

    def draw(self, features: Tensor, maps: Tensor) -> Tensor:
        return (features + maps[..., None, None] + self.weights[3].view(3, 1, 1)).sigmoid()


def _pairs(g: torch.Generator) -> Iterator[tuple]:
    for count, side, dtype in ((1, 2, torch.float64), (4, 3, torch.float32), (3, 5, torch.float64)):
        parts = _Parts(g, dtype)
        x, target = (torch.rand(count, 3, side, side, generator=g, dtype=dtype) for _ in range(2))
        yield parts.look, parts.points, parts.bumps, parts.draw, x, not_contiguous(target)


class _Learning(_Parts):
    """The same, with weights that learn: each says whether a gradient can come back, wherever the answer runs."""

    def __init__(self, g: torch.Generator) -> None:
        super().__init__(g, torch.float64)
        self.weights = [one.requires_grad_() for one in self.weights]

    def look(self, x: Tensor) -> Tensor:
        return _alive("look", super().look(x))

    def points(self, x: Tensor) -> Tensor:
        return _alive("points", super().points(x))

    def bumps(self, u: Tensor) -> Tensor:
        return _alive("bumps", super().bumps(_alive("points", u)))

    def draw(self, features: Tensor, maps: Tensor) -> Tensor:
        return _alive("draw", super().draw(_alive("look", features), _alive("bumps", maps)))


def _alive(name: str, x: Tensor) -> Tensor:
    """The same, unless no gradient would come back from it."""
    if not x.requires_grad:
        raise RuntimeError(f"{CUT} `{name}`, which would not learn: it is inside `torch.no_grad()`, or a `detach()` "
                           "cuts it off")
    return x


def _reaches_all(judge: Judge) -> Judge:
    """Of a loss that is right, a gradient has to reach all four networks, too."""
    def judged(answer: Callable[..., Tensor]) -> str:
        if said := judge(answer):
            return said
        g = torch.Generator().manual_seed(0)
        parts = _Learning(g)
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

KEYPOINTS = (POINT, BUMP, STEP)
