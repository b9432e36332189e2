"""The labellers of notebook 03 that learn from a film, and how well they find marked points again in other frames.

    python -m u3lab.experiments rabbits  # results/rabbits.json and weights/labeller-rabbit-1, -6 and -25

A run takes two minutes of one processor, before which the flow is estimated, in one. A run that was stopped goes on
from its checkpoint in the cache; what the table has is not computed again. The points are 45, in 15 frames. The longest
run was added when the others had been judged by them, and the further seeds as well; nothing else was chosen by them.
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor

from u3lab import __version__
from u3lab._system import paths
from u3lab.descent import last
from u3lab.experiments import _writing
from u3lab.lessons.landmarks import film
from u3lab.lessons.landmarks.film import DELTAS, Run

STEPS, NEAR, SEEDS = 1000, 0.05, 3  # NEAR: of the frame's side
WAYS = (*film.RIVALS, "labelling")


def place(run: Run) -> tuple:
    """Where a row stands in the table."""
    return WAYS.index(run.way), run.delta, run.steps, run.seed


def reached(run: Run, chosen: argparse.Namespace) -> tuple[float, float]:
    """The median error in pixels, and the share of points that are found near."""
    if run.way in film.RIVALS:
        return summed(film.RIVALS[run.way]())
    net, taught = film.learnt(run, _writing.state(chosen, "rabbit", run.delta, run.steps, run.seed),
                              first=DELTAS[-2] + 1 if chosen.short else None)
    last(taught, total=run.steps + 1, title=f"Δ = {run.delta}, seed {run.seed}")
    if not run.seed:
        _writing.weights(chosen.out / "weights" / f"labeller-rabbit-{run.delta}.safetensors", net, steps=run.steps,
                         torch=torch.__version__, recipe="python -m u3lab.experiments rabbits")
    return summed(film.matched(net))


def summed(found: Tensor) -> tuple[float, float]:
    """Of points (P,3,2): the median error in pixels, and the share within NEAR of the frame's side."""
    error = film.errors(found)
    return round(float(error.median()), 3), round(float((error < NEAR * film.frames().shape[-1]).double().mean()), 4)


def main(arguments: list[str] | None = None) -> None:
    """Teach the labellers and fill the table."""
    chosen = _writing.options(argparse.ArgumentParser(description=main.__doc__), arguments)
    runs = [Run("labelling", delta, 2 if chosen.short else STEPS, seed) for seed in range(1 if chosen.short else SEEDS)
            for delta in (DELTAS[:-1] if chosen.short else DELTAS)]
    if not chosen.short:
        longer = Run("labelling", DELTAS[-1], 3 * STEPS, 0)  # its weights are those that ship
        runs = [*(Run(way, 0, 0, 0) for way in film.RIVALS), *runs, longer]
    head = {"recipe": "python -m u3lab.experiments rabbits", "u3lab": __version__, "torch": torch.__version__,
            "pictures": paths.sha256(paths.data("clips", "rabbit.zip"))[:12], "near": NEAR,
            "columns": (*Run._fields, "median error", "near")}
    _writing.fill(chosen.out / "results" / "rabbits.json", head, runs, lambda run: reached(run, chosen), place)
