"""Crops of the shipped pictures: what the linear maps of this chapter are fitted on and judged by."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from u3lab import images as _images
from u3lab.errors import U3Error, at_least_one


def sources() -> tuple[list[str], list[str]]:
    """Names of the everyday pictures to fit on and of those held out: every third. No picture is in both."""
    names = _images.names("everyday")
    held_out = names[2::3]
    return [name for name in names if name not in held_out], held_out


def crops(names: Iterable[str], size: int, count: int = 8, seed: int = 0) -> Tensor:
    """``count`` random squares of each picture, (len(names)·count,3,size,size) in [0,1].

    A square covers between two thirds and all of the picture's shorter side.
    """
    at_least_one("count", count)
    generator = torch.Generator().manual_seed(seed)
    made = []
    for picture in map(_images.load, names):
        for _ in range(count):
            share, down, right = torch.rand(3, generator=generator).tolist()
            side = round(min(picture.shape[-2:]) * (2 + share) / 3)
            top, left = (round(at * (n - side)) for at, n in zip((down, right), picture.shape[-2:], strict=True))
            made.append(_images.resize(picture[..., top : top + side, left : left + side], size))
    if not made:
        raise U3Error("no pictures were named; take the names from sources() or images.names()")
    return torch.cat(made).clamp(0, 1)
