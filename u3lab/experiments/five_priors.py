"""The codes of five photos at fire9, completed by eight priors, and how unlike photos the results are.

    python -m u3lab.experiments five_priors   # data/results/priors.json and priors.jpg, 10 minutes of one thread

The nearest photo is looked for among five thousand crops of the photos that ship, but for the photo itself. Searches
that :mod:`~u3lab.experiments.inversion_table` has made are taken from its cache, the others from this recipe's.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import cache

import torch
from torch import Tensor

from u3lab import __version__, images, nets, pixels
from u3lab._system import paths
from u3lab.datasets import photos
from u3lab.experiments import _crops, _writing
from u3lab.lessons.inversion import five_priors, table
from u3lab.lessons.inversion.five_priors import EYE, KINDS, LAYER, NAMES, Made, Photos, Run

CROPS, BATCH, AREA = 5000, 20, (0.2, 1.0)


@cache
def whole() -> dict[str, Tensor]:
    """All photos that ship, by name, (3,H,W)."""
    return ({name: photos.load(name)[0] for name in photos.names()}
            | {name: images.load(name)[0] for name in images.names("everyday")})


def crops(count: int, seed: int, without: str) -> Iterator[Tensor]:
    """So many crops (20,3,128,128) at a time, as many of each photo but one."""
    kept = [picture for name, picture in whole().items() if name != without]
    generator = torch.Generator().manual_seed(seed)
    for begin in range(0, count, BATCH):
        yield torch.stack([_crops.cut(kept[k % len(kept)], table.SIDE, AREA, generator)
                           for k in range(begin, begin + BATCH)])


def main(arguments: list[str] | None = None) -> None:
    """Fill the table, and lay out the pictures."""
    chosen = _writing.options(argparse.ArgumentParser(description=main.__doc__), arguments, "results")
    folder = _writing.pictures(chosen, "five-priors")
    count, few = (BATCH, {"steps": 2}) if chosen.short else (CROPS, {})
    networks, judges = table.load_networks()
    net, eye, order = networks[0], nets.load(EYE, device="cpu"), five_priors.runs()
    head = {"recipe": "python -m u3lab.experiments five_priors", "u3lab": __version__, "torch": torch.__version__,
            "pictures": list(NAMES), "crops": count, "columns": Run._fields + Made._fields}

    @cache
    def known(photo: str) -> Photos:
        return five_priors.statistics(eye, crops(count // 5, chosen.seed + 1, photo))

    def made(run: Run) -> Tensor:
        file, searched = (_writing.picture(one, at) for one, at in (
            (run, folder), (table.Run(run.photo, net.name, LAYER, run.kind), paths.cache("inversion-table"))))
        if searched.exists() and not chosen.short and not file.exists():
            paths.write_atomically(file, searched.read_bytes())
        if not file.exists():
            photo = table.photo_of(run.photo)
            x = (five_priors.nearest(net, photo, crops(count, chosen.seed, run.photo)) if run.kind == "nearest photo"
                 else five_priors.searched(net, run, few=few))
            paths.write_atomically(file, pixels.png(x))
        return images.load(file)

    def reached(run: Run) -> Made:
        return five_priors.judged(net, judges[net.name], eye, run, made(run), known(run.photo))

    todo = [run for run in order if not chosen.short or run.photo == NAMES[0]]
    _writing.fill(chosen.out / "priors.json", head, todo, reached, order.index)
    rows = [[Run(photo, kind) for kind in KINDS] for photo in NAMES]
    _writing.write(chosen.out / "priors.jpg", pixels.jpeg(_writing.sheet(rows, folder, table.SIDE), quality=88))
