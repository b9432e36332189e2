"""From an array or a tensor of any layout and kind of numbers to a picture, and the check of its range."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from u3lab.checks import MAX_PIXELS, is_plain, shown
from u3lab.errors import U3Error

SLACK = 1e-4  # rounding that a value may have outside [0,1]


def from_array(x: np.ndarray | Tensor) -> Tensor:
    """One picture (1,3,H,W) float32 in [0,1], by the layouts and kinds of numbers that ``images.load`` names."""
    if isinstance(x, Tensor) and not is_plain(x):
        raise U3Error(f"{shown(x)} is no picture; give one of plain numbers")
    given = f"the {'tensor' if isinstance(x, Tensor) else 'array'} of shape {tuple(x.shape)}"
    if np.ma.is_masked(x):
        raise U3Error(f"{given} has masked values, and a picture has none; say what stands there: x.filled(0)")
    if 0 in x.shape:
        raise U3Error(f"{given} is empty; give a picture with pixels")
    values, largest = _numbers(x)
    if values.ndim == 2:
        values = values[None, None]
    if values.ndim == 4 and len(values) > 1:
        raise U3Error(f"{given} holds several pictures; load them one by one and join them with torch.cat")
    first = values.ndim in (3, 4) and values.shape[-3] in (1, 3, 4)
    last = values.ndim == 3 and values.shape[2] in (1, 3, 4)
    if first and last and isinstance(x, Tensor):
        raise U3Error(f"{given} may have its channels first or last; give it as (1,C,H,W)")
    if not (first or last):
        raise U3Error(f"{given} is not one picture; give (H,W), (H,W,3), (3,H,W) or (1,3,H,W)")
    values = values.transpose(2, 0, 1) if last else values.reshape(-1, *values.shape[-2:])
    if values.shape[1] * values.shape[2] > MAX_PIXELS:
        raise U3Error(f"{given} has over {MAX_PIXELS // 10**6} million pixels; give a part, or every second one")
    if len(values) == 1:
        values = np.broadcast_to(values, (3, *values.shape[1:]))
    made = torch.from_numpy(np.array(values, dtype=np.float32, order="C"))  # one copy, in its final order
    if largest is None:
        check_range(made)
    else:
        made.div_(largest)
    if len(made) == 4:
        alpha = made[3:]
        made = made[:3].mul_(alpha).add_(1 - alpha)  # on white paper
    return made[None]


def _numbers(x: np.ndarray | Tensor) -> tuple[np.ndarray, int | None]:
    """The values as they are, and the number that stands for white; None for floats, where that is 1."""
    if isinstance(x, Tensor):
        x = x.detach().cpu()
        x = (x.float() if x.is_floating_point() else x).numpy()
    largest = {"bool": 1, "uint8": 255, "uint16": 65535}.get(x.dtype.name)
    if largest is None and x.dtype.kind != "f":
        raise U3Error(f"the picture's values are {x.dtype}; give uint8 (0 to 255), uint16, bool or floats in [0,1]")
    return x, largest


def check_range(values: Tensor) -> None:
    """Refuse NaN, infinities and values outside [0,1]. aminmax hands a NaN on, so one pass sees everything."""
    low, high = torch.stack(torch.aminmax(values)).tolist()
    if -SLACK <= low and high <= 1 + SLACK:
        return  # the quick way out: this runs before every forward pass
    if not (math.isfinite(low) and math.isfinite(high)):
        raise U3Error("the picture has values that are NaN or infinite; look for a division by zero before this line")
    more = "divide by 255" if high <= 255 else "rescale them before this line"
    if low < 0:
        more = "if they were normalised, leave that out: the network does it by itself"
    raise U3Error(f"the picture's values go from {low:.3g} to {high:.3g}, but [0,1] is wanted; {more}")
