"""Small pictures of numbers, drawn in a millisecond: bars that keep up with a running optimisation, and the scale of a
map's colours. :func:`u3lab.figures.bars` is for figures that stay; these stand beside pictures.
"""

from collections.abc import Mapping

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from u3lab import checks
from u3lab.errors import U3Error
from u3lab.figures.canvas import CARD, COLOURS, INK, PAGE
from u3lab.pixels import heat

ROW, MARGIN = 34, 8  # pixels


def frame_bars(shares: Mapping[str, float], height: int, *, width: int = 200) -> Tensor:
    """Name and bar for each share in [0,1], from the top down: a picture (1,3,height,width) in [0,1].

    What does not fit into the height is left out; names that are too long are cut.

    Raises:
        U3Error: No shares, one outside [0,1], or no room for one bar.
    """
    checks.is_a("shares", shares, Mapping, "give a dict such as {'hen': 0.9}")
    checks.words("the names of the shares", shares)
    sheet = _sheet("bars", height, width, ROW + 2 * MARGIN, 80)
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


def scale_bar(scale: float, height: int, *, signed: bool = False, width: int = 76) -> Tensor:
    """The colours of :func:`u3lab.pixels.heat` with their numbers, from ``scale`` on top down to 0, or to −``scale``.

    A picture (1,3,height,width) in [0,1] to stand beside maps that were coloured with the same ``scale``.

    Raises:
        U3Error: A scale that is not positive, or no room for three numbers.
    """
    scale = checks.number("scale", scale, 0, without_low=True)
    sheet = _sheet("a scale", height, width, 3 * ROW, 60)
    long = height - 4 * MARGIN
    values = torch.linspace(scale, -scale if signed else 0, long)[:, None].expand(-1, 16)
    colours = (heat(values, signed=signed, scale=scale)[0].permute(1, 2, 0) * 255).round().byte().numpy()
    sheet.paste(Image.fromarray(colours), (MARGIN, 2 * MARGIN))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for place, value in ((0.0, scale), (0.5, 0.0 if signed else scale / 2), (1.0, -scale if signed else 0.0)):
        at = (MARGIN + 22, 2 * MARGIN + round(place * (long - 1)))
        draw.text(at, f"{value:.2g}", INK, font, anchor="lm")  # this font has no true minus
    return torch.from_numpy(np.asarray(sheet).copy()).permute(2, 0, 1)[None].float() / 255


def _sheet(what: str, height: int, width: int, least_height: int, least_width: int) -> Image.Image:
    height, width = checks.whole("height", height), checks.whole("width", width)
    checks.room("the figure", height, width, most=PAGE)
    if height < least_height or width < least_width:
        raise U3Error(f"{height}×{width} pixels are too few for {what}; give {least_height}×{least_width} or more")
    return Image.new("RGB", (width, height), CARD)
