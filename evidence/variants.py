"""The mask with one factor taken away at a time: which of them keeps a mask from being a trick?

    python -m evidence variants  # results/variants.json, 20 minutes
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell
from u3course.lessons.saliency.things import Thing, outlined, probability, smallest
from u3lab import images, nets, saliency
from u3lab.nets import Classifier
from u3lab.saliency import MaskSettings

NETWORKS = ("squeezenet1_1", "efficientnet_lite0")
PICTURES = ("coffee", "camera", "dog", "koala", "lemur", "bison", "macaw", "goldfish", "aqueduct", "screwdriver")
STEPS = 150
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

Run = NamedTuple("Run", [("network", str), ("variant", str), ("picture", str)])
"""One mask: on a network, of a variant, for a picture."""

Row = NamedTuple("Row", [("whole", float), ("found", float), ("shifted", float), ("blurred", float),
    ("binary", float), ("area", float), ("rough", float)])
"""Φ_c of the picture, with the mask as found, with the mask shifted by two pixels, with it blurred (σ = 2), and
thresholded at the value that keeps its area; the mask's area, and how rough it is: its mean total variation."""


def summary(rows: Rows) -> Summary:
    """What is left on average when a variant's mask is blurred, and the mask's area."""
    return by_cell((run.variant, f"{run.network}{what}", getattr(row, column)) for what, column in (
        ("", "blurred"), (", as found", "found"), (", area", "area")) for run, row in rows.items())


TABLE = Table(
    "variants", Run, Row, summary=summary, facts={"steps": STEPS}, again={"network": "squeezenet1_1"},
    chart=Chart("bars", "probability that is left when the mask is blurred (low: it still works)", columns=NETWORKS,
                alt="Bars for two networks and eleven variants of the mask, each with its interval."))


def work(plan: Plan) -> Iterator[Work]:
    """A mask is a piece of work."""
    pictures = plan.few(PICTURES)
    plan.judge(photos=pictures)
    for name in plan.networks(NETWORKS):
        net = nets.load(name)
        things = {thing.name: thing for thing in outlined(net.size)}
        for variant in VARIANTS:
            for picture in pictures:
                yield Work(Run(name, variant, picture), measured, net, things[picture], variant,
                           steps=plan.steps(STEPS))


def measured(net: Classifier, thing: Thing, variant: str, *, steps: int = STEPS) -> Row:
    """Find the mask of a variant, and test it."""
    mask = smallest(net, thing, steps=steps, **VARIANTS[variant])
    area = float(mask.mean())
    blurred = saliency.baseline_like(thing.image, settings=MaskSettings())
    tested = (mask, mask.roll((2, 2), (-2, -1)), images.blur(mask, 2.0).clamp(0, 1), _binary(mask, area))
    shown = torch.cat([thing.image, *(saliency.perturb(thing.image, one, blurred) for one in tested)])
    rough = float(mask.diff(dim=-1).abs().mean() + mask.diff(dim=-2).abs().mean())
    return Row(*probability(net, shown, thing.label).tolist(), area, rough)


def _binary(mask: Tensor, area: float) -> Tensor:
    """1 in as many of the strongest pixels as give the mask's own area, 0 elsewhere."""
    order = mask.flatten().argsort(descending=True, stable=True)
    flat = torch.zeros_like(mask).flatten()
    flat[order[: round(area * len(order))]] = 1
    return flat.view_as(mask)
