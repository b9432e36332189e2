"""The labeller of notebook 03 that learns from slices of one head, and how far it carries points of another head.

    python -m u3lab.experiments carried  # results/carried.json and weights/labeller-brain.safetensors

A run takes two minutes of one processor. A run that was stopped goes on from its checkpoint in the cache; what the
table has is not computed again. The points of the test are of the other patient; nothing was chosen by them.
"""

from __future__ import annotations

import argparse

import torch

from u3lab import __version__
from u3lab._system import paths
from u3lab.descent import last
from u3lab.experiments import _writing
from u3lab.lessons.landmarks import clinic
from u3lab.lessons.landmarks.clinic import Run

STEPS, NEAR = 800, 5.0  # NEAR: millimetres
WAYS = (*clinic.RIVALS, "labelling")
LEARNT, TESTED = "brain1", "brain2"
PLAN = [Run(way, "", 0, 0) for way in clinic.RIVALS] + [Run("labelling", LEARNT, STEPS, seed) for seed in range(3)]


def place(run: Run) -> tuple:
    """Where a row stands in the table."""
    return WAYS.index(run.way), run.patient, run.seed


def reached(run: Run, chosen: argparse.Namespace) -> tuple[float, float]:
    """The median error in millimetres, and the share of points within NEAR."""
    given = clinic.asked(TESTED)
    if run.way in clinic.RIVALS:
        found = clinic.RIVALS[run.way](given)
    else:
        net, taught = clinic.learnt(run, _writing.state(chosen, "carried", run.patient, run.steps, run.seed))
        last(taught, total=run.steps + 1, title=f"{run.patient}, seed {run.seed}")
        if not run.seed:
            _writing.weights(chosen.out / "weights" / "labeller-brain.safetensors", net, steps=run.steps,
                             torch=torch.__version__, recipe="python -m u3lab.experiments carried")
        found = clinic.carried(net, given)
    error = clinic.errors(found, given)
    return round(float(error.median()), 3), round(float((error < NEAR).double().mean()), 4)


def main(arguments: list[str] | None = None) -> None:
    """Teach the labellers and fill the table."""
    chosen = _writing.options(argparse.ArgumentParser(description=main.__doc__), arguments)
    head = {"recipe": "python -m u3lab.experiments carried", "u3lab": __version__, "torch": torch.__version__,
            "pictures": paths.sha256(paths.data("scans", "index.json"))[:12], "near": NEAR,
            "columns": (*Run._fields, "median error", "near")}
    _writing.fill(chosen.out / "results" / "carried.json", head, [Run("labelling", LEARNT, 2, 0)]
                  if chosen.short else PLAN, lambda run: reached(run, chosen), place)
