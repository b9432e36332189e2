"""Shapes that textures are pasted through: blobs and boxes of any direction, with soft borders.

No concept may be told by the outline of its patch, so all concepts are pasted through the same kinds of shape.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from u3lab.checks import SIDE, whole
from u3lab.errors import U3Error


def shape(size: int, generator: torch.Generator, *, area: float | None = None) -> Tensor:
    """How much of each pixel a random shape covers, (1,1,size,size) in [0,1]; a half of all are boxes, the rest blobs.

    Parameters
    ----------
    area
        Share of the picture that it would cover if nothing lay outside; by default between 0.04 and 0.35.

    Raises
    ------
    U3Error
        An area that is not between 0 and 1, or a size over 2048.
    """
    size = whole("size", size, 1, SIDE)
    chosen, down, right, turn, feather = torch.rand(5, generator=generator).tolist()
    area = 0.04 + 0.31 * float(torch.rand((), generator=generator)) if area is None else area
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
