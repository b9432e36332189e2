"""Generic markers: what a radiographer leaves on a picture, pasted on negatives. Does an answer follow it?"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from u3lab.audit.cases import Cases, score, some_of
from u3lab.errors import U3Error
from u3lab.measures import Interval, mean
from u3lab.nets import ready

LETTER, DIGITS, CLIP, RIM = 8, 16, 6, 32  # of the shorter side: one so-many-th of it
CORNERS = {"upper left": (0, 0), "upper right": (0, 1), "lower left": (1, 0), "lower right": (1, 1)}


class Moved(NamedTuple):
    """Marker → by how much it moves negatives, over the distance between the classes, and the share that turns.

    ``which`` are the numbers of the negatives, (n).
    """

    by: dict[str, tuple[Interval, Interval]]
    which: Tensor


def moved_by_markers(net: nn.Module, cases: Cases, *, positive: int | str = 1, most: int = 20, seed: int = 0) -> Moved:
    """Paste each marker on at most so many negatives that the network has right, drawn by ``seed``.

    Raises:
        U3Error: No negative or no positive that the network has right.
    """
    net = ready(net)
    scores = score(net, cases.images, positive)
    ill, well = cases.positive & (scores > 0), (~cases.positive & (scores <= 0)).nonzero()[:, 0]
    if not len(well) or not ill.any():
        raise U3Error("the network has no positive or no negative right, so there is no distance between the classes")
    which = some_of(well, most, seed)
    gap, groups = scores[ill].median() - scores[well].median(), [cases.groups[n] for n in which]
    by = {}
    for name, stencil in markers(*cases.images.shape[-2:]).items():
        after = score(net, marked(cases.images[which], stencil, cases.images.amax()), positive)
        by[name] = (mean(((after - scores[which]) / gap).double(), groups), mean((after > 0).double(), groups))
    return Moved(by, which)


def marked(images: Tensor, stencil: Tensor, white: Tensor) -> Tensor:
    """Pictures, or all slices of volumes, with a marker (H,W)."""
    return torch.where(stencil, white, images)


def markers(height: int, width: int) -> dict[str, Tensor]:
    """Name → where the marker is, (H,W) bool: a letter in each corner, a clip in the middle, a date below it."""
    from PIL import Image, ImageDraw, ImageFont

    short = min(height, width)
    rim = max(1, short // RIM)

    def drawn(text: str, size: int, down: float, right: float) -> Tensor:
        sheet = Image.new("1", (width, height))
        pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(max(6, size))
        left, top, end, bottom = pen.textbbox((0, 0), text, font=font)
        x, y = right * (width - 2 * rim - (end - left)), down * (height - 2 * rim - (bottom - top))
        pen.text((rim + x - left, rim + y - top), text, fill=1, font=font)
        return pixels_of(sheet)

    found = {f"a letter at the {where}": drawn("L", short // LETTER, *place) for where, place in CORNERS.items()}
    clip, half, thick = Image.new("1", (width, height)), max(2, short // CLIP) // 2, max(1, short // 48)
    pen, (x, y) = ImageDraw.Draw(clip), (width // 2, height // 2)
    pen.rounded_rectangle((x - 2 * half, y - half, x + 2 * half, y + half), half, outline=1, width=thick)
    pen.line((x - half, y, x + 2 * half, y), fill=1, width=thick)
    return found | {"a clip": pixels_of(clip), "a date": drawn("07 03 2019", short // DIGITS, 1, 0.5)}


def pixels_of(sheet: object) -> Tensor:
    """A black-and-white PIL picture as (H,W) bool."""
    import numpy as np

    return torch.from_numpy(np.array(sheet, dtype=bool))
