"""The table of chapter 7b on layers: how many concepts have a detector, and what a linear probe reads off.

    python -m u3lab.experiments layers      # data/results/layers.json, five minutes
"""

from __future__ import annotations

import argparse
from functools import partial

import torch

from u3lab import __version__
from u3lab.datasets.labelled import ConceptData
from u3lab.experiments import _writing
from u3lab.lessons.dissection import layers, words
from u3lab.lessons.dissection.layers import LAYERS, Reached, Run
from u3lab.lessons.dissection.words import Asked
from u3lab.nets import Classifier
from u3lab.worlds import concepts

PICTURES = 600


def place(run: Run) -> tuple:
    """Where a row stands in the table."""
    return list(LAYERS).index(run.network), LAYERS[run.network].index(run.layer)


def reached(net: Classifier, data: ConceptData, learn: Asked, ask: Asked, run: Run) -> tuple:
    """The row of a layer, with four digits."""
    return tuple(round(one, 4) for one in layers.measured(net, run.layer, data, learn, ask))


def main(arguments: list[str] | None = None) -> None:
    """Fill the table."""
    chosen = _writing.options(argparse.ArgumentParser(description=main.__doc__), arguments, "results")
    data = concepts.load("train", count=12 if chosen.short else PICTURES, least=1 if chosen.short else 8)
    learn, ask = (words.pictures(held_out=held_out, each=1 if chosen.short else 2) for held_out in (False, True))
    head = {"recipe": "python -m u3lab.experiments layers", "u3lab": __version__, "torch": torch.__version__,
            "pictures": {"to dissect": PICTURES, "to learn from": len(learn.images) if not chosen.short else 0},
            "columns": (*Run._fields, *Reached._fields)}
    for name, of in list(LAYERS.items())[: 1 if chosen.short else None]:
        todo = [Run(name, layer) for layer in of][: 1 if chosen.short else None]
        _writing.fill(chosen.out / "layers.json", head, todo, partial(reached, layers.network(name), data, learn, ask),
                      place)
