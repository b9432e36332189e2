"""The table of chapter 5: fifteen layers of two networks, inverted under three priors for six photos, beside floors.

    python -m u3lab.experiments inversion_table   # data/results/inversion.json and inversion-NETWORK.jpg

270 searches, each of at most 20 seconds of one thread: 40 minutes. What the file has is not computed again,
and its picture is taken from the cache.
"""

from __future__ import annotations

import argparse

import torch

from u3lab import __version__, pixels
from u3lab._system import paths
from u3lab.experiments import _writing
from u3lab.lessons.inversion import table
from u3lab.lessons.inversion.table import FLOORS, LAYERS, LIMITS, PHOTOS, PRIORS, QUALITY, SIDE, Inverted, Run


def main(arguments: list[str] | None = None) -> None:
    """Fill the table, and lay out the pictures."""
    chosen = _writing.options(argparse.ArgumentParser(description=main.__doc__), arguments, "results")
    folder = _writing.pictures(chosen, "inversion-table")
    networks, judges = table.load_networks()
    order = table.runs(networks)
    head = {"recipe": "python -m u3lab.experiments inversion_table", "u3lab": __version__, "torch": torch.__version__,
            "side": SIDE, "limits": LIMITS, "pictures": PHOTOS, "columns": Run._fields + Inverted._fields}
    by_name = {net.name: net for net in networks}

    def reached(run: Run) -> Inverted:
        net, other = by_name[run.network], judges[run.network]
        if run.prior in FLOORS:
            return table.judged(net, other, run, table.floor(run))
        limit = 2 if chosen.short else LIMITS[run.prior]
        step = table.search(net, run, limit=limit, seed=chosen.seed)
        paths.write_atomically(_writing.picture(run, folder), pixels.png(step.value))
        made = table.judged(net, other, run, step.value)
        return made._replace(steps=step.iteration, settled=int(step.iteration < limit))

    todo = order if not chosen.short else [run for run in order if run.photo == "hens" and run.layer == "conv1"]
    _writing.fill(chosen.out / "inversion.json", head, todo, reached, order.index)
    for net in networks:
        rows = [[Run(photo, net.name, layer, kind) for layer in LAYERS[net.name]]
                for photo in PHOTOS for kind in PRIORS]
        content = pixels.jpeg(_writing.sheet(rows, folder, SIDE), quality=QUALITY)
        _writing.write(chosen.out / f"inversion-{net.name}.jpg", content)
