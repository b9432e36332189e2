"""Bars that keep up with a running optimisation: a few named shares as a small picture, drawn in a millisecond.

:func:`u3lab.figures.bars` is for figures that stay; this is for frames.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from u3lab import checks
from u3lab.errors import U3Error
from u3lab.figures.canvas import CARD, COLOURS, INK, PAGE

ROW, MARGIN = 34, 8  # pixels


def frame_bars(shares: Mapping[str, float], height: int, *, width: int = 200) -> Tensor:
    """Name and bar for each share in [0,1], from the top down: a picture (1,3,height,width) in [0,1].

    What does not fit into the height is left out; names that are too long are cut.

    Raises
    ------
    U3Error
        No shares, one outside [0,1], or no room for one bar.
    """
    from PIL import Image, ImageDraw, ImageFont

    checks.is_a("shares", shares, Mapping, "give a dict such as {'hen': 0.9}")
    checks.words("the names of the shares", shares)
    height, width = checks.whole("height", height), checks.whole("width", width)
    checks.room("the figure", height, width, most=PAGE)
    if height < ROW + 2 * MARGIN or width < 80:
        raise U3Error(f"{height}×{width} pixels are too few for bars; give a height from {ROW + 2 * MARGIN} and a "
                      "width from 80 on")
    sheet = Image.new("RGB", (width, height), CARD)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for row, (name, share) in enumerate(shares.items()):
        top = MARGIN + row * ROW
        share = checks.number(f"the share of {name!r}", share, 0, 1 + 1e-6)
        if top + ROW > height:
            break
        number = f"{share:.0%}"
        free = width - 2 * MARGIN - draw.textlength(number + "  ", font)
        while draw.textlength(name, font) > free:
            name = name.rstrip("…")[:-1] + "…"
        draw.text((MARGIN, top), name, INK, font)
        draw.text((width - MARGIN, top), number, INK, font, anchor="ra")
        long = round((width - 2 * MARGIN) * share)
        draw.rectangle((MARGIN, top + 18, MARGIN + long, top + 26), COLOURS[0])
    return torch.from_numpy(np.asarray(sheet).copy()).permute(2, 0, 1)[None].float() / 255
