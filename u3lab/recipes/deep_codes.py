"""The last layers inverted by the deep image prior: at 192 px, and from a start that knows the answer.

    python -m u3lab.recipes.deep_codes       # data/results/deep.json, deep.jpg and deep-starts.jpg

27 runs of half a minute to a minute and a half of one thread, 25 minutes. What the file has is not computed again, and
its picture is taken from the cache.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch
from torch import Tensor

from u3lab import __version__, images, pixels
from u3lab._system import paths
from u3lab.lessons.inversion import deep, table
from u3lab.lessons.inversion.deep import STEPS, Reached, Run
from u3lab.recipes import _writing


def file_of(run: Run, folder: Path) -> Path:
    """Where a picture is kept until all are there."""
    return folder / ("-".join(map(str, run)).replace(" ", "_") + ".png")


def sheet(rows: list[list[Run]], folder: Path) -> Tensor:
    """Pictures row by row; grey where there is none."""
    def one(run: Run) -> Tensor:
        file = file_of(run, folder)
        return images.load(file) if file.exists() else torch.full((1, 3, run.side, run.side), 0.5)

    return torch.cat([torch.cat([one(run) for run in row], 3) for row in rows], 2)


def main(arguments: list[str] | None = None) -> None:
    """Fill the table, and lay out the pictures."""
    chosen = _writing.options(argparse.ArgumentParser(description=main.__doc__), arguments, "results")
    folder = Path(tempfile.mkdtemp(prefix="u3lab-")) if chosen.short else paths.cache("deep-codes")
    networks, judges = table.load_networks()
    by_name, order = {net.name: net for net in networks}, deep.runs()
    head = {"recipe": "python -m u3lab.recipes.deep_codes", "u3lab": __version__, "torch": torch.__version__,
            "pictures": list(deep.NAMES), "steps": {str(side): steps for side, steps in STEPS.items()},
            "columns": Run._fields + Reached._fields}

    def reached(run: Run) -> Reached:
        net, few = by_name[run.network], {"steps": 2, "drawing": 2} if chosen.short else {}
        first, best = deep.search(net, run, **few)
        paths.write_atomically(file_of(run, folder), pixels.png(best.value))
        return deep.judged(net, judges[run.network], run, first.value, best.value)

    todo = order if not chosen.short else [run for run in order if run.photo == "dog" and run.layer == "logits"]
    _writing.fill(chosen.out / "deep.json", head, todo, reached, order.index)
    for file, rows in deep.sheets().items():
        _writing.write(chosen.out / file, pixels.jpeg(sheet(list(rows.values()), folder), quality=88))


if __name__ == "__main__":
    main()
