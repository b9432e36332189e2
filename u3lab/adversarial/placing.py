"""Putting a patch on a picture: anywhere, at any size and angle, so that gradients reach the patch."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab import images as _images
from u3lab.adversarial.quantisation import quantise
from u3lab.checks import SIDE, is_plain, number, one_of, whole
from u3lab.errors import U3Error

SHAPES = ("round", "square")


class Placement(NamedTuple):
    """Where a patch goes on each of B pictures: centre as shares of width and height, size, degrees; each (B,)."""

    x: Tensor
    y: Tensor
    scale: Tensor
    angle: Tensor


def apply_patch(images: Tensor, patch: Tensor, x: float | Tensor, y: float | Tensor, scale: float | Tensor, *,
                angle: float | Tensor = 0.0, shape: str = "round") -> Tensor:
    """A(p, x, t): pictures with the patch on them; differentiable in both.

    Args:
        images: (B,3,H,W) in [0,1].
        patch: (1,3,h,w) in [0,1], seen as a square whatever h and w; of a "round" one only the disc in it is used.
        x, y: Centre of the patch as shares of the width from the left and of the height from the top, in [0,1].
        scale: Its side or diameter as a share of the picture's shorter side, over 0 and up to 2.
        angle: Degrees, counter-clockwise.
        shape: "round" or "square".
        x, y, scale and angle are numbers, or tensors (B,) with one for each picture.
    """
    one_of("shape", shape, SHAPES)
    if len(_images.check(patch)) != 1:
        raise U3Error(f"one patch at a time: got {len(patch)}; use patch[:1]")
    count, _, height, width = _images.check(images).shape
    x, y = _numbers("x", x, count, 0, 1), _numbers("y", y, count, 0, 1)
    radius = _numbers("scale", scale, count, 1e-3, 2) * min(height, width) / 2
    turn = _numbers("angle", angle, count, -360, 360).deg2rad()
    # Each pixel's middle in the frame of the patch: (0,0) is its centre, ±1 are its edges.
    across = (torch.arange(width) + 0.5 - x * width) / radius
    down = (torch.arange(height)[:, None] + 0.5 - y * height) / radius
    u = across * turn.cos() - down * turn.sin()
    v = across * turn.sin() + down * turn.cos()
    away = (u**2 + v**2).sqrt() if shape == "round" else torch.maximum(u.abs(), v.abs())
    cover = ((1 - away) * radius + 0.5).clamp(0, 1)[:, None].to(images)  # the edge is one pixel wide
    grid = torch.stack([u, v], -1).to(images)
    patch = patch.to(images).expand(count, -1, -1, -1)
    return (1 - cover) * images + cover * F.grid_sample(patch, grid, padding_mode="border", align_corners=False)


def _numbers(name: str, value: float | Tensor, count: int, low: float, high: float) -> Tensor:
    """One number, or one a picture, as (count,1,1), checked against its range."""
    if not is_plain(value):
        value = torch.tensor(number(name, value, low, high), dtype=torch.float64)
    values = value.detach().double().cpu().flatten()
    if len(values) not in (1, count):
        raise U3Error(f"{name} has {len(values)} values for {count} pictures; give one number, or one for each")
    if not ((values >= low) & (values <= high)).all():
        raise U3Error(f"{name} = {value}; give numbers from {low} to {high}")
    return values.expand(count).view(-1, 1, 1)


def placements(count: int, smallest: float, largest: float, turn: float, generator: torch.Generator) -> Placement:
    """Placements drawn at random: size in [smallest, largest], angle within ±turn, the whole patch on the picture.

    Centres are drawn for square pictures; a turned square's corners may stick out.
    """
    if smallest > largest:
        raise U3Error(f"the smallest size {smallest} is over the largest {largest}; turn one of the two")
    x, y, scale, angle = torch.rand(4, count, generator=generator, dtype=torch.float64)
    scale = smallest + (largest - smallest) * scale
    return Placement(scale / 2 + (1 - scale) * x, scale / 2 + (1 - scale) * y, scale, turn * (2 * angle - 1))


def cut_out(patch: Tensor, *, shape: str = "round", size: int | None = None) -> Tensor:
    """The patch (1,3,size,size) as it is printed: on whole levels, on white paper. ``size`` in pixels, up to 2048."""
    side = _images.check(patch).shape[-1]
    size = whole("size", side if size is None else size, 1, SIDE)
    return quantise(apply_patch(torch.ones(1, 3, size, size, device=patch.device), patch, 0.5, 0.5, 1.0, shape=shape))
