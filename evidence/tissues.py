"""Tissues of a brain sorted without labels under three made fields: two networks, ten trainings each, and k-means.

    python -m evidence tissues      # results/tissues.json
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import NamedTuple

from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell, spread
from u3course.lessons.selfsup import tissues
from u3lab.descent import last

WAYS = (*tissues.LIGHTS, tissues.GREY, tissues.FLAT)
SEEDS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)

Run = NamedTuple("Run", [("way", str), ("seed", int), ("strength", float), ("field", int)])
"""A training, or a seed of k-means, asked to sort the held-out slices under a made field: its strength b, and the seed
of its shape."""

Row = NamedTuple("Row", [("accuracy", float)])
"""Hungarian accuracy of the pixels inside the brain."""


def summary(rows: Rows) -> Summary:
    """The accuracy at each strength, over the trainings, each the mean of its fields."""
    def over_seeds(values: Sequence[float], seeds: Sequence[int]) -> tuple[float, float, float]:
        return spread([fmean(value for value, one in zip(values, seeds, strict=True) if one == seed)
                       for seed in dict.fromkeys(seeds)])

    return by_cell(((f"{run.strength:g}", run.way, row.accuracy, run.seed) for run, row in rows.items()), over_seeds)


TABLE = Table(
    "tissues", Run, Row, summary=summary, facts={"steps": tissues.STEPS}, again={"strength": "0.0"},
    chart=Chart("curves", "Hungarian accuracy", along="strength b of the field",
                alt="Four curves with the range of ten trainings or seeds. K-means of grey values is highest without a "
                    "field and falls to about one half; flattened first, it hardly falls. The network with fields in "
                    "its views is above the one without under every field, and mostly below it without one."))


def work(plan: Plan) -> Iterator[Work]:
    """A training is a piece of work."""
    plan.fit(slices=[f"MNI152, {n}" for n in tissues.LEARNT_FROM])
    plan.judge(slices=[f"MNI152, {n}" for n in tissues.HELD])
    for way in plan.few(WAYS):
        for seed in plan.few(SEEDS):
            runs = [Run(way, seed, *one) for one in plan.few(tissues.conditions())]
            yield Work(runs, measured, runs, steps=plan.steps(tissues.STEPS))


def measured(runs: list[Run], *, steps: int = tissues.STEPS) -> dict[Run, Row]:
    """Train a network, and let it sort the slices under each field; or sort them by k-means."""
    way, seed = runs[0].way, runs[0].seed
    if way not in tissues.LIGHTS:
        seen = {run: tissues.spoilt(run.strength, run.field) for run in runs}
        return {run: Row(tissues.accuracy(tissues.by_grey(
            tissues.flattened(given) if way == tissues.FLAT else given, seed=seed))) for run, given in seen.items()}
    taught, learnt = tissues.learning(way, seed, steps)
    last(taught)
    learner = learnt()
    return {run: Row(tissues.accuracy(learner.sorted(tissues.spoilt(run.strength, run.field)))) for run in runs}
