"""Small pictures of notebook 02b, each of CELL × CELL pixels: a picture, a sound, a spectrum, a few frames in one.

They are drawn with Pillow alone, so that a sheet of them follows a slider.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from u3lab.figures import COLOURS, canvas
from u3lab.lessons.selfsup.toys import SIDE, Toy

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

ZOOM = 3
CELL = ZOOM * SIDE
PRESSED, DRAWN = COLOURS[:2]  # air of more and of less than its usual pressure
FAINT = "#c9c9c4"


@cache
def font(size: int, bold: bool = False) -> FreeTypeFont:
    """The type of all words."""
    from matplotlib.font_manager import FontProperties, findfont
    from PIL import ImageFont

    return ImageFont.truetype(findfont(FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")), size)


def outcome(toy: Toy, y: Tensor) -> Image:
    """What a toy asks for: a picture or a sound (1,S)."""
    return waves([y[0]]) if toy.name == "sound" else image(y)


def image(levels: Tensor) -> Image:
    """A picture (1 or 3,H,W), its pixels as squares; a narrow one is the right half, and the left is hatched."""
    from PIL import Image as images
    from PIL import ImageDraw

    rgb = levels.detach().clamp(0, 1).expand(3, -1, -1).permute(1, 2, 0).mul(255).round().byte().numpy()
    small = images.fromarray(np.ascontiguousarray(rgb)).resize((rgb.shape[1] * ZOOM, rgb.shape[0] * ZOOM), 0)
    panel = images.new("RGB", (CELL, CELL), canvas.CARD)
    if small.width < CELL:
        pen = ImageDraw.Draw(panel)
        for start in range(-CELL, CELL, 8):
            pen.line((start, CELL, start + CELL, 0), FAINT)
    panel.paste(small, (CELL - small.width, 0))
    return panel


def strobe(frames: Tensor) -> Image:
    """Three frames in one: the ball is numbered in the order of the frames, and darker in the earlier ones."""
    from PIL import ImageDraw

    panel = image((frames * torch.linspace(0.45, 0.8, len(frames))[:, None, None]).amax(0, keepdim=True))
    pen = ImageDraw.Draw(panel)
    for number, one in enumerate(frames, 1):
        rows, columns = one.nonzero().float().mean(0).tolist()
        above = -1 if number % 2 else 1  # balls of one height overlap
        pen.text(((columns + 0.5) * ZOOM, (rows + 0.5 + above * 4.4) * ZOOM), str(number), "white", font(11), "mm")
    return panel


def waves(lines: list[Tensor], band: bool = False) -> Image:
    """A curve of numbers in [−1.2, 1.2] over the time, filled up to zero; or the band between two.

    Air that is pressed has one colour, air that is drawn another, so that a sound and its negative can be told apart.
    """
    from PIL import Image as images
    from PIL import ImageDraw

    big = 4 * CELL  # drawn larger, for smooth lines
    panel = images.new("RGB", (big, big), "white")
    pen = ImageDraw.Draw(panel)
    across = np.linspace(0, big, len(lines[0]))
    paths = [list(zip(across, big / 2 * (1 - line.clamp(-1.2, 1.2).numpy() / 1.2), strict=True)) for line in lines]
    if band:
        pen.polygon([*paths[0], *paths[1][::-1]], "#8a8a85")
    else:
        for colour, keep in ((PRESSED, min), (DRAWN, max)):
            path = [(x, keep(y, big / 2)) for x, y in paths[0]]
            pen.polygon([(0, big / 2), *path, (big, big / 2)], colour)
            pen.line(path, colour, 5, "curve")
    pen.line((0, big // 2, big, big // 2), FAINT, 4)
    return panel.resize((CELL, CELL), images.Resampling.BOX)


def bars(heights: Tensor) -> Image:
    """The low half of a spectrum, each frequency a bar; full height is an amplitude of 0.4."""
    from PIL import Image as images
    from PIL import ImageDraw

    panel = images.new("RGB", (CELL, CELL), "white")
    pen = ImageDraw.Draw(panel)
    for place, height in enumerate(heights[:CELL // 3].clamp(0, 0.4).tolist()):
        pen.rectangle((3 * place, CELL - 1 - round(height / 0.4 * (CELL - 4)), 3 * place + 1, CELL), COLOURS[0])
    return panel
