"""The table of chapter 5: fifteen layers of two networks, inverted under three priors for six photos, beside floors.

    python -m u3lab.recipes.inversion_table       # data/results/inversion.json and inversion-NETWORK.jpg

270 searches, each of at most 20 seconds of one thread: 40 minutes. What the file has is not computed again,
and its picture is taken from the cache.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch
from torch import Tensor

from u3lab import __version__, images, pixels
from u3lab._system import paths
from u3lab.lessons.inversion import table
from u3lab.lessons.inversion.table import FLOORS, LAYERS, LIMITS, PHOTOS, PRIORS, QUALITY, SIDE, Inverted, Run
from u3lab.nets import Classifier
from u3lab.recipes import _writing


def file_of(run: Run, folder: Path) -> Path:
    """Where a picture is kept until all are there."""
    return folder / ("-".join(run).replace(" ", "_") + ".png")


def sheet(net: Classifier, folder: Path) -> Tensor:
    """The pictures of a network, a row for each photo and prior, a column for each layer; grey where there is none."""
    def one(run: Run) -> Tensor:
        file = file_of(run, folder)
        return images.load(file) if file.exists() else torch.full((1, 3, SIDE, SIDE), 0.5)

    layers = LAYERS[net.name]
    return torch.cat([torch.cat([one(Run(photo, net.name, layer, kind)) for layer in layers], 3)
                      for photo in PHOTOS for kind in PRIORS], 2)


def main(arguments: list[str] | None = None) -> None:
    """Fill the table, and lay out the pictures."""
    chosen = _writing.options(argparse.ArgumentParser(description=main.__doc__), arguments, "results")
    folder = Path(tempfile.mkdtemp(prefix="u3lab-")) if chosen.short else paths.cache("inversion-table")
    networks, judges = table.load_networks()
    order = table.runs(networks)
    head = {"recipe": "python -m u3lab.recipes.inversion_table", "u3lab": __version__, "torch": torch.__version__,
            "side": SIDE, "limits": LIMITS, "pictures": PHOTOS, "columns": Run._fields + Inverted._fields}
    by_name = {net.name: net for net in networks}

    def reached(run: Run) -> Inverted:
        net, other = by_name[run.network], judges[run.network]
        if run.prior in FLOORS:
            return table.judged(net, other, run, table.floor(run))
        limit = 2 if chosen.short else LIMITS[run.prior]
        step = table.search(net, run, limit=limit, seed=chosen.seed)
        paths.write_atomically(file_of(run, folder), pixels.png(step.value))
        made = table.judged(net, other, run, step.value)
        return made._replace(steps=step.iteration, settled=int(step.iteration < limit))

    todo = order if not chosen.short else [run for run in order if run.photo == "hens" and run.layer == "conv1"]
    _writing.fill(chosen.out / "inversion.json", head, todo, reached, order.index)
    for net in networks:
        content = pixels.jpeg(sheet(net, folder), quality=QUALITY)
        _writing.write(chosen.out / f"inversion-{net.name}.jpg", content)


if __name__ == "__main__":
    main()
