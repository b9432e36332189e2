"""Chapter 1 on more tasks: one trunk for four tasks, a trunk for each, and heads on the source's features.

    python -m u3lab.experiments tasks    # results/tasks.json

A quarter of the labels is missing, for each task on its own; all ways learn from the same scenes and labels, with as
many steps for each network.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from u3lab import nets
from u3lab.datasets import photos
from u3lab.descent import last
from u3lab.experiments._table import Chart, Evidence, Plan, Table, Work, cells
from u3lab.lessons.universal import solids
from u3lab.lessons.universal.trials import interval
from u3lab.nets import Classifier

NETWORK, SEEDS, MISSING = "squeezenet1_1", range(3), 0.25
TASKS = ("segments", "boundaries", "normals", "label")
GUESS = "a guess"
WAYS = {"source's features": ("features", [TASKS]), "one trunk": ("parallel", [TASKS]),
        "a trunk for each": ("parallel", [(name,) for name in TASKS])}  # adapters, and the tasks of each network

Run = NamedTuple("Run", [("way", str), ("seed", int)])
"""One way to learn four tasks; ``seed`` chooses the scenes and which labels are missing."""

Reached = NamedTuple("Reached", [("segments", float), ("boundaries", float), ("normals", float), ("label", float),
    ("numbers", int)])
"""Mean IoU, F₁, median angle in degrees (the smaller the better), share right; how many numbers were trained."""


TABLE = Table(
    "tasks", Run, Reached, facts={"network": NETWORK, "missing": MISSING, "steps": solids.STEPS},
    again={"way": "source's features", "seed": "0"},
    summary=cells("{way}", {column: column for column in Reached._fields},  # as many numbers are trained for all seeds
                  lambda values: interval(values) if len(set(values)) > 1 else values[0]),
    uneven={"seeds": "A guess: everywhere the most frequent surface"},
    evidence=Evidence(
        "whether one trunk is as good as one for each task",
        measured="On the test's scenes: mean IoU of six kinds of surface, F₁ of boundaries at 0.5, the median angle "
                 "between true and answered direction in degrees, the share of labels right.",
        on=f"Rendered scenes, {solids.SEEN} to learn from and {solids.HELD_OUT} of the test, which lie on photos of "
           "other photographers; a quarter of the labels is missing, for each task on its own.",
        often="Three seeds, each with other scenes to learn from. The 95 % intervals are Student's, over seeds.",
        floor="A guess: everywhere the most frequent surface, a boundary everywhere, the mean direction, the most "
              "frequent label. Heads on the source's features.",
        rivals="A trunk for each task has the same scenes, labels and steps, and so four times as many steps in all.",
        chosen="Rate and number of steps with the first seed, which is one of the three that are shown; on which "
               "scenes is not recorded.",
        limits="Three seeds: small differences cannot be told from none. Rendered scenes do not look like photos."),
    chart=Chart("bars", "mean IoU, F₁, or share right", columns=("segments", "boundaries", "label"),
                alt="Bars for a guess, the source's features, one trunk and a trunk for each task: mean IoU of "
                    "segments, F₁ of boundaries, share of labels right."))


def work(plan: Plan) -> Iterator[Work]:
    """A way and a seed is a piece of work."""
    net, seeds = nets.load(NETWORK, fold=False), plan.few(SEEDS)
    plan.fit(scenes=[f"train, {1 + seed}" for seed in seeds], photos=photos.names(split="train"))
    plan.judge(scenes=["test, 0"], photos=photos.names(split="test"))
    yield Work(Run(GUESS, 0), guessed)
    yield from (Work(Run(way, seed), measured, net, way, seed, plan.steps(solids.STEPS))
                for way in WAYS for seed in seeds)


def guessed() -> Reached:
    """What one gets without looking at a picture."""
    return Reached(**solids.guessed(solids.held_out().labels), numbers=0)


def measured(net: Classifier, way: str, seed: int, steps: int = solids.STEPS) -> Reached:
    """Train the networks of a way, and ask them about the scenes of the test."""
    scores, count, test = {}, 0, solids.held_out()
    method, sets = WAYS[way]
    for names in sets:
        tasks = solids.begin(net, names, method=method)
        last(solids.train(tasks, solids.seen(seed), solids.present(MISSING, seed), seed, steps=steps))
        answers = solids.answers(tasks, test.images)
        scores |= {name: solids.score(name, answers[name], test.labels[name]) for name in names}
        count += sum(weight.numel() for weight in (*solids.own(tasks.net), *tasks.heads.parameters()))
    return Reached(**scores, numbers=count)
