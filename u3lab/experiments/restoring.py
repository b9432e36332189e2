"""The table and the pictures of notebook 04: holes, text and missing pixels, filled by several shapes and rivals.

    python -m u3lab.experiments restoring                  # data/results/restoring.json and restoring-TASK.jpg

A run takes from one second to three minutes of one thread, all together an hour. What the file has is not computed
again, and its picture is taken from the cache. Convolutional sparse coding needs SPORCO (`pip install sporco`).
"""

from __future__ import annotations

import argparse

import torch

from u3lab import __version__, images, pixels
from u3lab._system import paths
from u3lab.experiments import _writing
from u3lab.lessons.prior import restoring
from u3lab.lessons.prior.restoring import METHODS, MOST, PHOTOS, SIDE, TASKS, Reached, Run

QUALITY = 90


def place(run: Run) -> tuple:
    """Where a row stands in the table."""
    return (TASKS.index(run.task), PHOTOS[run.task].index(run.photo), METHODS[run.task].index(run.method),
            run.seed)


def main(arguments: list[str] | None = None) -> None:
    """Fill the table, and lay out the pictures."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS)
    parser.add_argument("--but", nargs="+", default=(), help="methods to leave out")
    chosen = _writing.options(parser, arguments, "results")
    file, steps = chosen.out / "restoring.json", 2 if chosen.short else MOST
    folder = _writing.pictures(chosen, "restoring")
    head = {"recipe": "python -m u3lab.experiments restoring", "u3lab": __version__, "torch": torch.__version__,
            "pictures": {task: list(names) for task, names in PHOTOS.items()}, "fit": restoring.FIT,
            "columns": Run._fields + Reached._fields}

    def reached(run: Run) -> Reached:
        made, picture = restoring.filled(run, steps)
        paths.write_atomically(_writing.picture(run, folder), pixels.png(picture.clamp(0, 1)))
        return Reached(made, *(round(value, 5) for value in restoring.measured(run, made, picture)[1:]))

    todo = [run for run in restoring.plan() if run.task in chosen.tasks and run.method not in chosen.but]
    _writing.fill(file, head, todo[:2] if chosen.short else todo, reached, place)
    for task in TASKS:
        laid_out = _writing.sheet([restoring.row(task, name) for name in PHOTOS[task]], folder, SIDE)
        _writing.write(chosen.out / f"restoring-{task}.jpg", pixels.jpeg(laid_out, quality=QUALITY))
    large = folder / "large.png"
    if not large.exists():
        paths.write_atomically(large, pixels.png(restoring.large(steps).clamp(0, 1)))
    _writing.write(chosen.out / "restoring-large.jpg", pixels.jpeg(images.load(large), quality=QUALITY))
