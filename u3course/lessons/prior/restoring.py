"""The photos and holes of chapter 4, the ways to fill them, and the shipped fillings; a lesion and vessels covered.

The photos were fixed before anything was computed, but for the task "wide": its three are those that can be filled, of
five that were tried.
"""

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab import images, prior, results
from u3lab._system import paths
from u3lab.datasets import photos, scans

SIDE, LARGE = 192, 256  # pixels
PHOTOS = {"shapes": ("castle", "mountain_meadow", "hawa_mahal"), "hole": ("grass", "brick", "golden_temple"),
          "text": ("coffee", "koala", "macaw"), "half": ("castle", "macaw", "china"),
          "wide": ("golden_temple", "mont_saint_michel", "mountain_meadow")}
HOLES = {("hole", "golden_temple"): (130, 56, 52, 76),  # top, left, height, width: in the water
         ("wide", "golden_temple"): (122, 56, 62, 76), ("wide", "mont_saint_michel"): (90, 10, 60, 80),
         ("wide", "mountain_meadow"): (88, 24, 62, 80)}
HOLE = (60, 56, 68, 76)
# Hourglasses without skips, whose drawing has to come through the coarse scales, and two others.
SHAPES = {"depth 2": {"depth": 2}, "depth 4": {"depth": 4}, "depth 6": {"depth": 6}, "U-Net": {"kind": "unet"},
          "ResNet": {"kind": "resnet", "depth": 3, "widths": (16,) * 3}}
PRIOR, SPARSE, TRAINED, FLAT = "deep image prior", "convolutional sparse coding", "trained inpainter", "one flat colour"


def flat(image: Tensor, m: Tensor) -> Tensor:
    """The floor: the hole in the mean colour of what is known."""
    return torch.where(m.bool(), image, (image * m).sum((2, 3), keepdim=True) / m.sum())


RIVALS = {FLAT: flat, **{name: filler for name, filler in prior.FILLERS.items() if name != PRIOR}}
# A filter that lies wholly in a wide hole has no known pixel to go by.
METHODS = {"shapes": (*SHAPES, FLAT), "hole": ("depth 2", "depth 6", FLAT, "biharmonic", "total variation", TRAINED),
           **dict.fromkeys(("text", "half"), (PRIOR, "biharmonic", "total variation", SPARSE, TRAINED)),
           "wide": (PRIOR, FLAT, "biharmonic", "total variation", TRAINED)}


@cache
def photo(name: str, side: int | None = SIDE) -> Tensor:
    """One of the photos, (1,3,side,side), or with None as it is."""
    return (images if name in images.names() else photos).load(name, size=side)


@cache
def mask(task: str, name: str) -> Tensor:
    """m (1,1,SIDE,SIDE): 1 where the photo is known."""
    if task == "text":
        return (images.load("text", size=SIDE).mean(1, keepdim=True) > 0.4).float()
    if task == "half":
        return (torch.rand(1, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    top, left, height, width = HOLES.get((task, name), HOLE)
    m = torch.ones(1, 1, SIDE, SIDE)
    m[..., top : top + height, left : left + width] = 0
    return m


def row(task: str, name: str) -> list[tuple]:
    """All runs on one photo, as the table and the sheet of the task have them."""
    return [run for run in results.table("restoring") if run[:2] == (task, name)]


def pictures(task: str) -> dict[tuple, Tensor]:
    """The shipped fillings of a task, (1,3,SIDE,SIDE) each."""
    sheet = images.load(paths.data("results", f"restoring-{task}.jpg"))
    return {run: made for name, line in zip(PHOTOS[task], sheet.split(SIDE, 2), strict=True)
            for run, made in zip(row(task, name), line.split(SIDE, 3), strict=True)}


def large_pictures() -> list[Tensor]:
    """One photo in 256 pixels, as it ships: as it is given, as depth 6 goes on, and the truth."""
    return list(images.load(paths.data("results", "restoring-large.jpg")).split(LARGE, 3))


SLICE, MARGIN = 96, 1.4  # pixels of the shorter side; the hole is so many times as wide as the lesion
PATIENTS, RETINA = ("brain1", "brain2", "lung2"), "retina"
SEEDS = {**dict.fromkeys(PATIENTS, 3), RETINA: 6}


def square_round(mask: Tensor) -> Tensor:
    """A square hole about a lesion (1,H,W), with a margin: m (1,1,H,W), 1 where the slice is known."""
    rows, columns = (mask[0].any(axis).nonzero().flatten() for axis in (1, 0))
    side = round(MARGIN * max(int(rows[-1] - rows[0]), int(columns[-1] - columns[0])) / 2)
    y, x = int(rows.float().mean()), int(columns.float().mean())
    m = torch.ones(1, 1, *mask.shape[-2:])
    m[..., max(0, y - side) : y + side, max(0, x - side) : x + side] = 0
    return m


def patient(name: str) -> tuple[Tensor, Tensor, Tensor]:
    """The slice with the largest lesion (1,3,H,W), the lesion (1,H,W) bool, and the mask m about it (1,1,H,W)."""
    scan = scans.load(name)
    n = scan.largest
    slice_ = images.resize(scan.images[n : n + 1], SLICE)
    lesion = F.interpolate(scan.masks[n : n + 1].float(), size=slice_.shape[-2:], mode="area") > 0.5
    return slice_, lesion[0], square_round(lesion[0])


def retina() -> tuple[Tensor, Tensor]:
    """A piece of the retina (1,3,80,80) and a mask m (1,1,80,80) with a hole where two vessels run side by side."""
    m = torch.ones(1, 1, 80, 80)
    m[..., 28:52, 28:52] = 0
    return images.load(images.load("retina")[..., 68:148, 28:108]), m


def shipped() -> dict[str, list[Tensor]]:
    """Patient, or the retina → what the prior drew with each seed, (1,3,H,W), as it ships: in 256 steps of a colour."""
    return {name: [*images.load(paths.data("results", f"invented-{name}.png")).chunk(seeds, 3)]
            for name, seeds in SEEDS.items()}
