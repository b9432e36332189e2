"""The exercises of chapters 3, 3b and 3c.

A pair, invariance, a point found again; a turn, a rotation, where zero is; the place of a heat map, a point as a
picture again, and the loss that makes points.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.course.definitions import Judge
from u3course.course.judging import by_cases, not_contiguous
from u3course.course.words import task
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


PAIR = task("3-pair", pair, _moves, rtol=1e-3, atol=1e-4)


def unequal(a: Tensor, b: Tensor) -> Tensor:
    """‖Φ(x; u) − Φ(gx; gu)‖² of codes (B,N,D) each: (B,N)."""
    return (a - b).square().sum(2)


def _codes(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[1.0, 0.0, 2.0]]]), torch.tensor([[[0.0, 0.0, 0.0]]])
    for B, N, dtype in ((2, 5, torch.float64), (1, 1, torch.float32), (3, 3, torch.float64)):
        yield tuple(not_contiguous(torch.randn(B, N, 3, generator=g, dtype=dtype)) for _ in range(2))


INVARIANCE = task("3-invariance", unequal, _codes)


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


FIND = task("3-find", find, _searches, helpers=(cells, centres), rtol=1e-3, atol=1e-5)


def turn(before: Tensor, after: Tensor) -> Tensor:
    """The turns g for which Φ(gx) = g Φ(x), of Φ(x) and Φ(gx), rotations (B,n,n) each."""
    return after @ before.mT


def _turns(count: int, numbers: int, g: torch.Generator, dtype: torch.dtype = torch.float32) -> Tensor:
    return as_rotation(torch.randn(count, numbers, generator=g, dtype=dtype))


def _turned(g: torch.Generator) -> Iterator[tuple]:
    yield torch.eye(2)[None], torch.tensor([[[0.0, -1.0], [1.0, 0.0]]])
    for count, numbers, dtype in ((5, 6, torch.float32), (1, 6, torch.float64), (4, 2, torch.float64),
                                  (7, 6, torch.float32)):
        yield tuple(not_contiguous(_turns(count, numbers, g, dtype)) for _ in range(2))


TURN = task("3b-turn", turn, _turned)


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


ROTATION = task("3b-rotation", rotation, _six, rtol=1e-3, atol=1e-5)


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


ALIGN = task("3b-align", aligned, _named, rtol=1e-3, atol=1e-4)


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


POINT = task("3c-point", point, _maps)


def _points(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[0.5, -0.5]]]), cells(torch.empty(2, 2)), 0.5
    for B, K, h, w, sigma, dtype in ((3, 4, 8, 8, 0.1, torch.float32), (1, 1, 5, 3, 0.4, torch.float64),
                                     (2, 7, 4, 6, 0.2, torch.float32)):
        points = 2 * torch.rand(B, K, 2, generator=g, dtype=dtype) - 1
        yield not_contiguous(points), cells(torch.empty(h, w, dtype=dtype)), sigma


BUMP = task("3c-bump", bump, _points)

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


def _reaches_all(*asked: Any) -> Judge:
    """Of a loss that is right, a gradient has to reach all four networks, too."""
    judge = by_cases(*asked)

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


STEP = task("3c-loss", step, _pairs, judge=_reaches_all)

EXERCISES = {"3": (PAIR, INVARIANCE, FIND), "3b": (TURN, ROTATION, ALIGN), "3c": (POINT, BUMP, STEP)}
