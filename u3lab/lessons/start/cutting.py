"""Pictures cut into parts: shuffled, mirrored each in its place, or only some of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from u3lab.errors import U3Error

SIDE = 240  # pixels: 2, 3, 4, 5, 6, 8, 10 and 12 divide it
GREY = 0.5


def cut(x: Tensor, n: int) -> Tensor:
    """Pictures (B,3,S,S) as n×n square parts, row by row: (B,n²,3,S/n,S/n)."""
    if n < 1 or x.shape[-1] % n or x.shape[-2] != x.shape[-1]:
        raise U3Error(f"pictures of {x.shape[-2]}×{x.shape[-1]} pixels cannot be cut into {n}×{n} squares; "
                      f"give squares whose side {n} divides, as {SIDE} does for 2, 3, 4, 6 and 8")
    side = x.shape[-1] // n
    return x.unfold(2, side, side).unfold(3, side, side).flatten(2, 3).transpose(1, 2)


def joined(parts: Tensor) -> Tensor:
    """Parts (B,n²,3,s,s), row by row, as pictures (B,3,n·s,n·s)."""
    n, side = round(parts.shape[1] ** 0.5), parts.shape[-1]
    grid = parts.unflatten(1, (n, n)).permute(0, 3, 1, 4, 2, 5)
    return grid.reshape(len(parts), parts.shape[2], n * side, n * side)


def shuffled(x: Tensor, n: int, *, seed: int = 0) -> Tensor:
    """Every part is there, and its neighbours are others; all pictures are shuffled alike."""
    order = torch.randperm(n * n, generator=torch.Generator().manual_seed(seed))
    return joined(cut(x, n)[:, order])


def mirrored(x: Tensor, n: int) -> Tensor:
    """Every part is in its place, and mirrored: as many seams as in :func:`shuffled`, and the same arrangement."""
    return joined(cut(x, n).flip(-1))


def alone(x: Tensor, n: int, some: Sequence[int], *, rest: Tensor | None = None) -> Tensor:
    """Some of the parts, by their numbers, in their places; in those of the others grey, or what ``rest`` has there."""
    parts, some = cut(x, n), list(some)
    left = torch.full_like(parts, GREY) if rest is None else cut(rest, n).clone()
    left[:, some] = parts[:, some]
    return joined(left)


def repeated(x: Tensor, n: int, k: int) -> Tensor:
    """Part k in every place: nothing but this part is there, as large as it was."""
    return joined(cut(x, n)[:, [k] * n * n])
