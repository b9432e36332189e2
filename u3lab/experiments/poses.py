"""Poses from turns between pairs alone, notebook 03b: four minutes of one thread for each training.

    python -m u3lab.experiments poses                  # data/results/poses.json, data/weights/pose-chair.safetensors

A training that was stopped goes on from its state in the cache; what the table has is not computed again. The weights
are those of chairs and the first seed.
"""

from __future__ import annotations

import argparse

import torch
from tqdm.auto import tqdm

from u3lab import __version__
from u3lab._system import paths
from u3lab.experiments import _writing
from u3lab.lessons.landmarks import frames
from u3lab.lessons.landmarks.frames import EACH, THINGS, Pose

SEEDS = 3
TESTED = ("known", "unknown")
FEW = 22  # things, the two dozen less two


def runs() -> list[Pose]:
    """All trainings, without what each is tested on."""
    first, *more = [Pose("chair", THINGS, True, seed, "") for seed in range(SEEDS)]
    fewer = [Pose("chair", FEW, varied, 0, "") for varied in (True, False)]
    return [first, Pose("car", THINGS, True, 0, ""), *more, *fewer]


def place(run: Pose) -> tuple:
    """Where a row stands in the table."""
    return run.kind != "chair", -run.things, not run.varied, run.seed, run.tested


def main(arguments: list[str] | None = None) -> None:
    """Fill the table and write the weights."""
    chosen = _writing.options(argparse.ArgumentParser(description=main.__doc__), arguments)
    file, steps, todo = chosen.out / "results" / "poses.json", frames.STEPS, runs()
    if chosen.short:
        steps, todo = 2, [Pose("chair", FEW, True, 0, "")]
    views = 2 * frames.HELD_OUT if chosen.short else frames.VIEWS
    head = {"recipe": "python -m u3lab.experiments poses", "u3lab": __version__, "torch": torch.__version__,
            "pictures": {"things": THINGS, "views of each": EACH, "held out": frames.HELD_OUT}, "steps": steps,
            "batch": frames.BATCH, "columns": Pose._fields + frames.Found._fields}
    for run in todo:
        weights = chosen.out / "weights" / f"{frames.name(run.kind)}.safetensors"
        ships = (run.kind, run.things, run.seed) == ("chair", THINGS, 0) or chosen.short
        there = _writing.rows(file, head, Pose)
        if run._replace(tested=TESTED[-1]) in there and (weights.exists() or not ships):
            continue
        net, taught = frames.learnt(run, steps, _writing.state(chosen, "pose", *run[:4]))
        for _ in tqdm(taught, total=steps + 1, desc=f"{run.kind}, {run.things} things, seed {run.seed}"):
            pass
        if ships:
            _writing.weights(weights, net.module, eight_bits=True, recipe="python -m u3lab.experiments poses",
                             torch=torch.__version__)
        for tested in TESTED:
            found = frames.measured(net, frames.tests(run.kind, tested, views))
            _writing.add_row(file, head, run._replace(tested=tested), tuple(round(x, 3) for x in found), place)
    print(file, file.stat().st_size, "bytes", paths.sha256(file))
