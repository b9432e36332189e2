"""Trials of notebook 04: what an untrained network takes up and what it resists, and when to stop.

``python -m u3lab.experiments impedance`` and ``python -m u3lab.experiments stopping`` make the tables and the pictures.

The photos are every fourth of the everyday ones; seeds set the weights and the noise. In "channels apart" the pixels'
reds, greens and blues are put in three random orders, so that the colours no longer go together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from u3lab import images, prior
from u3lab._system import paths
from u3lab.descent import Step
from u3lab.lessons import results

SIDE, STEPS, SEEDS = 64, 500, 3
PHOTOS = tuple(images.names("everyday")[::4][:8])
APART = "channels apart"
TARGETS = ("picture", "picture + noise", "shuffled pixels", APART, "white noise")
MARKS = tuple(sorted({round(10 ** (n / 12)) for n in range(0, 60)} | {0}))  # steps that are written down
END, AT = 5000, (30, 100, 300, 1000, 5000)  # steps of the run that is shown to the end, and its pictures

LONG, LONG_SIDE, NOISE = 3000, 128, 0.12  # steps and pixels of the runs with a fault, and the noise's σ
FAULTS, LONG_PHOTOS = ("noise", "hole"), ("koala", "castle", "macaw")


class Run(NamedTuple):
    """One network that takes up one target."""

    photo: str
    target: str
    seed: int


class Long(NamedTuple):
    """One network that repairs one photo; ``measure`` is "loss" or "PSNR", the latter of what is not known."""

    fault: str
    photo: str
    measure: str


def wanted(photo: str, seed: int) -> dict[str, Tensor]:
    """The five targets of a photo, (1,3,SIDE,SIDE) each."""
    x = images.load(photo, size=SIDE)
    made, generator = prior.targets(x, seed=seed), torch.Generator().manual_seed(seed + 1)
    orders = [torch.randperm(SIDE**2, generator=generator) for _ in range(3)]
    apart = torch.stack([channel[order] for channel, order in zip(x[0].flatten(1), orders, strict=True)])
    return {name: apart.view_as(x) if name == APART else made[name] for name in TARGETS}


def taking_up(target: Tensor, seed: int, steps: int) -> Iterator[Step]:
    """The run of a fresh network, without noise on its code."""
    return prior.fit(prior.generator(size=SIDE, seed=seed), target,
                     settings=prior.PriorSettings(steps=steps, noise=0.0, seed=seed))


def missing(run: Run, steps: int = STEPS) -> tuple[float, ...]:
    """What share of the target's variance is missing at MARKS, up to the last step."""
    target = wanted(run.photo, run.seed)[run.target]
    return tuple(round(float(prior.missing(step.value, target)), 4)
                 for step in taking_up(target, run.seed, steps) if step.iteration in MARKS)


def repaired(fault: str, photo: str, steps: int = LONG) -> dict[str, tuple[float, ...]]:
    """Loss and PSNR at MARKS of a run with a fault: noise on all pixels, or a hole of a third of the side."""
    x = images.load(photo, size=LONG_SIDE)
    visible = torch.ones_like(x[:, :1])
    given = (x + NOISE * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    unknown = visible.bool().expand_as(x)
    if fault == "hole":
        visible[..., 43:85, 43:85] = 0
        given, unknown = x * visible, (1 - visible).bool().expand_as(x)
    psi, found = prior.generator(size=LONG_SIDE), {"loss": [], "PSNR": []}
    for step in prior.fit(psi, given, task=prior.inpaint(visible), settings=prior.PriorSettings(steps=steps)):
        if step.iteration in MARKS:
            found["loss"].append(round(step.loss, 6))
            found["PSNR"].append(round(float(prior.psnr(step.value[unknown], x[unknown])), 3))
    return {measure: tuple(values) for measure, values in found.items()}


def shipped() -> dict[Run, tuple[float, ...]]:
    """The shipped curves: what is missing at MARKS up to STEPS."""
    return results.table("impedance", Run)


def shipped_long() -> dict[Long, tuple[float, ...]]:
    """The shipped long runs: loss and PSNR at MARKS up to LONG."""
    return results.table("stopping", Long)


def pictures() -> list[Tensor]:
    """The shipped run to the end, (1,3,SIDE,SIDE) each: what is drawn at AT, and the target, for three targets."""
    sheet = images.load(paths.data("results", "impedance.jpg"))
    return [part for row in sheet.split(SIDE, 2) for part in row.split(SIDE, 3)]


def marks(steps: int) -> list[int]:
    """The steps that are written down of a run of so many."""
    return [mark for mark in MARKS if mark <= steps]
