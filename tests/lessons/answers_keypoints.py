"""Right and wrong answers to the exercises of notebook 03c, made by other code than the library's."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor


def middle(maps: Tensor, cells: Tensor, *, best: bool = False, across: bool = False) -> Tensor:
    """The mean place of each map, cell by cell."""
    made = maps.new_zeros(*maps.shape[:2], 2)
    for b in range(maps.shape[0]):
        for k in range(maps.shape[1]):
            scores = maps[b, k].flatten().tolist()
            if across:
                height, width = maps.shape[2:]
                rows = [sum(scores[j * width:(j + 1) * width]) / width for j in range(height)]
                columns = [sum(scores[i::width]) / height for i in range(width)]
                made[b, k] = torch.tensor([mean(columns, [cells[i, 0].item() for i in range(width)]),
                                           mean(rows, [cells[j * width, 1].item() for j in range(height)])])
            elif best:
                made[b, k] = cells[scores.index(max(scores))]
            else:
                made[b, k] = torch.tensor([mean(scores, cells[:, axis].tolist()) for axis in (0, 1)])
    return made


def mean(scores: list[float], places: list[float]) -> float:
    heat = [math.exp(score) for score in scores]
    return sum(h * place for h, place in zip(heat, places, strict=True)) / sum(heat)


def looped(points: Tensor, cells: Tensor, sigma: float, two: float = 2.0, power: float = 2.0) -> Tensor:
    made = torch.zeros(*points.shape[:2], len(cells), dtype=points.dtype)
    for n, (x, y) in enumerate(cells.tolist()):
        away = torch.hypot(points[..., 0] - x, points[..., 1] - y)
        made[..., n] = torch.exp(-(away**power) / (two * sigma**2))
    return made


def loss(look: Callable, points: Callable, bumps: Callable, draw: Callable, x: Tensor, target: Tensor) -> Tensor:
    return torch.nn.functional.mse_loss(draw(look(x), bumps(points(target))), target)


MUTANTS = [
    ("3c-point", lambda m, c: middle(m, c, across=True), "*means* along rows and columns"),
    ("3c-point", lambda m, c: middle(m, c, best=True), "the hottest cell"),
    ("3c-point", lambda m, c: middle(m, c) / 2, "right value"),
    ("3c-bump", lambda p, c, s: looped(p, c, s, two=1.0), "you divided by σ²"),
    ("3c-bump", lambda p, c, s: looped(p, c, s, power=1.0), "its square is in the exponent"),
    ("3c-bump", lambda p, c, s: torch.nn.functional.normalize(looped(p, c, s), p=1, dim=2), "sum to 1"),
    ("3c-loss", lambda k, p, b, d, x, target: loss(k, p, b, d, target, x), "`x` and `target` in each other's place"),
    ("3c-loss", lambda k, p, b, d, x, t: ((d(k(t), b(p(t))) - t) ** 2).mean(), "need not say anything"),
    ("3c-loss", lambda k, p, b, d, x, t: ((d(k(x), b(p(x))) - t) ** 2).mean(), "where things have gone"),
    ("3c-loss", lambda k, p, b, d, x, t: loss(k, p, b, d, x, t) * t.numel(), "you took the sum"),
]
RIGHT = [("3c-point", middle), ("3c-bump", looped), ("3c-loss", loss)]
