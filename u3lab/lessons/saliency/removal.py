"""Remove the thing, or remove the mask: the table of chapter 6, as ``python -m u3lab.experiments removal`` writes it.

For each picture: the smallest perturbation is found, and the probability of the class is read with the thing taken
away, with the mask, and with either part of the mask: on the thing, and off it. Each saliency method is asked as well
which share of its map lies on the thing.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from u3lab import saliency
from u3lab.datasets import photos
from u3lab.descent import last
from u3lab.lessons import results
from u3lab.lessons.things import BEHIND, Thing, probability
from u3lab.nets import Classifier
from u3lab.saliency import METHODS, MaskSettings
from u3lab.saliency.perturbation import enlarge

BASELINES = ("blur", "grey", "noise")
CUE, BROKEN = 0.5, 0.5  # a cue: that share of the mask is off the thing, and alone it takes this share of Φ_c away
FAST = tuple(name for name, method in METHODS.items() if not method.optimises)


class Run(NamedTuple):
    """One picture, "pasted" or "outlined", on one network."""

    network: str
    kind: str
    picture: str


class Reached(NamedTuple):
    """What was measured; probabilities are of the picture's class, areas and shares in [0,1].

    ``exact`` is the probability of the photo behind the thing (NaN where that is not known), ``blur``, ``grey`` and
    ``noise`` with the thing replaced; ``on`` and ``off`` with only that part of the mask, on the thing or off it;
    ``elsewhere`` the mean over other photos into which what the mask marks off the thing was laid, ``nothing`` of these
    photos as they are. ``shares`` are those of each method's map that lie on the thing, in the order of ``FAST``.
    """

    whole: float
    exact: float
    blur: float
    grey: float
    noise: float
    mask: float
    on: float
    off: float
    elsewhere: float
    nothing: float
    thing_area: float
    mask_area: float
    mask_share: float
    shares: tuple[float, ...]


def smallest(net: Classifier, thing: Thing, *, steps: int = 150, **changed: object) -> Tensor:
    """The mask (1,1,S,S) that the energy ends with."""
    settings = MaskSettings(steps=steps, **changed)
    return last(saliency.meaningful_perturbation(net, thing.image, thing.label, settings=settings)).value.cpu()


def measured(net: Classifier, thing: Thing, *, steps: int = 150) -> Reached:
    """The row of one picture."""
    x, where = thing.image, thing.where.float()
    mask = smallest(net, thing, steps=steps)
    blurred = saliency.baseline_like(x, settings=MaskSettings())
    replaced = [saliency.perturb(x, where, saliency.baseline_like(
        x, generator=torch.Generator().manual_seed(0), settings=MaskSettings(baseline=kind))) for kind in BASELINES]
    parts = [saliency.perturb(x, m, blurred) for m in (mask, mask * where, mask * (1 - where))]
    others = torch.cat([photos.load(name, size=x.shape[-1]) for name in BEHIND])
    cue = mask * (1 - where)
    moved = cue * x + (1 - cue) * others
    found = torch.cat([probability(net, torch.cat([x, *replaced, *parts]), thing.label),
                       torch.stack([probability(net, some, thing.label).mean() for some in (moved, others)])])
    exact = float("nan") if thing.without is None else float(probability(net, thing.without, thing.label))
    whole, *rest = found.tolist()
    areas = float(where.mean()), float(mask.mean()), float((mask * where).sum() / mask.sum().clamp(min=1e-9))
    return Reached(whole, exact, *rest, *areas, tuple(shares(net, thing)))


def shares(net: Classifier, thing: Thing) -> list[float]:
    """Which share of each fast method's map lies on the thing; a map of zeros gets the thing's share of the area."""
    found, where = [], thing.where.float()
    for name in FAST:
        heat = enlarge(METHODS[name](net, thing.image, thing.label).cpu(), thing.image)
        total = float(heat.sum())
        found.append(float((heat * where).sum()) / total if total > 0 else float(where.mean()))
    return found


def shipped() -> dict[Run, Reached]:
    """The shipped table."""
    return {run: Reached(*(float("nan") if one is None else one for one in row))
            for run, row in results.table("removal", Run).items()}


def cues(rows: dict[Run, Reached]) -> list[Run]:
    """The runs with a cue: most of the mask is off the thing, and that part alone takes most of Φ_c away."""
    return [run for run, one in rows.items()
            if 1 - one.mask_share > CUE and one.off < (1 - BROKEN) * one.whole]
