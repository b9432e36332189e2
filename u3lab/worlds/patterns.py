"""Painted textures with two colours: each call draws another scale, direction, place and pair of colours.

    generator = torch.Generator().manual_seed(0)
    x = paint("zigzag", 96, generator)          # (1,3,96,96) in [0,1]

They are one half of the textures of :mod:`u3lab.worlds.concepts`; the other half are cut from photos.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.checks import SIDE, whole
from u3lab.errors import U3Error

Field = Callable[[Tensor, Tensor, torch.Generator], Tensor]


def _wave(t: Tensor) -> Tensor:
    """0 … 1 … 0 with period 1, edges a little soft: a square wave as a printer makes it."""
    return (4 * torch.sin(2 * math.pi * t)).sigmoid()


def stripes(u: Tensor, v: Tensor, generator: torch.Generator) -> Tensor:
    """Bands of equal width."""
    return _wave(u)


def waves(u: Tensor, v: Tensor, generator: torch.Generator) -> Tensor:
    """Bands that swing to and fro."""
    return _wave(u + 0.35 * torch.sin(2 * math.pi * v / 1.5))


def zigzag(u: Tensor, v: Tensor, generator: torch.Generator) -> Tensor:
    """Bands that turn in sharp corners."""
    return _wave(u + ((v / 1.5) % 1 - 0.5).abs() * 2)


def checks(u: Tensor, v: Tensor, generator: torch.Generator) -> Tensor:
    """A chess board."""
    return (6 * torch.sin(2 * math.pi * u / 2) * torch.sin(2 * math.pi * v / 2)).sigmoid()


def dots(u: Tensor, v: Tensor, generator: torch.Generator) -> Tensor:
    """Round dots in rows, every second row shifted."""
    shifted = u + 0.5 * (torch.floor(v) % 2)
    distance = torch.hypot(shifted % 1 - 0.5, v % 1 - 0.5)
    return (30 * (0.3 - distance)).sigmoid()


def lattice(u: Tensor, v: Tensor, generator: torch.Generator) -> Tensor:
    """Thin lines that cross at right angles."""
    line = torch.minimum((u % 1 - 0.5).abs(), (v % 1 - 0.5).abs())
    return (40 * (0.08 - line)).sigmoid()


def woven(u: Tensor, v: Tensor, generator: torch.Generator) -> Tensor:
    """Threads that go over and under each other."""
    over = ((torch.floor(u) + torch.floor(v)) % 2) > 0.5
    across, along = (torch.sin(math.pi * (t % 1)) for t in (u, v))
    return torch.where(over, across, 0.75 * along)


def marbled(u: Tensor, v: Tensor, generator: torch.Generator) -> Tensor:
    """Veins: a wave, bent by a smooth random field."""
    bend = _smooth(u.shape, 6, generator)
    return 1 - torch.sin(math.pi * (0.6 * u + 2.5 * bend)).abs().sqrt()


def speckled(u: Tensor, v: Tensor, generator: torch.Generator) -> Tensor:
    """Grains of two kinds, as in granite."""
    return (12 * (_smooth(u.shape, u.shape[-1] // 3, generator) - 0.5)).sigmoid()


def rings(u: Tensor, v: Tensor, generator: torch.Generator) -> Tensor:
    """Circles round one centre, as in cut wood."""
    return _wave(torch.hypot(u, v))


PATTERNS: dict[str, Field] = {one.__name__: one for one in (
    stripes, waves, zigzag, checks, dots, lattice, woven, marbled, speckled, rings)}


def paint(name: str, size: int, generator: torch.Generator) -> Tensor:
    """One example of a pattern, (1,3,size,size) in [0,1]; ``size`` is at most 2048.

    A period is between 8 and 28 pixels at 227 px, and shrinks with the size. Light falls on it unevenly, as in a photo.
    """
    if name not in PATTERNS:
        raise U3Error(f"there is no pattern {name!r}; choose one of {', '.join(PATTERNS)}")
    size = whole("size", size, 1, SIDE)
    angle, x0, y0 = (2 * math.pi * torch.rand(3, generator=generator)).tolist()
    period = (8 + 20 * float(torch.rand((), generator=generator))) * size / 227
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    x, y = (x - size / 2) / period, (y - size / 2) / period
    u, v = x * math.cos(angle) - y * math.sin(angle) + x0, x * math.sin(angle) + y * math.cos(angle) + y0
    share = PATTERNS[name](u, v, generator)
    first, second = _two_colours(generator)
    light = 0.8 + 0.4 * _smooth((size, size), 3, generator)
    return ((first + share * (second - first)) * light).clamp(0, 1)[None]


def _two_colours(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two colours (3,1,1) that differ by at least 0.35 in brightness; mostly dull, as things are."""
    while True:
        brightness = torch.rand(2, generator=generator)
        if (brightness[0] - brightness[1]).abs() > 0.35:
            break
    tint = 0.18 * torch.randn(2, 3, generator=generator)
    both = (brightness[:, None] + tint - tint.mean(1, keepdim=True)).clamp(0.02, 0.98)
    return both[0].view(3, 1, 1), both[1].view(3, 1, 1)


def _smooth(size: tuple[int, int], cells: int, generator: torch.Generator) -> Tensor:
    """A random field with values from 0 to 1 that changes over size/cells pixels."""
    coarse = torch.rand(1, 1, max(2, cells), max(2, cells), generator=generator)
    return F.interpolate(coarse, size=tuple(size), mode="bicubic", align_corners=True)[0, 0].clamp(0, 1)
