"""A picture seen a little differently at each step: shifted, nearer, farther. What survives that is in the picture."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def shift(images: Tensor, reach: int, generator: torch.Generator) -> Tensor:
    """The pictures moved by up to ``reach`` pixels each way; the border is repeated."""
    if reach == 0:
        return images
    dy, dx = torch.randint(0, 2 * reach + 1, (2,), generator=generator).tolist()
    height, width = images.shape[-2:]
    return F.pad(images, (reach,) * 4, mode="replicate")[..., dy : dy + height, dx : dx + width]


def zoom(images: Tensor, most: float, generator: torch.Generator, *, sizes: int = 8) -> Tensor:
    """The pictures (B,C,H,W) made smaller or larger by up to the share ``most``, with as many more or fewer pixels.

    Only so many sizes are drawn from, evenly spaced: a network works fastest at sizes that it has met before.
    """
    if most == 0:
        return images
    at = torch.randint(0, sizes, (), generator=generator).item() / (sizes - 1)
    factor = 1 + most * (2 * at - 1)
    size = [round(side * factor) for side in images.shape[-2:]]
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=factor < 1)
