"""Right and wrong answers to the exercises of notebook 03, made by other code than the library's."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from u3lab.warps.splines import bending


def point_by_point(u: Tensor, controls: Tensor, weights: Tensor, affine: Tensor, U=lambda r: r * r * math.log(r),
                   straight: int = 1, offset: int = 1) -> Tensor:
    found = []
    for x, y in u.tolist():
        place = []
        for k in (0, 1):
            a, b, c = affine[:, k].tolist()
            value = offset * a + straight * (b * x + c * y)
            for (cx, cy), w in zip(controls.tolist(), weights[:, k].tolist(), strict=True):
                r = math.hypot(x - cx, y - cy)
                value += w * U(r) if r > 0 else 0.0
            place.append(value)
        found.append(place)
    return torch.tensor(found, dtype=u.dtype)


def as_the_library(u: Tensor, controls: Tensor, weights: Tensor, affine: Tensor) -> Tensor:
    ones = torch.cat([u.new_ones(len(u), 1), u], 1)
    return ones @ affine + bending(u[None], controls[None])[0] @ weights


def where(h: int, w: int) -> list[tuple[float, float]]:
    return [((2 * i + 1) / w - 1, (2 * j + 1) / h - 1) for j in range(h) for i in range(w)]


def query_by_query(codes: Tensor, moved: Tensor, gu: Tensor, gamma: float, *, all_of_them: bool = False,
                   power: float = 1.0, mean: bool = True, unit: bool = False, shift: float = 0.0) -> float:
    D, h, w = codes.shape
    places, total, count = where(h, w), 0.0, 0
    for n, (x, y) in enumerate(gu.tolist()):
        if not all_of_them and max(abs(x), abs(y)) > 1:
            continue
        a = codes[:, n // w, n % w]
        scores = [float(a @ moved[:, m // w, m % w]) for m in range(h * w)]
        if unit:
            scores = [s / max(1e-12, float(a.norm() * moved[:, m // w, m % w].norm())) for m, s in enumerate(scores)]
        parts = [math.exp(s - max(scores)) for s in scores]
        for part, (px, py) in zip(parts, places, strict=True):
            total += part / sum(parts) * math.hypot(px - x + shift, py - y) ** (power * gamma)
        count += 1
    return total / count if mean else total


def map_by_map(maps: Tensor, last: int = 1, first_y: bool = False) -> Tensor:
    B, K, h, w = maps.shape
    found = torch.zeros(B, K, 2, dtype=maps.dtype)
    for b in range(B):
        for k in range(K):
            p = torch.softmax(maps[b, k].reshape(-1), 0).tolist()
            x = sum(share * px for share, (px, _) in zip(p, where(h, w), strict=True))
            y = sum(share * py for share, (_, py) in zip(p, where(h, w), strict=True))
            found[b, k] = torch.tensor([y, x] if first_y else [x, y])
    return found * last


MUTANTS = [
    ("3-spline", lambda *a: point_by_point(*a, U=lambda r: r * r * math.log(r * r)), "twice `weights` in its place"),
    ("3-spline", lambda *a: point_by_point(*a, U=lambda r: r * math.log(r)), "r ln r"),
    ("3-spline", lambda *a: point_by_point(*a, U=lambda r: r * r * math.log10(r)), "base 10"),
    ("3-spline", lambda *a: point_by_point(*a, U=lambda r: r * r), "the logarithm is missing"),
    ("3-spline", lambda *a: point_by_point(*a, U=lambda r: 0.0), "`weights` = 0: what `weights` brings is missing"),
    ("3-spline", lambda *a: point_by_point(*a, straight=0, offset=0), "`affine` = 0: what `affine` brings is missing"),
    ("3-spline", lambda *a: point_by_point(*a, offset=0), "a₀ is missing"),
    ("3-labelling", lambda *a: query_by_query(*a, all_of_them=True), "has left the picture"),
    ("3-labelling", lambda *a: query_by_query(*a, power=2), "twice `gamma` in its place"),
    ("3-labelling", lambda *a: query_by_query(*a, mean=False), "not their mean"),
    ("3-labelling", lambda *a: query_by_query(*a, unit=True), "length is certainty"),
    ("3-labelling", lambda *a: query_by_query(*a, shift=0.1), "right values"),
    ("3-soft-argmax", lambda maps: map_by_map(maps, first_y=True), "x and y are exchanged"),
    ("3-soft-argmax", lambda maps: map_by_map(maps, last=2), "right values"),
    ("3-soft-argmax", lambda maps: torch.softmax(maps, -1).flatten(2) @ torch.tensor(where(*maps.shape[2:])).to(maps),
     "each row alone"),
    ("3-soft-argmax", lambda maps: maps.flatten(2) @ torch.tensor(where(*maps.shape[2:])).to(maps), "no softmax"),
]
RIGHT = [("3-spline", point_by_point), ("3-spline", as_the_library), ("3-labelling", query_by_query),
         ("3-soft-argmax", map_by_map)]
