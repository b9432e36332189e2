"""The table of notebook 02c: digits sorted without labels, by mutual information and by k-means.

    python -m u3lab.experiments clusters                   # data/results/clusters.json

Every run is written to the file as it ends, and what the file has is not computed again. The numbers of steps,
sub-heads and rate were chosen with the first seed, out of four settings.
"""

from __future__ import annotations

import argparse

import torch

from u3lab import __version__
from u3lab._system import paths
from u3lab.experiments import _writing
from u3lab.lessons.selfsup import clusters
from u3lab.lessons.selfsup.clusters import Clustered

SEEDS = 5


def place(run: Clustered) -> tuple:
    """Where a row stands in the table."""
    return clusters.WAYS.index(run.way), run.seed


def main(arguments: list[str] | None = None) -> None:
    """Fill the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    chosen = _writing.options(parser, arguments, "results")
    file = chosen.out / "clusters.json"
    head = {"recipe": "python -m u3lab.experiments clusters", "u3lab": __version__, "torch": torch.__version__,
            "pictures": paths.sha256(paths.data("handwritten", "mnist.webp"))[:12], "digits": clusters.DIGITS,
            "columns": Clustered._fields + ("accuracy", "best head")}
    todo = [Clustered("digits", way, seed) for seed in range(SEEDS) for way in clusters.WAYS]

    def reached(run: Clustered) -> tuple[float, ...]:
        return tuple(round(one, 4) for one in clusters.reached(run, 2 if chosen.short else None))

    _writing.fill(file, head, todo[:2] if chosen.short else todo, reached, place)
