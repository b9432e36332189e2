"""The last layers inverted by the deep image prior: at 192 px, and from a start that knows the answer.

    python -m u3lab.experiments deep_codes   # data/results/deep.json, deep.jpg and deep-starts.jpg

27 runs of half a minute to a minute and a half of one thread, 25 minutes. What the file has is not computed again, and
its picture is taken from the cache.
"""

from __future__ import annotations

import argparse

import torch

from u3lab import __version__, pixels
from u3lab._system import paths
from u3lab.experiments import _writing
from u3lab.lessons.inversion import deep, table
from u3lab.lessons.inversion.deep import STEPS, Reached, Run


def main(arguments: list[str] | None = None) -> None:
    """Fill the table, and lay out the pictures."""
    chosen = _writing.options(argparse.ArgumentParser(description=main.__doc__), arguments, "results")
    folder = _writing.pictures(chosen, "deep-codes")
    networks, judges = table.load_networks()
    by_name, order = {net.name: net for net in networks}, deep.runs()
    head = {"recipe": "python -m u3lab.experiments deep_codes", "u3lab": __version__, "torch": torch.__version__,
            "pictures": list(deep.NAMES), "steps": {str(side): steps for side, steps in STEPS.items()},
            "columns": Run._fields + Reached._fields}

    def reached(run: Run) -> Reached:
        net, few = by_name[run.network], {"steps": 2, "drawing": 2} if chosen.short else {}
        first, best = deep.search(net, run, **few)
        paths.write_atomically(_writing.picture(run, folder), pixels.png(best.value))
        return deep.judged(net, judges[run.network], run, first.value, best.value)

    todo = order if not chosen.short else [run for run in order if run.photo == "dog" and run.layer == "logits"]
    _writing.fill(chosen.out / "deep.json", head, todo, reached, order.index)
    for file, rows in deep.sheets().items():
        side = next(iter(rows.values()))[0].side
        _writing.write(chosen.out / file, pixels.jpeg(_writing.sheet(rows.values(), folder, side), quality=88))
