"""The table of chapter 6 on masks with one factor changed: which of them keeps a mask from being a trick?

    python -m u3lab.experiments variants                              # data/results/variants.json, 20 minutes
    python -m u3lab.experiments variants --networks squeezenet1_1     # a part; two such may run side by side
"""

from __future__ import annotations

import argparse
from functools import partial

import torch

from u3lab import __version__, nets
from u3lab.experiments import _writing
from u3lab.lessons.saliency import variants
from u3lab.lessons.saliency.variants import VARIANTS, Reached, Run
from u3lab.lessons.things import Thing, outlined
from u3lab.nets import Classifier

PICTURES = ("coffee", "camera", "dog", "koala", "lemur", "bison", "macaw", "goldfish", "aqueduct", "screwdriver")


def place(run: Run) -> tuple:
    """Where a row stands in the table."""
    return nets.NAMES.index(run.network), list(VARIANTS).index(run.variant), PICTURES.index(run.picture)


def reached(net: Classifier, things: dict[str, Thing], steps: int, run: Run) -> tuple[float, ...]:
    """The row of a run, with four digits."""
    return tuple(round(one, 4) for one in variants.measured(net, things[run.picture], run.variant, steps=steps))


def main(arguments: list[str] | None = None) -> None:
    """Fill the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--networks", nargs="+", choices=nets.NAMES, default=nets.NAMES)
    chosen = _writing.options(parser, arguments, "results")
    head = {"recipe": "python -m u3lab.experiments variants", "u3lab": __version__, "torch": torch.__version__,
            "pictures": list(PICTURES), "columns": (*Run._fields, *Reached._fields)}
    names = (PICTURES[:1], nets.NAMES[:1], 2) if chosen.short else (PICTURES, chosen.networks, 150)
    for name in names[1]:
        net = nets.load(name)
        things = {thing.name: thing for thing in outlined(net.size)}
        todo = [Run(name, variant, picture) for variant in VARIANTS for picture in names[0]]
        _writing.fill(chosen.out / "variants.json", head, todo, partial(reached, net, things, names[2]), place)
