"""Views: a picture moved by chance in ways that leave alone what it shows. What they change, nobody can cluster by."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.selfsup.views import check_moved

TURN, SHEAR, ZOOM, SHIFT = 25.0, 0.4, 0.3, 3 / 28  # degrees; a share; of the logarithm; of the side
THICKER, THINNER = 0.25, 0.25  # how often strokes become so


def digit_views(images: Tensor, generator: torch.Generator) -> Tensor:
    """White digits on black (B,3,H,W), each turned, sheared, zoomed, shifted, and with thicker or thinner strokes.

    Turns of up to ±25°, shears of up to ±0.4, sizes from e^−0.3 to e^0.3, shifts of up to ±3 of 28 pixels. The colours
    of a picture count as one grey.

    A thick and a thin 3 differ in more pixels than a 3 and an 8. Without the change of strokes, what is clustered is
    their thickness.
    """
    check_moved("digit_views", images, generator)
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
