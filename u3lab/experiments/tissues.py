"""Tissues of a brain sorted without labels: two networks, ten trainings each, under three made fields.

    python -m u3lab.experiments tissues      # results/tissues.json
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import NamedTuple

from u3lab.descent import last
from u3lab.experiments._table import Chart, Evidence, Plan, Rows, Summary, Table, Work, by_cell, spread
from u3lab.lessons.selfsup import tissues

WAYS = ("IIC, views without fields", "IIC, views with fields")
SEEDS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)

Run = NamedTuple("Run", [("way", str), ("seed", int), ("strength", float), ("field", int)])
"""A training, asked to sort the held-out slices under a made field: its strength b, and the seed of its shape."""

Reached = NamedTuple("Reached", [("accuracy", float)])
"""Hungarian accuracy of the pixels inside the brain."""


def summary(rows: Rows) -> Summary:
    """The accuracy at each strength, over the trainings, each the mean of its fields."""
    def over_seeds(values: Sequence[float], seeds: Sequence[int]) -> tuple[float, float, float]:
        return spread([fmean(value for value, one in zip(values, seeds, strict=True) if one == seed)
                       for seed in dict.fromkeys(seeds)])

    return by_cell(((f"{run.strength:g}", run.way, row.accuracy, run.seed) for run, row in rows.items()), over_seeds)


TABLE = Table(
    "tissues", Run, Reached, summary=summary, facts={"steps": tissues.STEPS}, again={"strength": "0.0"},
    evidence=Evidence(
        "tissues of a brain sorted without labels, under a made field",
        measured="Hungarian accuracy of the pixels inside the brain: grey matter, white matter, the rest.",
        on="Two slices of the average brain MNI152; the networks learn from 200 patches of four others, nearly all of "
           "them brain. Three fields of each strength; without a field there is nothing to draw.",
        often="Ten trainings of each network. Given are the median, the least and the greatest, each training the mean "
              "of its fields.",
        floor="One answer for all pixels has 0.52.",
        rivals="Notebook 02c has k-means on grey values, and on grey values divided by their surroundings.",
        chosen="The sub-head by its loss on the patches. How 100 steps were chosen is not recorded; an earlier run had "
               "160. Nothing else was chosen by accuracy.",
        limits="One average brain, of which other slices are learnt from; made fields; no patient, no lesion."),
    chart=Chart("curves", "Hungarian accuracy", along="strength b of the field",
                alt="Two curves with the range of ten trainings: with fields in the views the accuracy is higher "
                    "under every field, and mostly lower without one."))


def work(plan: Plan) -> Iterator[Work]:
    """A training is a piece of work."""
    plan.fit(slices=[f"MNI152, {n}" for n in tissues.LEARNT_FROM])
    plan.judge(slices=[f"MNI152, {n}" for n in tissues.HELD])
    for way in plan.few(WAYS):
        for seed in plan.few(SEEDS):
            runs = [Run(way, seed, *one) for one in plan.few(tissues.conditions())]
            yield Work(runs, measured, runs, steps=plan.steps(tissues.STEPS))


def measured(runs: list[Run], *, steps: int = tissues.STEPS) -> dict[Run, Reached]:
    """Train a network, and let it sort the slices under each field."""
    taught, learnt = tissues.learning(runs[0].way, runs[0].seed, steps)
    last(taught)
    learner = learnt()
    return {run: Reached(tissues.accuracy(learner.sorted(tissues.spoilt(run.strength, run.field)))) for run in runs}
