"""Squares cut from the shipped pictures: what the course's own small networks and maps are fitted on and judged by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

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
    made = [_square(picture, size, 2 / 3, generator) for picture in map(loading.load, names) for _ in range(count)]
    return torch.cat(made)


def batches(names: Iterable[str | Path], size: int, batch_size: int, *, seed: int = 0) -> Iterator[Tensor]:
    """Batches (batch_size,3,size,size) without end: squares of these pictures (names or paths), half of them mirrored.

    A square covers between a third and all of the picture's shorter side.
    """
    batch_size, size = whole("batch_size", batch_size), whole("size", size)
    room(f"size = {size}", size, size, batch_size)
    generator = torch.Generator().manual_seed(whole("seed", seed, 0))
    pictures = [loading.load(name) for name in listed("names", names)]
    while True:
        chosen = torch.randint(len(pictures), (batch_size,), generator=generator).tolist()
        made = torch.cat([_square(pictures[k], size, 1 / 3, generator) for k in chosen])
        mirrored = torch.rand(batch_size, 1, 1, 1, generator=generator) < 0.5
        yield torch.where(mirrored, made.flip(-1), made)


def _square(picture: Tensor, size: int, least: float, generator: torch.Generator) -> Tensor:
    """A random square of a picture, with ``least`` to all of its shorter side."""
    share, down, right = torch.rand(3, generator=generator).tolist()
    side = round(min(picture.shape[-2:]) * (least + (1 - least) * share))
    top, left = (round(at * (n - side)) for at, n in zip((down, right), picture.shape[-2:], strict=True))
    return loading.resize(picture[..., top : top + side, left : left + side], size).clamp(0, 1)
