"""What only the notebook of saliency maps draws: arrows at a ReLU, the outline of a thing, a map's strongest pixels."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from u3course.lessons.saliency.hitting import ranks
from u3lab import pixels

INK, FOR, AGAINST, LOST = "#333333", "#b2182b", "#2166ac", "#bbbbbb"
WIDE, HIGH, ROW, LONG = 560, 90, 52, 50  # the sheet, its first part, a row, and an arrow's length for a signal of 1
LEFT, MIDDLE, RIGHT = 220, 350, 480


def units(sent: Callable[[Tensor, Tensor], Mapping[str, Tensor]], x: float, p: float, said: str) -> tuple[Tensor, str]:
    """Two units side by side, with the inputs x and −x, and what they send on if p comes back: a picture and words."""
    backs = [(value, {name: float(signal) for name, signal in sent(torch.tensor([value]), torch.tensor([p])).items()})
             for value in (x, -x)]
    return torch.cat([arrows(value, p, back) for value, back in backs], -1), "sent on at " + " · ".join(
        f"x = {value:.1f}: " + ", ".join(f"{name} {signal:.1f}" for name, signal in back.items())
        for value, back in backs) + f" · {said}"


def arrows(x: float, p: float, back: Mapping[str, float]) -> Tensor:
    """One ReLU as a picture (1,3,H,560): x forward, the signal p that comes back, and what each rule passes on."""
    sheet = Image.new("RGB", (WIDE, HIGH + ROW * len(back) + 16), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(18)
    draw.text((20, 42), "forward", INK, font, anchor="lm")
    draw.text((MIDDLE, 42), "ReLU", INK, font, anchor="mm")
    draw.rounded_rectangle((MIDDLE - 40, 20, MIDDLE + 40, 64), 8, outline=INK, width=2)
    for middle, value, name in ((LEFT, x, "x"), (RIGHT, max(x, 0.0), "y")):
        _arrow(draw, middle, 42, value, 1)
        draw.text((middle, 70), f"{name} = {value:.1f}", INK, font, anchor="mm")
    for row, (name, value) in enumerate(back.items()):
        y = HIGH + ROW * row + 30
        draw.text((20, y), name, INK, font, anchor="lm")
        for middle, sent in ((RIGHT, p), (LEFT, value)):
            _arrow(draw, middle, y - 8, sent, -1)
            draw.text((middle, y + 12), f"{sent:.1f}" if sent else "nothing", INK if sent else LOST, font, anchor="mm")
    return torch.from_numpy(np.asarray(sheet).copy()).permute(2, 0, 1)[None].float() / 255


def _arrow(draw: ImageDraw.ImageDraw, middle: int, y: int, value: float, way: int) -> None:
    """An arrow along its way, 1 to the right; the longer the larger the value, blue below 0, none for 0."""
    if half := round(LONG * abs(value) / 2):
        colour, tip = (FOR if value > 0 else AGAINST), middle + way * half
        draw.line((middle - way * half, y, tip, y), colour, 5)
        draw.polygon([(tip + way * 12, y), (tip, y - 9), (tip, y + 9)], colour)


def outline(picture: Tensor, where: Tensor, colour: tuple[float, float, float] = (0.0, 0.9, 1.0)) -> Tensor:
    """The picture (1,3,H,W) with a line three pixels wide around where (1,1,H,W), and a dark one outside of it."""
    out, wider = (F.max_pool2d(where.float(), side, 1, side // 2) for side in (5, 7))
    line = out - (1 - F.max_pool2d(1 - where.float(), 3, 1, 1))
    return picture * (1 - line) * (1 + out - wider) + torch.tensor(colour).view(1, 3, 1, 1) * line


def strongest(heat: Tensor, where: Tensor) -> Tensor:
    """A map's strongest pixels (1,1,H,W), as many as the thing has, as 0 and 1."""
    least = heat.flatten().sort(descending=True).values[int(where.sum()) - 1]
    return (heat >= least).float()


def marked(picture: Tensor, heat: Tensor, where: Tensor, wide: int = 1) -> Tensor:
    """The greyed picture with a map's strongest pixels in yellow, ``wide`` pixels each, and the thing's outline."""
    dots = F.max_pool2d(strongest(heat, where), wide, 1, wide // 2)
    return outline(pixels.overlay(picture, dots, scale=1.0), where)


def order(a: Tensor, b: Tensor, cells: int = 45) -> Tensor:
    """How many pixels have which ranks, across in one map, up in the other: for the same order a diagonal."""
    return F.interpolate(pixels.heat(torch.histogramdd(torch.cat([ranks(b), ranks(a)]).T, [cells] * 2, range=[
        0, a.numel()] * 2).hist.flip(0).sqrt()[None, None]), scale_factor=5)
