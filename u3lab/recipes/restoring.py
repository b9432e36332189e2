"""The table and the pictures of notebook 04: holes, text and missing pixels, filled by several shapes and rivals.

    python -m u3lab.recipes.restoring                      # data/results/restoring.json and restoring-TASK.jpg

A run takes from one second to three minutes of one thread, all together an hour. What the file has is not computed
again, and its picture is taken from the cache. Convolutional sparse coding needs SPORCO (`pip install sporco`).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch
from torch import Tensor

from u3lab import __version__, images, pixels
from u3lab._system import paths
from u3lab.lessons.prior import restoring
from u3lab.lessons.prior.restoring import METHODS, MOST, PHOTOS, SIDE, TASKS, Reached, Run
from u3lab.recipes import _writing

QUALITY = 90


def place(run: Run) -> tuple:
    """Where a row stands in the table."""
    return (TASKS.index(run.task), PHOTOS[run.task].index(run.photo), METHODS[run.task].index(run.method),
            run.seed)


def file_of(run: Run, folder: Path) -> Path:
    """Where a filling is kept until all are there."""
    return folder / ("-".join(map(str, run)).replace(" ", "_") + ".png")


def sheet(task: str, folder: Path) -> Tensor:
    """The fillings of a task from the first seed, a row for each photo; grey where there is none."""
    def one(name: str, method: str) -> Tensor:
        file = file_of(Run(task, name, method, 0), folder)
        return images.load(file) if file.exists() else torch.full((1, 3, SIDE, SIDE), 0.5)

    return torch.cat([torch.cat([one(name, method) for method in METHODS[task]], 3)
                      for name in PHOTOS[task]], 2)


def main(arguments: list[str] | None = None) -> None:
    """Fill the table, and lay out the pictures."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS)
    parser.add_argument("--but", nargs="+", default=(), help="methods to leave out")
    chosen = _writing.options(parser, arguments, "results")
    file, steps = chosen.out / "restoring.json", 2 if chosen.short else MOST
    folder = Path(tempfile.mkdtemp(prefix="u3lab-")) if chosen.short else paths.cache("restoring")
    head = {"recipe": "python -m u3lab.recipes.restoring", "u3lab": __version__, "torch": torch.__version__,
            "pictures": {task: list(names) for task, names in PHOTOS.items()}, "fit": restoring.FIT,
            "columns": Run._fields + Reached._fields}

    def reached(run: Run) -> Reached:
        made, picture = restoring.filled(run, steps)
        paths.write_atomically(file_of(run, folder), pixels.png(picture.clamp(0, 1)))
        return Reached(made, *(round(value, 5) for value in restoring.measured(run, made, picture)[1:]))

    todo = [run for run in restoring.plan() if run.task in chosen.tasks and run.method not in chosen.but]
    _writing.fill(file, head, todo[:2] if chosen.short else todo, reached, place)
    for task in TASKS:
        _writing.write(chosen.out / f"restoring-{task}.jpg", pixels.jpeg(sheet(task, folder), quality=QUALITY))
    large = folder / "large.png"
    if not large.exists():
        paths.write_atomically(large, pixels.png(restoring.large(steps).clamp(0, 1)))
    _writing.write(chosen.out / "restoring-large.jpg", pixels.jpeg(images.load(large), quality=QUALITY))


if __name__ == "__main__":
    main()
