"""What do clusters hand on? Students that learn to name a teacher's clusters of digits, and others as a control.

    python -m evidence students      # results/students.json, a minute a seed
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from evidence._mosaics import by_kmeans
from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell, over, spread
from evidence.clusters import DIGITS
from u3lab import selfsup
from u3lab.datasets import handwritten
from u3lab.descent import last
from u3lab.selfsup.matching import hungarian_accuracy
from u3lab.selfsup.transfer import taught

TEACHER, NEW, PIXELS = "the teacher", "student, not taught", "pixels, no network"
STUDENT, SHUFFLED, OF_PIXELS = "student of the teacher", "student of shuffled clusters", "student of pixels' clusters"
WAYS = (TEACHER, STUDENT, SHUFFLED, OF_PIXELS, NEW, PIXELS)
SEEDS = (0, 1, 2)
LEARNT_FROM, JUDGED = slice(2000), slice(2000, 4000)  # digits
LAYER, KINDS = "conv3", 10
WIDTH, STEPS, TEACHING = 12, 60, 300  # of a student; of the teacher's training

Run = NamedTuple("Run", [("way", str), ("seed", int)])
"""Whose features are sorted; the seed of teacher and student."""

Row = NamedTuple("Row", [("accuracy", float)])
"""Hungarian accuracy of ten clusters of the features."""


def summary(rows: Rows) -> Summary:
    """The accuracy of each, and what the teacher's student has beyond the others with its seed."""
    found = by_cell(((run.way, "accuracy", row.accuracy) for run, row in rows.items()), spread)
    for way in [one for one in found if one != STUDENT and Run(STUDENT, SEEDS[0]) in rows]:
        found[way]["gain of the teacher's student"] = over(
            rows[Run(STUDENT, run.seed)].accuracy - row.accuracy for run, row in rows.items() if run.way == way)
    return found


TABLE = Table(
    "students", Run, Row, summary=summary, again={"way": PIXELS},
    facts={"steps": STEPS, "width": WIDTH, "teacher": {**DIGITS, "steps": TEACHING}},
    chart=Chart("bars", "Hungarian accuracy of k-means", columns=("accuracy",),
                alt="Bars for k-means of six features, with the range of three seeds."))


def work(plan: Plan) -> Iterator[Work]:
    """A teacher and all that goes with it is a piece of work."""
    digits, labels = handwritten.load()
    plan.fit(digits=digits[LEARNT_FROM, 0])
    plan.judge(digits=digits[JUDGED, 0])
    for seed in plan.few(SEEDS):
        runs = [Run(way, seed) for way in WAYS if way != PIXELS]
        yield Work(runs, measured, plan, digits, labels, seed)
        yield Work(Run(PIXELS, seed), of_pixels, digits, labels, seed)


def measured(plan: Plan, digits: Tensor, labels: Tensor, seed: int) -> Iterator[tuple[Run, Row]]:
    """Train a teacher and three students, and sort the unseen digits by the features of each."""
    seen, unseen, true = digits[LEARNT_FROM], digits[JUDGED], labels[JUDGED]
    steps = plan.steps(STEPS)

    def reached(way: str, net: torch.nn.Module) -> tuple[Run, Row]:
        found = selfsup.pseudo_labels(net, LAYER, unseen, KINDS, seed=seed)
        return Run(way, seed), Row(hungarian_accuracy(found, true))

    teacher = selfsup.digit_encoder(seed=seed)
    settings = selfsup.ClusterSettings(**{**DIGITS, "steps": plan.steps(TEACHING), "seed": seed})
    last(selfsup.cluster(teacher, seen, KINDS, settings=settings))
    yield reached(TEACHER, teacher)
    own = selfsup.pseudo_labels(teacher, LAYER, seen, KINDS, seed=seed)
    shuffled = own[torch.randperm(len(own), generator=torch.Generator().manual_seed(seed))]
    for way, clusters in ((STUDENT, own), (SHUFFLED, shuffled), (OF_PIXELS, sorted_pixels(seen, seed))):
        student = selfsup.digit_encoder(WIDTH, seed=100 + seed)  # the same first weights for each
        last(taught(student, seen, clusters, KINDS, settings=selfsup.PretextSettings(
            steps=steps, batch_size=100, seed=seed)))
        yield reached(way, student)
    yield reached(NEW, selfsup.digit_encoder(WIDTH, seed=100 + seed))


def of_pixels(digits: Tensor, labels: Tensor, seed: int) -> Row:
    """Sort the unseen digits by their pixels."""
    return Row(by_kmeans(digits[JUDGED, :1], labels[JUDGED], KINDS, seed)[0])


def sorted_pixels(digits: Tensor, seed: int) -> Tensor:
    """The clusters (N) that k-means finds in the pixels of digits (N,3,H,W)."""
    from sklearn.cluster import KMeans

    found = KMeans(KINDS, n_init=4, random_state=seed).fit_predict(digits[:, 0].flatten(1).numpy())
    return torch.from_numpy(found).long()
