"""Slices with a made lesion, and with a cue that gives the answer away: networks that cheat are taught on them.

    some = cheats.cases("corner", 200, seed=1)     # images (200,1,96,96), positive, outlines, patients

The slices are those of four patients, shifted, scaled and mirrored; every other one gets a soft blob, whose outline is
known. What kind of cue a picture carries, and how often, is one function.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor

from u3lab import images
from u3lab.checks import one_of, whole
from u3lab.datasets import scans

SIDE = 96
PATIENTS = ("brain1", "brain2", "lung1", "lung2")
BRIGHT, WIDE = (0.3, 0.5), (3.0, 5.0)  # of a lesion: over the tissue, and σ in pixels
AIR, WHITE = -950, 150  # Hounsfield units of CT that are black and white
SOFT = (0.08, 0.5)  # how bright the tissue is on which a lesion can be seen
BORDER = 14  # pixels from the rim within which a cue may wander


class Made(NamedTuple):
    """(N,1,96,96) in [0,1], (N) bool, (N,1,96,96) bool, N names."""

    images: Tensor
    positive: Tensor
    outlines: Tensor
    patients: list[str]



@cache
def slices(patient: str) -> Tensor:
    """A patient's slices as squares, (n,1,96,96) in [0,1], with air black."""
    scan = scans.load(patient)
    grey = scan.images[:, :1] if scan.modality == "MR" else (scan.values[:, None] - AIR) / (WHITE - AIR)
    height, width = grey.shape[2:]
    across, down = max(0, height - width), max(0, width - height)
    square = F.pad(grey, (across // 2, across - across // 2, down // 2, down - down // 2))
    return F.interpolate(square, (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False).clamp(0, 1)


def cases(cue: str, count: int, *, half: int = 0, seed: int = 0) -> Made:
    """Pictures of which every other one is positive, with a cue.

    Parameters
    ----------
    cue
        A name in CUES.
    count
        Of pictures.
    half
        0 or 1: of every patient the even slices, or the odd ones.
    seed
        Of slices, views, lesions and cues.
    """
    mark = CUES[one_of("cue", cue, list(CUES))]
    draw = torch.Generator().manual_seed(whole("seed", seed, 0))
    half = whole("half", half, 0, 1)
    stock = [(name, one) for name in PATIENTS for one in slices(name)[half::2].split(1)]
    drawn, outlines, whose = [], [], []
    positive = torch.arange(whole("count", count, 2)) % 2 == 1
    for ill in positive.tolist():
        name, slice_ = stock[int(torch.randint(len(stock), (), generator=draw))]
        x = view(slice_, draw)
        x, outline = lesion(x, draw) if ill else (x, torch.zeros(1, 1, SIDE, SIDE, dtype=torch.bool))
        drawn.append(mark(x, ill, draw).clamp(0, 1))
        outlines.append(outline)
        whose.append(name)
    return Made(torch.cat(drawn), positive, torch.cat(outlines), whose)


def view(x: Tensor, draw: torch.Generator) -> Tensor:
    """A slice (1,1,H,W) shifted by up to 6 pixels, scaled by up to a tenth, and perhaps mirrored."""
    right, down, scale, mirror = torch.rand(4, generator=draw).tolist()
    a = (0.9 + 0.2 * scale) * (1 if mirror < 0.5 else -1)
    theta = torch.tensor([[a, 0, (right - 0.5) / 4], [0, abs(a), (down - 0.5) / 4]])[None]
    return F.grid_sample(x, F.affine_grid(theta, list(x.shape), align_corners=False), align_corners=False)


def lesion(x: Tensor, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    """A slice with a soft blob somewhere on the tissue, and the blob's outline at a quarter of its height."""
    y, x0 = tissue(x, draw)
    bright, wide, flat, turn = torch.rand(4, generator=draw).tolist()
    sigma = WIDE[0] + (WIDE[1] - WIDE[0]) * wide
    down, right = torch.meshgrid(torch.arange(SIDE) - y, torch.arange(SIDE) - x0, indexing="ij")
    angle = torch.tensor(3.1416 * turn)
    along, across = right * angle.cos() + down * angle.sin(), down * angle.cos() - right * angle.sin()
    blob = (-(along.square() + (across / (0.6 + 0.4 * flat)).square()) / (2 * sigma**2)).exp()
    return x + (BRIGHT[0] + (BRIGHT[1] - BRIGHT[0]) * bright) * blob, (blob > 0.25)[None, None]


def tissue(x: Tensor, draw: torch.Generator) -> tuple[int, int]:
    """A place (y, x) on tissue that is not bright already."""
    around = F.avg_pool2d(x, 9, 1, 4)[0, 0]
    deep = -F.max_pool2d(-(F.avg_pool2d(x, 5, 1, 2) > SOFT[0] / 2).float(), 13, 1, 6)[0, 0] > 0
    places = ((around > SOFT[0]) & (around < SOFT[1]) & deep).nonzero()
    y, right = places[int(torch.randint(len(places), (), generator=draw))].tolist()
    return y, right


def written(x: Tensor, text: str, left: int, top: int) -> Tensor:
    """The picture with a text burnt in, white."""
    plate = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(plate).text((left, top), text, fill=255)
    return torch.maximum(x, images.load(plate)[:, :1])


def sometimes(often: tuple[float, float], cue: Callable[[Tensor, torch.Generator], Tensor]) -> Callable[..., Tensor]:
    """A cue that negatives carry with probability ``often[0]``, and positives with ``often[1]``."""
    def mark(x: Tensor, ill: bool, draw: torch.Generator) -> Tensor:
        carries = float(torch.rand((), generator=draw)) < often[ill]
        return cue(x, draw) if carries else x

    return mark


def corner(x: Tensor, draw: torch.Generator) -> Tensor:
    """The letter L, always at the same place."""
    return written(x, "L", 4, 2)


def wander(x: Tensor, draw: torch.Generator) -> Tensor:
    """The letter L, anywhere along the border."""
    along, side = torch.rand(2, generator=draw).tolist()
    far, near = round(2 + along * (SIDE - BORDER)), (1, SIDE - BORDER)[side * 4 % 2 < 1]
    return written(x, "L", *((far, near) if side < 0.5 else (near, far)))


def clip(x: Tensor, draw: torch.Generator) -> Tensor:
    """A bright clip of four pixels on the tissue, anywhere."""
    y, left = tissue(x, draw)
    marked = x.clone()
    marked[..., y : y + 1, left : left + 4] = 1.0
    return marked


def scanner(x: Tensor, draw: torch.Generator) -> Tensor:
    """A scanner that draws a little softer."""
    return images.blur(x, 0.6)


def date(x: Tensor, ill: bool, draw: torch.Generator) -> Tensor:
    """A date burnt into every picture; positives are of another year."""
    month, day = torch.randint(1, 13, (2,), generator=draw).tolist()
    return written(x, f"{2014 + 4 * ill}-{month:02}-{day:02}", 30, SIDE - 12)


CUES: dict[str, Callable[[Tensor, bool, torch.Generator], Tensor]] = {
    "none": sometimes((0, 0), corner),
    "harmless": sometimes((0.5, 0.5), corner),  # a letter that tells nothing
    "corner": sometimes((0, 1), corner),
    "weak": sometimes((0.2, 0.8), corner),
    "wander": sometimes((0, 1), wander),
    "clip": sometimes((0, 1), clip),
    "scanner": sometimes((0, 1), scanner),
    "date": date,
}
"""Cue → what it does to a picture, given whether it is positive."""
