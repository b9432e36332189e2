"""Views: a picture moved by chance in ways that leave alone what it shows. What they change, nobody can cluster by."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.checks import floats, is_a, number

GENERATOR = "give torch.Generator().manual_seed(0)"
TURN, SHEAR, ZOOM, SHIFT = 25.0, 0.4, 0.3, 3 / 28  # degrees; a share; of the logarithm; of the side
THICKER, THINNER = 0.25, 0.25  # how often strokes become so


def digit_views(images: Tensor, generator: torch.Generator) -> Tensor:
    """White digits on black (B,3,H,W), each turned, sheared, zoomed, shifted, and with thicker or thinner strokes.

    Turns of up to ±25°, shears of up to ±0.4, sizes from e^−0.3 to e^0.3, shifts of up to ±3 of 28 pixels. The colours
    of a picture count as one grey.

    A thick and a thin 3 differ in more pixels than a 3 and an 8. Without the change of strokes, what is clustered is
    their thickness.
    """
    floats("digit_views", images)
    is_a("generator", generator, torch.Generator, GENERATOR)
    count = len(images)
    turn, shear, zoom, x, y, stroke = torch.rand(6, count, generator=generator).to(images)
    turn, zoom = (2 * turn - 1) * math.radians(TURN), ((2 * zoom - 1) * ZOOM).exp()
    shear, x, y = (2 * shear - 1) * SHEAR, (2 * x - 1) * 2 * SHIFT, (2 * y - 1) * 2 * SHIFT  # a side is 2 long
    cos, sin = turn.cos() / zoom, turn.sin() / zoom
    # From a place in the view to the place in the picture, as grid_sample asks: shear, then turn and zoom, then shift.
    rows = torch.stack([cos, shear * cos - sin, x], 1), torch.stack([sin, shear * sin + cos, y], 1)
    grey = images.mean(1, keepdim=True)
    grid = F.affine_grid(torch.stack(rows, 1), list(grey.shape), align_corners=False)
    moved = F.grid_sample(grey, grid, align_corners=False)
    thick, thin = stroke < THICKER, stroke > 1 - THINNER
    moved[thick] = F.max_pool2d(moved[thick], 3, 1, 1)
    moved[thin] = -F.max_pool2d(F.pad(-moved[thin], (0, 1, 0, 1)), 2, 1)  # the least of 2×2 pixels
    return moved.expand(-1, 3, -1, -1)


def relit(images: Tensor, generator: torch.Generator, *, most: float = 0.3) -> Tensor:
    """Pictures (B,3,H,W), each with another contrast (by up to the share ``most``) and brightness (half as much)."""
    most = _given("relit", images, generator, most, 1)
    contrast, light = (most * (2 * torch.rand(2, len(images), 1, 1, 1, generator=generator) - 1)).to(images)
    return (0.5 + (1 + contrast) * (images - 0.5) + light / 2).clamp(0, 1)


def bias_field(images: Tensor, generator: torch.Generator, *, most: float = 0.5) -> Tensor:
    """Pictures (B,3,H,W) times a smooth made field, as the coil of an MR scanner has one; each picture gets its own.

    The field is e^(most·(u − 1)), with u from −1 to 1 in each picture: two waves of half a period across it, in random
    directions. It only darkens, so that nothing becomes too bright to be told apart.
    """
    most = _given("bias_field", images, generator, most, 2)
    drawn = 2 * math.pi * torch.rand(2, 2, len(images), 1, 1, generator=generator).to(images)
    y, x = (torch.linspace(0, math.pi, side).to(images) for side in images.shape[2:])
    u = sum((angle.cos() * x + angle.sin() * y[:, None] + phase).sin() for angle, phase in drawn)
    low, high = u.amin((1, 2), keepdim=True), u.amax((1, 2), keepdim=True)
    darker = 2 * (u - high) / (high - low).clamp_min(1e-6)  # u − 1, once u goes from −1 to 1
    return images * (most * darker).exp()[:, None]


def _given(what: str, images: object, generator: object, most: object, high: float) -> float:
    floats(what, images)
    is_a("generator", generator, torch.Generator, GENERATOR)
    return number("most", most, 0, high)
