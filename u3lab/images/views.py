"""A picture seen a little differently at each step: shifted, nearer, farther. What survives that is in the picture."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.checks import each, floats, is_a, number, room, whole

GENERATOR = "give torch.Generator().manual_seed(0)"


def shift(images: Tensor, reach: int | Sequence[int], generator: torch.Generator) -> Tensor:
    """The pictures (B,C,H,W), or volumes, moved by up to ``reach`` pixels each way; the border is repeated.

    ``reach`` is one number, or one for each axis.
    """
    floats("shift", images, volumes=True)
    is_a("generator", generator, torch.Generator, GENERATOR)
    reaches, pads, window = each("reach", reach, images.ndim - 2, whole, low=0), [], [...]
    if not any(reaches):
        return images
    for side, most in zip(images.shape[2:], reaches, strict=True):
        by = torch.randint(0, 2 * most + 1, (), generator=generator).item() - most
        by = max(1 - side, min(side - 1, by))  # padded only where it shows: beyond the other border, all is that border
        pads = [max(-by, 0), max(by, 0), *pads]
        window.append(slice(max(by, 0), max(by, 0) + side))
    return F.pad(images, pads, mode="replicate")[tuple(window)]


def zoom(images: Tensor, most: float, generator: torch.Generator, *, sizes: int = 8) -> Tensor:
    """The pictures (B,C,H,W) made smaller or larger by up to the share ``most``, with as many more or fewer pixels.

    Only so many sizes are drawn from, evenly spaced: a network works fastest at sizes that it has met before.
    ``most`` is from 0 to 0.9.
    """
    floats("zoom", images)
    is_a("generator", generator, torch.Generator, GENERATOR)
    most, sizes = number("most", most, 0, 0.9), whole("sizes", sizes, 2)
    if most == 0:
        return images
    at = torch.randint(0, sizes, (), generator=generator).item() / (sizes - 1)
    factor = 1 + most * (2 * at - 1)
    size = [max(1, round(side * factor)) for side in images.shape[-2:]]
    room(f"most = {most}", *size, len(images))
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=factor < 1)
