"""Three coloured discs that move on a texture, and where their middles are."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

COLOURS = torch.tensor([[0.9, 0.2, 0.15], [0.2, 0.8, 0.25], [0.2, 0.3, 0.95]])
RADIUS = 0.26  # in half sides


def discs(count: int, generator: torch.Generator, side: int = 32) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures (count,3,side,side), the same discs elsewhere on the same texture, and their middles there, (count,3,2).

    A disc that lies on another hides it. Colours vary from pair to pair, and so does the texture.
    """
    coarse = torch.rand(count, 3, side // 4, side // 4, generator=generator)
    ground = 0.25 + 0.5 * F.interpolate(coarse, size=(side, side), mode="bilinear", align_corners=False)
    shade = 0.25 * (torch.rand(count, 3, 3, generator=generator) - 0.5)
    colours = (COLOURS + shade).clamp(0, 1)
    both = []
    for _ in range(2):
        middles = 1.4 * torch.rand(count, 3, 2, generator=generator) - 0.7
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
