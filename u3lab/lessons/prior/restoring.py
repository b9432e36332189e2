"""Trials of notebook 04: holes, text and missing pixels, filled by generators of several shapes and by their rivals.

``python -m u3lab.experiments restoring`` makes the table and the pictures, the notebook reads both.

The photos were fixed before anything was computed, but for the task "wide": its three are those that can be filled, of
five that were tried. Generators of several shapes are compared at equal fit: each run ends when the error of the
*visible* pixels, as a running mean, is down to FIT.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab import images, nets, prior
from u3lab._system import paths
from u3lab.datasets import photos
from u3lab.lessons import results

SIDE, LARGE = 192, 256  # pixels
FIT, MOST = 1e-3, 3000  # mean square of the visible pixels' error, 30 dB, and the steps after which a run ends anyway
PHOTOS = {"shapes": ("castle", "mountain_meadow", "hawa_mahal"), "hole": ("grass", "brick", "golden_temple"),
          "text": ("coffee", "koala", "macaw"), "half": ("castle", "macaw", "china"),
          "wide": ("golden_temple", "mont_saint_michel", "mountain_meadow")}
TASKS = tuple(PHOTOS)
HOLES = {("hole", "golden_temple"): (130, 56, 52, 76),  # top, left, height, width: in the water
         ("wide", "golden_temple"): (122, 56, 62, 76), ("wide", "mont_saint_michel"): (90, 10, 60, 80),
         ("wide", "mountain_meadow"): (88, 24, 62, 80)}
HOLE = (60, 56, 68, 76)
# Hourglasses without skips, whose drawing has to come through the coarse scales, and two others.
SHAPES = {"depth 2": {"depth": 2}, "depth 4": {"depth": 4}, "depth 6": {"depth": 6}, "U-Net": {"kind": "unet"},
          "ResNet": {"kind": "resnet", "depth": 3, "widths": (16,) * 3}}
# Where known pixels are close by, skips lead detail across; without, and with more channels, large forms go on.
NARROW, BROAD = {"depth": 5, "skip": 16}, {"depth": 6, "widths": (48,) * 6, "channels": 32}
STEPS = {"text": 1500, "half": 1500, "wide": 800}
PRIOR, SPARSE, TRAINED, FLAT = "deep image prior", "convolutional sparse coding", "trained inpainter", "one flat colour"


def flat(image: Tensor, m: Tensor) -> Tensor:
    """The floor: the hole in the mean colour of what is known."""
    return torch.where(m.bool(), image, (image * m).sum((2, 3), keepdim=True) / m.sum())


RIVALS = {FLAT: flat, **{name: filler for name, filler in prior.FILLERS.items() if name != PRIOR}}
# A filter that lies wholly in a wide hole has no known pixel to go by.
METHODS = {"shapes": (*SHAPES, FLAT), "hole": ("depth 2", "depth 6", FLAT, "biharmonic", "total variation", TRAINED),
           **dict.fromkeys(("text", "half"), (PRIOR, "biharmonic", "total variation", SPARSE, TRAINED)),
           "wide": (PRIOR, FLAT, "biharmonic", "total variation", TRAINED)}
SEEDS = {"shapes": 2, "hole": 2, "text": 1, "half": 1, "wide": 2}


class Run(NamedTuple):
    """One filling: what is hidden of which photo, by which method, from which seed."""

    task: str
    photo: str
    method: str
    seed: int


class Reached(NamedTuple):
    """Steps made; mean square of the visible pixels' error; decibels and perceptual distance in what was hidden."""

    steps: int
    visible: float
    psnr: float
    perceptual: float


def row(task: str, name: str) -> list[Run]:
    """All runs on one photo, as the sheet of the task shows them; only generators have seeds."""
    return [Run(task, name, method, seed) for method in METHODS[task]
            for seed in range(1 if method in RIVALS else SEEDS[task])]


def plan() -> list[Run]:
    """All runs, the first seeds first."""
    runs = [run for task in TASKS for name in PHOTOS[task] for run in row(task, name)]
    return sorted(runs, key=lambda run: run.seed)


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


def drawn(x: Tensor, m: Tensor, shape: dict, settings: prior.PriorSettings, *, fit: float = 0.0) -> prior.FitStep:
    """The last step of a run, which ends early once the visible pixels are fitted."""
    psi, level = prior.generator(size=x.shape[2:], seed=settings.seed, **shape), None
    for step in prior.fit(psi, x * m, task=prior.inpaint(m), settings=settings):
        level = step.loss if level is None else 0.95 * level + 0.05 * step.loss
        if level <= fit:
            break
    return step


def filled(run: Run, most: int = MOST) -> tuple[int, Tensor]:
    """The steps that were made and the picture, with what is visible as it was."""
    x, m = photo(run.photo), mask(run.task, run.photo)
    if run.method in RIVALS:
        return 0, RIVALS[run.method](x * m, m)
    if run.method in SHAPES:
        settings = prior.PriorSettings(steps=most, noise=0.0, average=0.9, seed=run.seed)
        step = drawn(x, m, SHAPES[run.method], settings, fit=FIT)
    else:
        settings = prior.PriorSettings(steps=min(most, STEPS[run.task]), average=0.9, seed=run.seed)
        step = drawn(x, m, BROAD if run.task == "wide" else NARROW, settings)
    return step.iteration, step.value


def large(most: int = MOST) -> Tensor:
    """One photo in 256 pixels: as it is given, as the hourglass of depth 6 goes on, and the truth, side by side."""
    name = PHOTOS["shapes"][1]
    x, m = photo(name, LARGE), F.interpolate(mask("shapes", name), size=(LARGE, LARGE))
    settings = prior.PriorSettings(steps=most, noise=0.0, average=0.9)
    made = drawn(x, m, SHAPES["depth 6"], settings, fit=FIT).value
    return torch.cat([x * m, torch.where(m.bool(), x, made), x], 3)


def measured(run: Run, steps: int, made: Tensor) -> Reached:
    """How good a filling is."""
    x, m = photo(run.photo), mask(run.task, run.photo)
    hidden = (1 - m).bool().expand_as(x)
    whole = torch.where(hidden, made, x)
    distance = prior.perceptual_distance(nets.load("squeezenet1_1", device="cpu"), whole, x, where=1 - m)
    return Reached(steps, float((made - x)[~hidden].square().mean()), float(prior.psnr(whole[hidden], x[hidden])),
                   distance)


def shipped() -> dict[Run, Reached]:
    """The shipped table."""
    return {run: Reached(*row) for run, row in results.table("restoring", Run).items()}


def pictures(task: str) -> dict[Run, Tensor]:
    """The shipped fillings of a task, (1,3,SIDE,SIDE) each."""
    sheet = images.load(paths.data("results", f"restoring-{task}.jpg"))
    return {run: made for name, line in zip(PHOTOS[task], sheet.split(SIDE, 2), strict=True)
            for run, made in zip(row(task, name), line.split(SIDE, 3), strict=True)}


def large_pictures() -> list[Tensor]:
    """The shipped one of :func:`large`, as three pictures."""
    return list(images.load(paths.data("results", "restoring-large.jpg")).split(LARGE, 3))
