"""A picture seen a little differently at each step: shifted, nearer, farther. What survives that is in the picture."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.checks import floats, is_a, number, room, whole

GENERATOR = "give torch.Generator().manual_seed(0)"


def shift(images: Tensor, reach: int, generator: torch.Generator) -> Tensor:
    """The pictures (B,C,H,W) moved by up to ``reach`` pixels each way; the border is repeated."""
    floats("shift", images)
    is_a("generator", generator, torch.Generator, GENERATOR)
    if whole("reach", reach, 0) == 0:
        return images
    by = [n - reach for n in torch.randint(0, 2 * reach + 1, (2,), generator=generator).tolist()]
    height, width = images.shape[-2:]
    # Padded only where it shows: beyond the other border, all is that border.
    dy, dx = (max(1 - side, min(side - 1, n)) for side, n in zip((height, width), by, strict=True))
    padded = F.pad(images, (max(-dx, 0), max(dx, 0), max(-dy, 0), max(dy, 0)), mode="replicate")
    return padded[..., max(dy, 0) : max(dy, 0) + height, max(dx, 0) : max(dx, 0) + width]


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
