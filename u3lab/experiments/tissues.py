"""The table of notebook 02c on tissues: two networks without labels, ten trainings each, under three made fields.

    python -m u3lab.experiments tissues      # data/results/tissues.json

What the table has is not computed again.
"""

from __future__ import annotations

import argparse

import torch
from tqdm.auto import tqdm

from u3lab import __version__
from u3lab._system import paths
from u3lab.descent import last
from u3lab.experiments import _writing
from u3lab.lessons.selfsup import tissues
from u3lab.lessons.selfsup.tissues import LIGHTS, STEPS, Run

SEEDS = 10


def place(run: Run) -> tuple:
    """Where a row stands in the table."""
    return [*LIGHTS].index(run.way), *run[1:]


def main(arguments: list[str] | None = None) -> None:
    """Fill the table; a training is one piece of work."""
    chosen = _writing.options(argparse.ArgumentParser(description=main.__doc__), arguments, "results")
    file, asked = chosen.out / "tissues.json", tissues.asked()
    head = {"recipe": "python -m u3lab.experiments tissues", "u3lab": __version__, "torch": torch.__version__,
            "pictures": paths.sha256(paths.data("concepts", "brain.png"))[:12], "steps": STEPS,
            "columns": (*Run._fields, "accuracy")}
    for seed in tqdm(range(1 if chosen.short else SEEDS)):
        for way in [*LIGHTS][: 1 if chosen.short else None]:
            runs = [Run(way, seed, *one) for one in (asked[:1] if chosen.short else asked)]
            if all(run in _writing.rows(file, head, Run) for run in runs):
                continue
            steps, learnt = tissues.learning(way, seed, 2 if chosen.short else STEPS)
            last(steps)
            learner = learnt()
            for run in runs:
                found = tissues.accuracy(learner.sorted(tissues.spoilt(run.strength, run.field)))
                _writing.add_row(file, head, run, (round(found, 4),), place)
    print(file, file.stat().st_size, "bytes", paths.sha256(file))
