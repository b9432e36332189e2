"""Lightness and colour apart: CIE Lab, in which equal distances look about equally far, and a grid of its colours.

L goes from 0 (black) to 100 (white), a from green to red and b from blue to yellow, both 0 for greys. From sRGB, under
daylight (D65), as the standards have it: IEC 61966-2-1 and CIE 15.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from u3lab.checks import number, tensors
from u3lab.errors import U3Error

XYZ_OF_RGB = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
WHITE = (0.95047, 1.0, 1.08883)
LOW = 6 / 29  # below this value of f, and its cube of t, f(t) is a straight line
STRAIGHT = (3 * LOW**2, 4 / 29)
STEPS = 4, 100  # the least and the greatest step: at 4 there are 1492 bins, at 1 they would fill the memory
LEVELS = 256  # of each channel of a picture's file
GREY = 5.0  # colours nearer to a = b = 0 than this look grey


def rgb_to_lab(images: Tensor) -> Tensor:
    """Pictures (B,3,H,W) in [0,1] → L in [0,100], a and b, (B,3,H,W); with a gradient everywhere."""
    tensors(images=(images, "B3HW"))
    low = images <= 0.04045
    linear = torch.where(low, images / 12.92, ((torch.where(low, 1.0, images) + 0.055) / 1.055) ** 2.4)
    t = _mixed(XYZ_OF_RGB, linear) / _column(WHITE, linear)
    low = t <= LOW**3  # the root has no slope at 0, so that it must not see what is low, not even in vain
    x, y, z = torch.where(low, t / STRAIGHT[0] + STRAIGHT[1], torch.where(low, 1.0, t) ** (1 / 3)).unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def lab_to_rgb(lab: Tensor) -> Tensor:
    """L, a, b (B,3,H,W) → pictures; what no screen can show lies outside [0,1], and is not cut off."""
    tensors(lab=(lab, "B3HW"))
    lightness, a, b = lab.unbind(1)
    y = (lightness + 16) / 116
    f = torch.stack([y + a / 500, y, y - b / 200], 1)
    t = torch.where(f <= LOW, STRAIGHT[0] * (f - STRAIGHT[1]), f**3)
    inverse = torch.linalg.inv(torch.tensor(XYZ_OF_RGB, dtype=torch.float64)).tolist()
    linear = _mixed(inverse, t * _column(WHITE, t))
    low = linear <= 0.0031308
    return torch.where(low, 12.92 * linear, 1.055 * torch.where(low, 1.0, linear) ** (1 / 2.4) - 0.055)


def bins(step: float = 10.0) -> Tensor:
    """The points (Q,2) of a grid over (a, b), those that are the nearest one to a colour that a screen can show.

    261 of a step of 10. The list that came with Zhang, Isola & Efros has 313: it goes on for about a step beyond.
    """
    return _bins(number("step", step, *STEPS))


@functools.cache
def _bins(step: float) -> Tensor:
    at = torch.linspace(0, 1, LEVELS, dtype=torch.float64)
    one, two = (side.flatten() for side in torch.meshgrid(at, at, indexing="ij"))
    # Along a line of constant a and b, with L rising, a colour leaves the cube of RGB through one of its six faces: so
    # the faces have all (a, b) that there are.
    faces = [torch.stack([one, two, torch.full_like(one, end)], 1).roll(turn, 1) for end in (0, 1) for turn in range(3)]
    lab = rgb_to_lab(torch.cat(faces)[:, :, None, None])[:, :, 0, 0]
    row, column = (lab[:, 1:] / step).round().long().unbind(1)
    found = (row * LEVELS + column).unique()  # one number for both sorts faster than rows; LEVELS is more than columns
    row = torch.div(found + LEVELS // 2, LEVELS, rounding_mode="floor")
    return torch.stack([row, found - row * LEVELS], 1).float() * step


def colours(images: Tensor) -> tuple[Tensor, Tensor]:
    """Pictures (B,3,H,W) in [0,1] → their lightness in three equal channels, in [0,1], and a and b (B,2,H,W).

    Raises:
        U3Error: If not one of them has a colour.
    """
    lab = rgb_to_lab(images)
    ab = lab[:, 1:]
    if not (ab.square().sum(1) > GREY**2).any():
        raise U3Error("these pictures are grey, so that there is no colour to learn from; give some in colour")
    return (lab[:, :1] / 100).clamp(0, 1).expand(-1, 3, -1, -1), ab  # white is 100.00001 by rounding


def _mixed(matrix: tuple | list, x: Tensor) -> Tensor:
    return torch.einsum("ij,bjhw->bihw", torch.tensor(matrix, dtype=x.dtype, device=x.device), x)


def _column(values: tuple[float, ...], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device).view(1, -1, 1, 1)
