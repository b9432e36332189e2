"""Why denoising stops early and inpainting need not: loss and PSNR of long runs, on three photos.

    python -m evidence stopping  # results/stopping.json, a quarter of an hour
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch

from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell
from evidence.impedance import MARKS, marks
from u3course.lessons.prior.resisting import FAULTS, LONG_PHOTOS, LONG_SIDE, NOISE
from u3lab import images, prior

STEPS = 3000

Run = NamedTuple("Run", [("fault", str), ("photo", str)])
"""One network that repairs one photo."""

Row = NamedTuple("Row", [("loss", tuple[float, ...]), ("psnr", tuple[float, ...])])
"""At each mark the loss, which is of what is known, and the PSNR of what is not."""


def summary(rows: Rows) -> Summary:
    """The PSNR at some of the steps."""
    return by_cell((str(mark), run.fault, value) for run, row in rows.items()
                   for mark, value in zip(marks(STEPS), row.psnr, strict=False)  # a short run has fewer
                   if mark in (46, 100, 215, 464, 1000, 2154, 2610))


TABLE = Table(
    "stopping", Run, Row, summary=summary, digits=6,
    facts={"side": LONG_SIDE, "noise": NOISE, "marks": marks(STEPS)}, again="a run takes minutes",
    chart=Chart("curves", "PSNR of what is not known, dB", along="step",
                alt="Two curves along seven steps: under noise the PSNR falls after a peak, with a hole it stays."))


def work(plan: Plan) -> Iterator[Work]:
    """A run is a piece of work."""
    plan.judge(photos=LONG_PHOTOS)
    for run in plan.few([Run(fault, photo) for fault in FAULTS for photo in LONG_PHOTOS]):
        yield Work(run, measured, run, plan.steps(STEPS))


def measured(run: Run, steps: int = STEPS) -> Row:
    """Repair a photo with noise on all pixels, or with a hole of a third of the side."""
    x = images.load(run.photo, size=LONG_SIDE)
    visible = torch.ones_like(x[:, :1])
    given = (x + NOISE * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    unknown = visible.bool().expand_as(x)
    if run.fault == "hole":
        visible[..., 43:85, 43:85] = 0
        given, unknown = x * visible, (1 - visible).bool().expand_as(x)
    fit = prior.fit(prior.generator(size=LONG_SIDE), given, task=prior.inpaint(visible),
                    settings=prior.PriorSettings(steps=steps))
    found = [(step.loss, float(prior.psnr(step.value[unknown], x[unknown]))) for step in fit if step.iteration in MARKS]
    return Row(*zip(*found, strict=True))
