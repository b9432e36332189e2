"""Right and wrong answers to the exercises of notebook 03, made by other code than the library's."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def pixel_by_pixel(x: Tensor, A: Tensor, t: Tensor, u: Tensor, *, there: bool = False, corners: bool = False,
                   unturned: bool = False, points: int = 1) -> tuple[Tensor, Tensor]:
    """gx by looking up each pixel, four neighbours weighted; beyond the borders everything is 0."""
    B, C, H, W = x.shape
    gx, gu = torch.zeros_like(x), torch.zeros_like(u)
    for b in range(B):
        (a, c), (d, e) = A[b].tolist()
        p, q = t[b].tolist()
        det = a * e - c * d
        for j in range(H):
            for i in range(W):
                X, Y = ((2 * i / (W - 1) - 1, 2 * j / (H - 1) - 1) if corners else
                        ((2 * i + 1) / W - 1, (2 * j + 1) / H - 1))
                if there:
                    X, Y = a * X + c * Y + p, d * X + e * Y + q
                elif unturned:
                    X, Y = (e * X - c * Y) / det - p, (a * Y - d * X) / det - q
                else:
                    X, Y = (e * (X - p) - c * (Y - q)) / det, (a * (Y - q) - d * (X - p)) / det
                col, row = (((X + 1) * (W - 1) / 2, (Y + 1) * (H - 1) / 2) if corners else
                            (((X + 1) * W - 1) / 2, ((Y + 1) * H - 1) / 2))
                left, top = math.floor(col), math.floor(row)
                for m, n in ((left, top), (left + 1, top), (left, top + 1), (left + 1, top + 1)):
                    if 0 <= m < W and 0 <= n < H:
                        gx[b, :, j, i] += (1 - abs(col - m)) * (1 - abs(row - n)) * x[b, :, n, m]
        for n, (X, Y) in enumerate(u[b].tolist()):
            gu[b, n] = torch.tensor([
                (a * X + c * Y + p, d * X + e * Y + q), (a * X + d * Y + p, c * X + e * Y + q),
                ((e * (X - p) - c * (Y - q)) / det, (a * (Y - q) - d * (X - p)) / det)][points - 1])
    return gx, gu


def number_by_number(a: Tensor, b: Tensor, *, power: int = 2, share: float = 1.0, root: float = 1.0) -> Tensor:
    found = [[(share * sum((p - q) ** power for p, q in zip(one, other, strict=True))) ** root
              for one, other in zip(ours, theirs, strict=True)]
             for ours, theirs in zip(a.tolist(), b.tolist(), strict=True)]
    return torch.tensor(found, dtype=a.dtype)


def where(h: int, w: int) -> list[tuple[float, float]]:
    return [((2 * i + 1) / w - 1, (2 * j + 1) / h - 1) for j in range(h) for i in range(w)]


def point_by_point(query: Tensor, codes: Tensor, gu: Tensor, tau: float, gamma: float, *, unit: bool = False,
                   late: bool = False, middle: bool = False, wide: bool = False) -> tuple[Tensor, Tensor]:
    B, N, _ = query.shape
    h, w = codes.shape[2:]
    p, away = query.new_zeros(B, N, h * w), query.new_zeros(B, N)
    for b in range(B):
        for n in range(N):
            scores = []
            for m in range(h * w):
                a, c = query[b, n], codes[b, :, m // w, m % w]
                length = max(1e-12, float(a.norm())) * max(1e-12, float(c.norm())) if unit else 1.0
                scores.append(float(a @ c) / length * (tau if wide else 1 / tau))
            parts = [math.exp(score - max(scores)) for score in scores]
            shares = [part / sum(parts) for part in parts]
            X, Y = gu[b, n].tolist()
            far = [math.hypot(x - X, y - Y) for x, y in where(h, w)]
            mean = [sum(share * place[k] for share, place in zip(shares, where(h, w), strict=True)) for k in (0, 1)]
            p[b, n] = torch.tensor(shares)
            away[b, n] = (math.hypot(mean[0] - X, mean[1] - Y) ** gamma if middle else
                          sum(s * d for s, d in zip(shares, far, strict=True)) ** gamma if late else
                          sum(s * d**gamma for s, d in zip(shares, far, strict=True)))
    return p, away


MUTANTS = [
    ("3-pair", lambda *a: pixel_by_pixel(*a, there=True), "comes from"),
    ("3-pair", lambda *a: pixel_by_pixel(*a, unturned=True), "the shift of your g⁻¹"),
    ("3-pair", lambda *a: pixel_by_pixel(*a, corners=True), "align_corners=True"),
    ("3-pair", lambda *a: pixel_by_pixel(*a, points=2), "the other way"),
    ("3-pair", lambda *a: pixel_by_pixel(*a, points=3), "go back to where they came from"),
    ("3-invariance", lambda a, b: number_by_number(a, b, root=0.5), "its square is wanted"),
    ("3-invariance", lambda a, b: number_by_number(a, b, share=1 / 3), "the mean over the three numbers"),
    ("3-invariance", lambda a, b: number_by_number(a, b, power=1), "cancel"),
    ("3-invariance", lambda a, b: torch.einsum("bnd,bnd->bn", a, b), "inner product"),
    ("3-find", lambda *a: point_by_point(*a, unit=True), "normalised"),
    ("3-find", lambda *a: point_by_point(*a, late=True), "of the mean distance"),
    ("3-find", lambda *a: point_by_point(*a, middle=True), "the mean place"),
    ("3-find", lambda *a: point_by_point(*a, wide=True), "multiplied the scores"),
]
RIGHT = [("3-pair", pixel_by_pixel), ("3-invariance", number_by_number), ("3-find", point_by_point)]
