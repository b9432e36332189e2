"""Poses from turns between pairs alone, notebook 03b: four minutes of one thread for each training.

    python -m u3lab.experiments poses                  # results/poses.json, weights/pose-chair.safetensors

A training that was stopped goes on from its state in the cache. The weights are those of chairs and the first seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import torch
from torch import nn

from u3lab.descent import Step, last
from u3lab.experiments._table import Chart, Evidence, Plan, Rows, Summary, Table, Work, by_cell, extent
from u3lab.landmarks import PoseSettings, align, learn_pose, pairs_of, pose_encoder, pose_error, poses
from u3lab.lessons.landmarks import frames
from u3lab.nets import Classifier
from u3lab.worlds import turntable
from u3lab.worlds.turntable import Turntable
from u3lab.worlds.turntable.made import numbers

STEPS, BATCH, RATE = 1000, 48, 0.004
THINGS, EACH = 300, 16  # to learn from: things, and views of each
FEW = 22  # things, the two dozen less two
TESTED = ("known", "unknown")
TRAININGS = (*(("chair", THINGS, True, seed) for seed in range(3)), ("chair", FEW, True, 0), ("chair", FEW, False, 0),
             ("car", THINGS, True, 0))

Run = NamedTuple("Run", [("kind", str), ("things", int), ("varied", bool), ("seed", int), ("tested", str)])
"""One training: of which kind, on how many things, whether its pairs are varied, the seed of all, and on what it is
tested: "known" things from other sides, or "unknown" things."""

Reached = NamedTuple("Reached", [("absolute", float), ("beyond", float), ("own", float), ("relative", float)])
"""What is measured, in degrees: of absolute poses, with one h for all, the median and the share that is off by more
than 30°; the median with an h for each thing; that of the turns between two views of a thing."""


def summary(rows: Rows) -> Summary:
    """The median errors on things that nobody has learnt from: mean, least and largest of the seeds."""
    return by_cell(((f"{run.things} {run.kind}s" + ", varied" * run.varied, column, value) for run, row in rows.items()
                    if run.tested == "unknown" for column, value in (
                        ("one h", row.absolute), ("an h for each thing", row.own),
                        ("turn between two views", row.relative))), extent)


KNOWN = "The rows of known things ask what it makes of those that it has learnt from, in other views."
TABLE = Table(
    "poses", Run, Reached, summary=summary, digits=3, again="a training takes four minutes",
    facts={"pictures": {"things": THINGS, "views of each": EACH, "held out": frames.HELD_OUT}, "steps": STEPS,
           "batch": BATCH},
    shared={"fit & judge: chairs": KNOWN, "fit & judge: cars": KNOWN},
    uneven={"seeds": "Chairs, three seeds; the other rows one"},
    evidence=Evidence(
        "how well absolute poses are found by a network that was told only turns between pairs",
        measured="The angle in degrees between the pose found and the true one, after the one rotation h that fits "
                 "best; after an h for each thing; and the error of the turn between two views of a thing.",
        on="Made things on a turntable: 400 views of 40 that no training has seen, and 400 of 22 that all have.",
        often="Chairs, three seeds; the other rows one. The numbers are mean, least and largest of the seeds' medians.",
        floor="The notebook computes who knows the height and guesses the azimuth, and random rotations.",
        rivals="As many views of 22 chairs, with and without varied pairs.",
        limits="Made things, one way up. Of 22 chairs, and of cars, there is one training."),
    chart=Chart("bars", "median error of a pose (degrees)", columns=("one h", "an h for each thing"),
                alt="Bars for chairs and cars: errors of seven degrees, less with few chairs, least without "
                    "variation; an h for each thing makes little difference."))


def work(plan: Plan) -> Iterator[Work]:
    """A training, tested on known and on unknown things, is a piece of work."""
    learnt_from, known, unknown = (torch.tensor(numbers(split, things)) for split, things in (
        ("train", THINGS), ("train", FEW), ("test", frames.HELD_OUT)))
    plan.fit(chairs=learnt_from, cars=learnt_from)
    plan.judge(chairs=torch.cat([known, unknown]), cars=torch.cat([known, unknown]))
    for training in [("chair", FEW, True, 0)] if plan.short else TRAININGS:
        runs = [Run(*training, tested) for tested in TESTED]
        yield Work(runs, measured, plan, runs)


def measured(plan: Plan, runs: list[Run]) -> dict[Run, Reached]:
    """Train a network, and test it; the one that ships is written."""
    first, steps = runs[0], plan.steps(STEPS)
    net, taught = learnt(first, steps, plan.state("pose", *first[:4]))
    last(taught, total=steps + 1, title=f"{first.kind}, {first.things} things, seed {first.seed}")
    if plan.short or first[:4] == TRAININGS[0]:
        plan.weights(f"pose-{first.kind}", net.module, eight_bits=True)
    count = 2 * frames.HELD_OUT if plan.short else frames.VIEWS
    return {run: errors(net, frames.tests(run.kind, run.tested, count)) for run in runs}


@cache
def views(kind: str, things: int, seed: int, most: int) -> Turntable:
    """What is learnt from: at most so many views, of each thing as many."""
    return turntable.draw(kind, things * min(most // things, 220), each=1, things=things, seed=seed)


def learnt(run: Run, steps: int = STEPS, checkpoint: str | None = None) -> tuple[Classifier, Iterator[Step]]:
    """A fresh network and the steps that teach it poses from turns alone."""
    made = views(run.kind, run.things, run.seed, min(EACH * THINGS, steps * BATCH))
    pairs = pairs_of(made.images, made.rotations, made.instances)
    net = pose_encoder(seed=run.seed)
    settings = PoseSettings(lr=RATE, steps=steps, batch_size=BATCH, seed=run.seed)
    return net, learn_pose(net, frames.varied(pairs) if run.varied else pairs, checkpoint=checkpoint, settings=settings)


def errors(net: nn.Module, made: Turntable) -> Reached:
    """How good the poses are that it finds."""
    found, true = poses(net, made.images), made.rotations
    off = pose_error(found, true, align(found, true))
    own, relative = [], []
    for number in made.instances.unique():
        rows = made.instances == number
        own.append(pose_error(found[rows], true[rows], align(found[rows], true[rows])))
        told, seen = (one[rows] @ one[rows].roll(1, 0).mT for one in (true, found))
        relative.append(pose_error(seen, told))
    return Reached(float(off.median()), float((off > 30).double().mean()), float(torch.cat(own).median()),
                   float(torch.cat(relative).median()))
