"""The labeller of notebook 03 that learns from slices of one head, and how far it carries points of another head.

    python -m u3lab.recipes.carried      # results/carried.json and weights/labeller-brain.safetensors

A run takes two minutes of one processor. A run that was stopped goes on from its checkpoint in the cache; what the
table has is not computed again. The points of the test are of the other patient; nothing was chosen by them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from u3lab import __version__
from u3lab._system import paths
from u3lab.descent import last
from u3lab.lessons.landmarks import clinic
from u3lab.lessons.landmarks.clinic import Run
from u3lab.nets import checkpoints
from u3lab.recipes import _writing

STEPS, NEAR = 800, 5.0  # NEAR: millimetres
WAYS = ("nothing has moved", "optical flow", "labelling")
LEARNT, TESTED = "brain1", "brain2"
PLAN = [Run(way, "", 0, 0) for way in WAYS[:2]] + [Run("labelling", LEARNT, STEPS, seed) for seed in range(3)]


def place(run: Run) -> tuple:
    """Where a row stands in the table."""
    return WAYS.index(run.way), run.patient, run.seed


def reached(run: Run, folder: Path) -> tuple[float, float]:
    """The median error in millimetres, and the share of points within NEAR."""
    given = clinic.asked(TESTED)
    if run.way == "labelling":
        state = paths.cache(f"carried-{run.patient}-{run.steps}-{run.seed}.pt") if run.steps > 2 else None
        net, taught = clinic.learnt(run, state)
        last(taught, total=run.steps + 1, title=f"{run.patient}, seed {run.seed}")
        if not run.seed:
            file = folder / "labeller-brain.safetensors"
            checkpoints.save(net, file, torch=torch.__version__, steps=run.steps,
                             recipe="python -m u3lab.recipes.carried")
            print(file, file.stat().st_size, "bytes", paths.sha256(file), flush=True)
        found = clinic.carried(net, given)
    else:
        found = clinic.stayed(given) if run.way == WAYS[0] else clinic.flowed(given)
    error = clinic.errors(found, given)
    return round(float(error.median()), 3), round(float((error < NEAR).double().mean()), 4)


def main(arguments: list[str] | None = None) -> None:
    """Teach the labellers and fill the table."""
    chosen = _writing.options(argparse.ArgumentParser(description=main.__doc__), arguments)
    head = {"recipe": "python -m u3lab.recipes.carried", "u3lab": __version__, "torch": torch.__version__,
            "pictures": paths.sha256(paths.data("scans", "index.json"))[:12], "near": NEAR,
            "columns": (*Run._fields, "median error", "near")}
    _writing.fill(chosen.out / "results" / "carried.json", head, [Run("labelling", LEARNT, 2, 0)]
                  if chosen.short else PLAN, lambda run: reached(run, chosen.out / "weights"), place)


if __name__ == "__main__":
    main()
