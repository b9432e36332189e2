"""Painted textures with two colours: each call draws another scale, direction, place and pair of colours.

    generator = torch.Generator().manual_seed(0)
    x = paint("zigzag", 96, generator)          # (1,3,96,96) in [0,1]

They are one half of the textures of :mod:`u3course.worlds.concepts`; the other half are cut from photos. No concept may
be told by the outline of its patch, so all are pasted through the same shapes: blobs and boxes of any direction, with
soft borders.
"""

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


def _dots(u: Tensor, v: Tensor, _: torch.Generator) -> Tensor:
    return (30 * (0.3 - torch.hypot((u + 0.5 * (torch.floor(v) % 2)) % 1 - 0.5, v % 1 - 0.5))).sigmoid()


def _woven(u: Tensor, v: Tensor, _: torch.Generator) -> Tensor:
    over = ((torch.floor(u) + torch.floor(v)) % 2) > 0.5
    across, along = (torch.sin(math.pi * (t % 1)) for t in (u, v))
    return torch.where(over, across, 0.75 * along)


# How much of the second colour there is at (u, v), 1 being a period; g is a generator of random numbers.
PATTERNS: dict[str, Field] = {
    "stripes": lambda u, v, g: _wave(u),  # bands of equal width
    "waves": lambda u, v, g: _wave(u + 0.35 * torch.sin(2 * math.pi * v / 1.5)),  # bands that swing to and fro
    "zigzag": lambda u, v, g: _wave(u + ((v / 1.5) % 1 - 0.5).abs() * 2),  # bands that turn in sharp corners
    "checks": lambda u, v, g: (6 * torch.sin(2 * math.pi * u / 2) * torch.sin(2 * math.pi * v / 2)).sigmoid(),
    "dots": _dots,  # round ones in rows, every second row shifted
    "lattice":  # thin lines that cross at right angles
        lambda u, v, g: (40 * (0.08 - torch.minimum((u % 1 - 0.5).abs(), (v % 1 - 0.5).abs()))).sigmoid(),
    "woven": _woven,  # threads that go over and under each other
    "marbled":  # veins: a wave, bent by a smooth random field
        lambda u, v, g: 1 - torch.sin(math.pi * (0.6 * u + 2.5 * _smooth(u.shape, 6, g))).abs().sqrt(),
    "speckled":  # grains of two kinds, as in granite
        lambda u, v, g: (12 * (_smooth(u.shape, u.shape[-1] // 3, g) - 0.5)).sigmoid(),
    "rings": lambda u, v, g: _wave(torch.hypot(u, v))}  # circles round one centre, as in cut wood


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
    return ((first + share * (second - first)) * (0.8 + 0.4 * _smooth((size, size), 3, generator))).clamp(0, 1)[None]


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


def shape(size: int, generator: torch.Generator, *, area: float) -> Tensor:
    """How much of each pixel a random shape covers, (1,1,size,size) in [0,1]; a half of all are boxes, the rest blobs.

    ``area`` is the share of the picture that it would cover if nothing lay outside. Raises U3Error on an area that is
    not between 0 and 1, or a size over 2048.
    """
    size = whole("size", size, 1, SIDE)
    chosen, down, right, turn, feather = torch.rand(5, generator=generator).tolist()
    if not 0 < area < 1:
        raise U3Error(f"area is {area}; give a share of the picture between 0 and 1")
    y, x = torch.meshgrid(*(torch.arange(size) / size - 0.15 - 0.7 * at for at in (down, right)), indexing="ij")
    angle = 2 * math.pi * turn
    u, v = x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle)
    inside = _box(u, v, area, generator) if chosen < 0.5 else _blob(u, v, area, generator)
    soft = (0.5 + 2 * feather) / size  # width of the border, half a pixel to two and a half
    return (0.5 + inside / soft).clamp(0, 1)[None, None]


def _box(u: Tensor, v: Tensor, area: float, generator: torch.Generator) -> Tensor:
    """Distance to the border of a rectangle (inside: positive), whose sides are as 1 to 1 … 2.5."""
    ratio = 1 + 1.5 * float(torch.rand((), generator=generator))
    half = math.sqrt(area / ratio) / 2
    return torch.minimum(half - v.abs(), half * ratio - u.abs())


def _blob(u: Tensor, v: Tensor, area: float, generator: torch.Generator) -> Tensor:
    """About the distance to a closed curve whose radius swings around a mean with the angle."""
    theta, radius = torch.atan2(v, u), torch.ones_like(u)
    square = 1.0  # mean of radius², which the area is proportional to
    for waves in (2, 3, 4, 5):
        strength, phase = torch.rand(2, generator=generator).tolist()
        strength = 0.35 * strength / math.sqrt(waves)
        radius = radius + strength * torch.cos(waves * theta + 2 * math.pi * phase)
        square += strength**2 / 2
    return math.sqrt(area / math.pi / square) * radius - torch.hypot(u, v)
