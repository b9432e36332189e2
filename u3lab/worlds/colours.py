"""The name of each pixel's colour: the nearest of eleven focal colours.

The eleven basic colour terms are those of Berlin & Kay, Basic color terms, 1969. Distance is measured in CIELAB, where
equal steps look about equal. A pixel has exactly one name; where one colour ends and the next begins is a convention.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

FOCAL = {  # in sRGB levels: what most people would show for the word, dark and light ones too where one word has both
    "black": [(15, 15, 15)], "grey": [(128, 128, 128), (85, 85, 85), (170, 170, 170)], "white": [(240, 240, 240)],
    "red": [(190, 30, 40)], "orange": [(235, 125, 35)], "yellow": [(240, 215, 60)],
    "green": [(70, 140, 60), (30, 70, 40), (150, 195, 110)], "blue": [(45, 95, 180), (25, 40, 90), (95, 180, 215)],
    "purple": [(115, 55, 140)], "pink": [(240, 155, 180)], "brown": [(110, 70, 40), (160, 110, 70)]}
NAMES = tuple(FOCAL)
_STEPS = 32  # levels of red, of green and of blue in the table


@cache
def _table() -> Tensor:
    """The number of the nearest focal colour for each of 32³ colours, (32768,) uint8."""
    from skimage.color import rgb2lab

    level = (np.arange(_STEPS) + 0.5) / _STEPS
    colours = rgb2lab(np.stack(np.meshgrid(level, level, level, indexing="ij"), -1).reshape(1, -1, 3))[0]
    number, levels = zip(*((k, one) for k, name in enumerate(NAMES) for one in FOCAL[name]), strict=True)
    distance = np.linalg.norm(colours[:, None] - rgb2lab(np.array([levels]) / 255)[0], axis=2)
    return torch.from_numpy(np.array(number, np.uint8)[distance.argmin(1)])


def colour_of(images: Tensor) -> Tensor:
    """Pictures (B,3,H,W) in [0,1] → numbers in ``NAMES`` (B,H,W)."""
    red, green, blue = (images * _STEPS).long().clamp_(0, _STEPS - 1).unbind(1)
    return _table()[(red * _STEPS + green) * _STEPS + blue]
