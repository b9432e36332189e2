"""A thing of three coloured discs that moves and bends on a texture, and where the middles of its discs are."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

COLOURS = torch.tensor([[0.9, 0.2, 0.15], [0.2, 0.8, 0.25], [0.2, 0.3, 0.95]])
RADIUS = 0.22  # in half sides
CORNERS = torch.tensor([0.0, 2.1, 4.2])  # of a triangle, as angles
FAR = 0.38  # from its middle


def discs(count: int, generator: torch.Generator, side: int = 32) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures (count,3,side,side), the same thing elsewhere on the same texture, and its discs there, (count,3,2).

    The discs are the corners of a triangle that is moved, turned by any angle, and bent, each corner a little. Their
    colours vary from pair to pair, and so does the texture.
    """
    coarse = torch.rand(count, 3, side // 4, side // 4, generator=generator)
    ground = 0.25 + 0.5 * F.interpolate(coarse, size=(side, side), mode="bilinear", align_corners=False)
    shade = 0.25 * (torch.rand(count, 3, 3, generator=generator) - 0.5)
    colours = (COLOURS + shade).clamp(0, 1)
    both = []
    for _ in range(2):
        angle = CORNERS + 2 * torch.pi * torch.rand(count, 1, generator=generator)
        corners = FAR * torch.stack([angle.cos(), angle.sin()], -1)
        moved, bent = (2 * torch.rand(count, n, 2, generator=generator) - 1 for n in (1, 3))
        middles = corners + 0.35 * moved + 0.12 * bent
        both.append((drawn(ground, middles, colours), middles))
    return both[0][0], both[1][0], both[1][1]


def drawn(ground: Tensor, middles: Tensor, colours: Tensor) -> Tensor:
    side = ground.shape[-1]
    axis = (2 * torch.arange(side) + 1) / side - 1
    made = ground
    for k in range(middles.shape[1]):
        x, y = middles[:, k, 0, None, None], middles[:, k, 1, None, None]
        off = ((axis - x) ** 2 + (axis[:, None] - y) ** 2).sqrt()
        alpha = (0.5 + (RADIUS - off) * side / 2).clamp(0, 1)[:, None]
        made = made * (1 - alpha) + alpha * colours[:, k, :, None, None]
    return made


def pairs(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Sources and targets."""
    return discs(count, generator)[:2]
