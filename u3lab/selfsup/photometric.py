"""Light: what makes pixels brighter or darker and leaves each at its place, for views of pictures to be segmented."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from u3lab.checks import number
from u3lab.selfsup.views import check_moved


def relit(images: Tensor, generator: torch.Generator, *, most: float = 0.3) -> Tensor:
    """Pictures (B,3,H,W), each with another contrast (by up to the share ``most``) and brightness (half as much)."""
    check_moved("relit", images, generator)
    most = number("most", most, 0, 1)
    contrast, light = (most * (2 * torch.rand(2, len(images), 1, 1, 1, generator=generator) - 1)).to(images)
    return (0.5 + (1 + contrast) * (images - 0.5) + light / 2).clamp(0, 1)


def bias_field(images: Tensor, generator: torch.Generator, *, most: float = 0.5) -> Tensor:
    """Pictures (B,3,H,W) times a smooth made field, as the coil of an MR scanner has one; each picture gets its own.

    The field is e^(most·(u − 1)), with u from −1 to 1 in each picture: two waves of half a period across it, in random
    directions. It only darkens, so that nothing becomes too bright to be told apart.
    """
    check_moved("bias_field", images, generator)
    most = number("most", most, 0, 2)
    drawn = 2 * math.pi * torch.rand(2, 2, len(images), 1, 1, generator=generator).to(images)
    y, x = (torch.linspace(0, math.pi, side).to(images) for side in images.shape[2:])
    u = sum((angle.cos() * x + angle.sin() * y[:, None] + phase).sin() for angle, phase in drawn)
    low, high = u.amin((1, 2), keepdim=True), u.amax((1, 2), keepdim=True)
    darker = 2 * (u - high) / (high - low).clamp_min(1e-6)  # u − 1, once u goes from −1 to 1
    return images * (most * darker).exp()[:, None]
