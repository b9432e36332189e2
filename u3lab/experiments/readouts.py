"""What one linear map reads off each layer of two networks, and off parts of their scores.

    python -m u3lab.experiments readouts   # data/results/readouts.json, 10 minutes of one thread

What the file has is not computed again.
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor

from u3lab import __version__, images
from u3lab.datasets import photos
from u3lab.experiments import _crops, _writing
from u3lab.images import cropping
from u3lab.inversion.codes import LOGITS, code
from u3lab.lessons.inversion import readout, table
from u3lab.lessons.inversion.readout import PARTS, Read, Run
from u3lab.nets import Classifier

AREA, EACH = (0.4, 1.0), (48, 12)  # share of a photo's largest square; crops of each photo to fit on, and to judge by


def crops(split: str, each: int, seed: int) -> tuple[Tensor, list[str]]:
    """Crops (N,3,128,128) of the photos that ship to learn from, or of those that are held out, and their photos."""
    seen, unseen = cropping.sources()
    names = {"train": seen, "test": unseen}[split]
    whole = {name: photos.load(name)[0] for name in photos.names(split=split)}
    whole |= {name: images.load(name)[0] for name in names}
    generator = torch.Generator().manual_seed(seed)
    made = [(name, _crops.cut(picture, table.SIDE, AREA, generator))
            for name, picture in whole.items() for _ in range(each)]
    return torch.stack([x for _, x in made]), [name for name, _ in made]


def codes(net: Classifier, layer: str, x: Tensor) -> Tensor:
    """Codes of many pictures, (N,D)."""
    with torch.no_grad():
        return torch.cat([code(net, layer, part).flatten(1) for part in x.split(16)])


def main(arguments: list[str] | None = None) -> None:
    """Fill the table."""
    chosen = _writing.options(argparse.ArgumentParser(description=main.__doc__), arguments, "results")
    networks = {net.name: net for net in table.load_networks()[0]}
    each = (1, 1) if chosen.short else EACH
    (x, names), (new, new_names) = (crops(split, count, chosen.seed)
                                    for split, count in zip(("train", "test"), each, strict=True))
    # All but the first layer, whose quarter of a million values take an hour and tell nothing new.
    order = [Run(net.name, source) for net in networks.values() for source in (*table.LAYERS[net.name][1:], *PARTS)]
    head = {"recipe": "python -m u3lab.experiments readouts", "u3lab": __version__, "torch": torch.__version__,
            "pictures": {"to fit on": [len(set(names)), len(x)], "to judge by": list(dict.fromkeys(new_names))},
            "columns": Run._fields + Read._fields}

    def reached(run: Run) -> Read:
        net = networks[run.network]
        layer = LOGITS if run.source in PARTS else run.source
        y, new_y = codes(net, layer, x), codes(net, layer, new)
        if run.source in PARTS:
            y, new_y = PARTS[run.source](y), PARTS[run.source](new_y)
        return readout.read_off(y, readout.small(x), names, new_y, readout.small(new), new_names)

    todo = [run for run in order if not chosen.short or run.source in ("conv10", LOGITS, *PARTS)]
    _writing.fill(chosen.out / "readouts.json", head, todo, reached, order.index)
