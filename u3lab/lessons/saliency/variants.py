"""The mask with one factor taken away at a time: the table of chapter 6, as ``python -m u3lab.experiments variants``
writes it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from u3lab import images, saliency
from u3lab.lessons import results
from u3lab.lessons.saliency.removal import smallest
from u3lab.lessons.things import Thing, probability
from u3lab.nets import Classifier
from u3lab.saliency import MaskSettings

FULL = 512  # a mask's side that no picture reaches: the mask gets the picture's own pixels
BARE = {"lam": 0.0, "tv": 0.0, "mask_size": FULL, "jitter": 0}
VARIANTS: dict[str, dict[str, object]] = {
    "all of them": {},
    "λ = 0": {"lam": 0.0},
    "γ = 0": {"tv": 0.0},
    "a cell for each pixel": {"mask_size": FULL},
    "no shifts": {"jitter": 0},
    "noise on the mask": {"noise": 0.2},
    "start from 0": {"start": 0.0},
    "start from 1": {"start": 1.0},
    "only the coarse grid, start from 0": {"lam": 0.0, "tv": 0.0, "jitter": 0, "start": 0.0},
    "none of them": BARE,
    "none, start from 0": {**BARE, "start": 0.0},
}


class Run(NamedTuple):
    """One mask: on a network, of a variant, for a picture."""

    network: str
    variant: str
    picture: str


class Reached(NamedTuple):
    """Φ_c of the picture, with the mask as found, with the mask shifted by two pixels, with it blurred (σ = 2), and
    thresholded at the value that keeps its area; the mask's area, and how rough it is: its mean total variation."""

    whole: float
    found: float
    shifted: float
    blurred: float
    binary: float
    area: float
    rough: float


def measured(net: Classifier, thing: Thing, variant: str, *, steps: int = 150) -> Reached:
    """Find the mask of a variant, and test it."""
    mask = smallest(net, thing, steps=steps, **VARIANTS[variant])
    area = float(mask.mean())
    blurred = saliency.baseline_like(thing.image, settings=MaskSettings())
    tested = (mask, mask.roll((2, 2), (-2, -1)), images.blur(mask, 2.0).clamp(0, 1), _binary(mask, area))
    shown = torch.cat([thing.image, *(saliency.perturb(thing.image, one, blurred) for one in tested)])
    rough = float(mask.diff(dim=-1).abs().mean() + mask.diff(dim=-2).abs().mean())
    return Reached(*probability(net, shown, thing.label).tolist(), area, rough)


def _binary(mask: Tensor, area: float) -> Tensor:
    """1 in as many of the strongest pixels as give the mask's own area, 0 elsewhere."""
    order = mask.flatten().argsort(descending=True, stable=True)
    flat = torch.zeros_like(mask).flatten()
    flat[order[: round(area * len(order))]] = 1
    return flat.view_as(mask)


def shipped() -> dict[Run, Reached]:
    """The shipped table."""
    return {run: Reached(*row) for run, row in results.table("variants", Run).items()}
