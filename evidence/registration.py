"""The labeller of notebook 03 that learns from slices of one head, and how far it carries points of another head.

    python -m evidence registration  # results/registration.json and weights/labeller-brain.safetensors

A run takes two minutes of one processor.
"""

from collections.abc import Iterator
from typing import NamedTuple

from evidence._table import Chart, Plan, Table, Work, cells, extent
from u3course.lessons.landmarks import marked
from u3lab.descent import last
from u3lab.landmarks import LabelSettings, labeller, train_labeller

STEPS, NEAR, SEEDS = 800, 5.0, 3  # NEAR: millimetres
BATCH, QUERIES, RATE = 8, 200, 0.004
LEARNT, TESTED = "brain1", "brain2"
RIVALS = {"nothing has moved": lambda given: given.points, "optical flow": marked.flowed,
          "affine registration": marked.aligned}

Run = NamedTuple("Run", [("way", str), ("patient", str), ("steps", int), ("seed", int)])
"""One way to carry points: "labelling", learnt on ``patient``, or one of ``RIVALS``, which learn nothing."""

Row = NamedTuple("Row", [("median", float), ("near", float)])
"""The median target registration error in millimetres, and the share of points within NEAR."""


TABLE = Table(
    "registration", Run, Row, facts={"near": NEAR, "batch": BATCH}, again={"way": "optical flow"},
    summary=cells("{way}", {"median error in mm": "median", "share within 5 mm": "near"}, extent),
    uneven={"seeds": "which learn nothing"},
    chart=Chart("bars", "median error (mm)", columns=("median error in mm",),
                alt="Bars of the median error: nothing has moved highest, then optical flow, then the codes; affine "
                    "registration lowest."))


def work(plan: Plan) -> Iterator[Work]:
    """A labeller, or a rival, is a piece of work."""
    plan.fit(patients=[LEARNT], slices=marked.canvas(LEARNT)[0])
    plan.judge(patients=[TESTED], slices=marked.canvas(TESTED)[0])
    runs = [Run(way, "", 0, 0) for way in RIVALS] + [Run("labelling", LEARNT, STEPS, seed) for seed in range(SEEDS)]
    for run in [Run("labelling", LEARNT, 2, 0)] if plan.short else runs:
        yield Work(run, measured, plan, run)


def measured(plan: Plan, run: Run) -> Row:
    """Teach a labeller, and carry points by its codes; or ask a rival where they are."""
    given = marked.asked(TESTED)
    if run.way in RIVALS:
        error = marked.errors(RIVALS[run.way](given), given)
    else:
        net = labeller(seed=run.seed)
        settings = LabelSettings(lr=RATE, steps=run.steps, batch_size=BATCH, queries=QUERIES, seed=run.seed)
        last(train_labeller(net, marked.pairs_of(run.patient), settings=settings),
             total=run.steps + 1, title=f"{run.patient}, seed {run.seed}")
        if not run.seed:
            plan.weights("labeller-brain", net, steps=run.steps)
        error = marked.errors(marked.carried(net, given), given)
    return Row(float(error.median()), float((error < NEAR).double().mean()))
