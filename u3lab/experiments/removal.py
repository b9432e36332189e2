"""The table of chapter 6 on things and masks: what is left of an answer without the thing, and without the mask.

    python -m u3lab.experiments removal                              # data/results/removal.json, 15 minutes
    python -m u3lab.experiments removal --networks squeezenet1_1     # a part; two such may run side by side
"""

from __future__ import annotations

import argparse
import math
from functools import partial

import torch

from u3lab import __version__, nets
from u3lab.experiments import _writing
from u3lab.lessons.saliency import removal
from u3lab.lessons.saliency.removal import FAST, Reached, Run
from u3lab.lessons.things import Thing, known, outlined, pasted
from u3lab.nets import Classifier

KINDS = {"pasted": pasted, "outlined": outlined}
HEAD = {"recipe": "python -m u3lab.experiments removal", "u3lab": __version__, "torch": torch.__version__,
        "pictures": "cut-outs on photos, and photos with outlines, those the network gives 0.5 or more",
        "columns": (*Run._fields, *Reached._fields), "methods": FAST}


def place(run: Run) -> tuple:
    """Where a row stands in the table."""
    return nets.NAMES.index(run.network), list(KINDS).index(run.kind), run.picture


def main(arguments: list[str] | None = None) -> None:
    """Fill the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--networks", nargs="+", choices=nets.NAMES, default=nets.NAMES)
    chosen = _writing.options(parser, arguments, "results")
    steps, most = (2, 1) if chosen.short else (150, None)
    for name in chosen.networks[:1] if chosen.short else chosen.networks:
        net = nets.load(name)
        todo = {Run(name, kind, thing.name): thing for kind, make in KINDS.items()
                for thing in known(net, make(net.size))[:most]}
        _writing.fill(chosen.out / "removal.json", HEAD, todo, partial(reached, net, todo, steps), place)


def reached(net: Classifier, things: dict[Run, Thing], steps: int, run: Run) -> tuple:
    """The row of a picture, with four digits; null where a number is not known."""
    *numbers, shares = removal.measured(net, things[run], steps=steps)
    return (*(None if math.isnan(one) else round(one, 4) for one in numbers), [round(one, 4) for one in shares])
