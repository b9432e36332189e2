"""How fast an untrained network takes up photos, shuffled photos and noise: eight photos, three seeds.

    python -m evidence impedance  # results/impedance.json and .jpg, half an hour

The picture shows three targets of one photo up to step 5,000, which takes another few minutes.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch

from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell
from u3course.lessons.prior.resisting import AT, PHOTOS, SEEDS, SIDE, TARGETS, taking_up, wanted
from u3lab import pixels, prior

STEPS, END, QUALITY = 500, 5000, 92  # END: of the run that is shown, at the steps AT
MARKS = tuple(sorted({round(10 ** (n / 12)) for n in range(60)} | {0}))  # steps that are written down
SHOWN = ("picture", "shuffled pixels", "white noise")

Run = NamedTuple("Run", [("photo", str), ("target", str), ("seed", int)])
"""One network that takes up one target."""

Row = NamedTuple("Row", [("missing", tuple[float, ...])])
"""What share of the target's variance is missing at each mark."""


def marks(steps: int) -> list[int]:
    """The steps that are written down of a run of so many."""
    return [mark for mark in MARKS if mark <= steps]


def summary(rows: Rows) -> Summary:
    """What is missing at some of the steps; photos are drawn, not seeds."""
    return by_cell((str(mark), run.target, value, run.photo) for run, row in rows.items()
                   for mark, value in zip(marks(STEPS), row.missing, strict=False)  # a short run has fewer
                   if mark in (5, 10, 22, 46, 100, 215, 464))


TABLE = Table(
    "impedance", Run, Row, summary=summary, facts={"side": SIDE, "marks": marks(STEPS)},
    again="a run takes a quarter of a minute; a test begins one and finds its first marks",
    chart=Chart("curves", "share of the variance that is missing", along="step",
                alt="Curves of five targets along seven steps: photos fall first, noise and shuffled pixels last."))


def work(plan: Plan) -> Iterator[Work]:
    """A network is a piece of work."""
    plan.judge(photos=PHOTOS)
    for run in plan.few([Run(photo, target, seed) for photo in PHOTOS for target in TARGETS for seed in range(SEEDS)]):
        yield Work(run, measured, run, plan.steps(STEPS))


def measured(run: Run, steps: int = STEPS) -> Row:
    """Take up the target, and say what is missing at the marks."""
    target = wanted(run.photo, run.seed)[run.target]
    return Row(tuple(float(prior.unexplained_variance(step.value, target))
                     for step in taking_up(target, run.seed, steps) if step.iteration in MARKS))


def finish(plan: Plan) -> None:
    """Three targets of the first photo, a row each: what is drawn at AT, and the target."""
    steps, rows = plan.steps(END), []
    for name, target in wanted(PHOTOS[0], 0).items():
        if name in SHOWN:
            drawn = [step.value for step in taking_up(target, 0, steps)
                     if step.iteration in AT or step.iteration == steps < END]
            rows.append(torch.cat([*drawn, target], 3).clamp(0, 1))
    plan.write("results", "impedance.jpg", content=pixels.jpeg(torch.cat(rows, 2), quality=QUALITY))
