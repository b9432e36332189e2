"""Squares cut from the shipped pictures: what the course's own small networks and maps are fitted on and judged by."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from u3lab.checks import listed, room, whole
from u3lab.images import loading, shipped


def sources() -> tuple[list[str], list[str]]:
    """Names of the everyday pictures to fit on and of those held out: every third. No picture is in both."""
    names = shipped.names("everyday")
    held_out = names[2::3]
    return [name for name in names if name not in held_out], held_out


def crops(names: Iterable[str], size: int, *, count: int = 8, seed: int = 0) -> Tensor:
    """``count`` random squares of each picture, (len(names)·count,3,size,size) in [0,1]: at most 50 million pixels.

    A square covers between two thirds and all of the picture's shorter side.
    """
    names, count, size = listed("names", names), whole("count", count), whole("size", size)
    room(f"size = {size}", size, size, len(names) * count)
    generator = torch.Generator().manual_seed(whole("seed", seed, 0))
    made = [_square(picture, size, generator) for picture in map(loading.load, names) for _ in range(count)]
    return torch.cat(made)


def _square(picture: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """A random square of a picture, with two thirds to all of its shorter side."""
    share, down, right = torch.rand(3, generator=generator).tolist()
    side = round(min(picture.shape[-2:]) * (2 / 3 + (1 - 2 / 3) * share))
    top, left = (round(at * (n - side)) for at, n in zip((down, right), picture.shape[-2:], strict=True))
    return loading.resize(picture[..., top : top + side, left : left + side], size).clamp(0, 1)
