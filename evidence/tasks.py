"""Chapter 1 on more tasks: one trunk for four tasks, a trunk for each, and heads on the source's features.

    python -m evidence tasks    # results/tasks.json

A quarter of the labels is missing, for each task on its own. One way leaves out all scenes that lack one: what a mask
saves. Another has as many steps with one trunk as four trunks have together; the others as many for each network.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from evidence import _solids as solids
from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell, cells
from evidence._trials import interval
from u3course.worlds.rendered import Scenes
from u3lab import nets
from u3lab.datasets import photos
from u3lab.descent import last
from u3lab.measures import Interval
from u3lab.nets import Classifier

NETWORK, SEEDS, MISSING = "squeezenet1_1", range(3), 0.25
TASKS = ("segments", "boundaries", "normals", "label")
GUESS = "a guess"


class Way(NamedTuple):
    """Kind of adapters, the tasks of each network, its steps, and whether it learns from complete scenes alone."""

    method: str
    sets: Sequence[Sequence[str]] = (TASKS,)
    steps: int = solids.STEPS
    complete: bool = False


FROZEN, ONE, EACH = "source's features", "one trunk", "a trunk for each"
COMPLETE, MORE = "one trunk, complete scenes only", f"one trunk, {len(TASKS) * solids.STEPS} steps"
WAYS = {FROZEN: Way("features"), ONE: Way("parallel"), COMPLETE: Way("parallel", complete=True),
        MORE: Way("parallel", steps=len(TASKS) * solids.STEPS), EACH: Way("parallel", [(name,) for name in TASKS])}
PAIRS = ((ONE, FROZEN), (ONE, COMPLETE), (ONE, EACH), (MORE, ONE), (MORE, EACH))  # which are compared

Run = NamedTuple("Run", [("way", str), ("seed", int)])
"""One way to learn four tasks; ``seed`` chooses the scenes and which labels are missing."""

Row = NamedTuple("Row", [("segments", float), ("boundaries", float), ("normals", float), ("label", float),
    ("numbers", int)])
"""Mean IoU, F₁, median angle in degrees (the smaller the better), share right; how many numbers were trained."""


def over_seeds(values: Sequence[float]) -> Interval | float:
    """Student's interval; of one seed, or of a count that is the same for all, the number itself."""
    return interval(values) if len(values) > 1 and isinstance(values[0], float) else values[0]


def summary(rows: Rows) -> Summary:
    """What each way reaches, and differences of two ways that are paired by seed."""
    found = cells("{way}", {column: column for column in Row._fields}, over_seeds)(rows)
    apart = by_cell(((f"{way} less {rival}", f"{task}: difference", getattr(row, task) - getattr(other, task))
                     for way, rival in PAIRS for run, row in rows.items() if run.way == way
                     if (other := rows.get((rival, run.seed))) for task in TASKS), over_seeds)
    return {**found, **apart}


TABLE = Table(
    "tasks", Run, Row, facts={"network": NETWORK, "missing": MISSING, "steps": solids.STEPS}, summary=summary,
    again={"way": FROZEN, "seed": "0"},
    uneven={"seeds": "A guess: everywhere the most frequent surface"},
    chart=Chart("bars", "mean IoU, F₁, or share right", columns=("segments", "boundaries", "label"),
                alt="Bars for a guess, the source's features, one trunk, one trunk from complete scenes, one trunk "
                    "with four times as many steps, and a trunk for each task: mean IoU of segments, F₁ of "
                    "boundaries, share of labels right."))


def work(plan: Plan) -> Iterator[Work]:
    """A way and a seed is a piece of work."""
    net, seeds = nets.load(NETWORK, fold=False), plan.few(SEEDS)
    plan.fit(scenes=[f"train, {1 + seed}" for seed in seeds], photos=photos.names(split="train"))
    plan.judge(scenes=["test, 0"], photos=photos.names(split="test"))
    yield Work(Run(GUESS, 0), guessed)
    yield from (Work(Run(way, seed), measured, net, how, seed, plan.steps(how.steps))
                for way, how in WAYS.items() for seed in seeds)


def guessed() -> Row:
    """What one gets without looking at a picture."""
    return Row(**solids.guessed(solids.held_out().labels), numbers=0)


def measured(net: Classifier, way: Way, seed: int, steps: int) -> Row:
    """Train the networks of a way, and ask them about the scenes of the test."""
    scores, count, test = {}, 0, solids.held_out()
    scenes, given = solids.seen(seed), solids.present(MISSING, seed)
    if way.complete:
        scenes, given = complete(scenes, given)
    for names in way.sets:
        tasks = solids.begin(net, names, method=way.method)
        last(solids.train(tasks, scenes, given, seed, steps=steps))
        answers = solids.answers(tasks, test.images)
        scores |= {name: solids.score(name, answers[name], test.labels[name]) for name in names}
        count += sum(weight.numel() for weight in (*solids.own(tasks.net), *tasks.heads.parameters()))
    return Row(**scores, numbers=count)


def complete(scenes: Scenes, given: dict[str, Tensor]) -> tuple[Scenes, dict[str, Tensor]]:
    """The scenes that have all labels, and their masks, in which nothing is missing."""
    whole = torch.stack(list(given.values())).all(0)
    return (Scenes(scenes.images[whole], {name: labels[whole] for name, labels in scenes.labels.items()}),
            {name: mask[whole] for name, mask in given.items()})
