"""Three patients' slices with and without their lesion, inverted from the codes of four layers.

    python -m u3lab.experiments coded_lesions   # data/results/lesions.json and lesions.jpg, 15 minutes of one thread

What the file has is not computed again, and its pictures are taken from the cache.
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor

from u3lab import __version__, images, nets, pixels
from u3lab._system import paths
from u3lab.experiments import _writing
from u3lab.lessons.inversion import coded_lesions
from u3lab.lessons.inversion.coded_lesions import LAYERS, PATIENTS, SEEDS, SIDE, Kept, Run


def main(arguments: list[str] | None = None) -> None:
    """Fill the table, and lay out the pictures."""
    chosen = _writing.options(argparse.ArgumentParser(description=main.__doc__), arguments, "results")
    folder = _writing.pictures(chosen, "coded-lesions")
    net, order, few = nets.load(device="cpu"), coded_lesions.runs(), {"steps": 2} if chosen.short else {}
    head = {"recipe": "python -m u3lab.experiments coded_lesions", "u3lab": __version__, "torch": torch.__version__,
            "pictures": list(PATIENTS), "columns": Run._fields + Kept._fields}

    def made(patient: str, layer: str, kind: str, seed: int) -> Tensor:
        file = _writing.picture((patient, layer, kind, seed), folder)
        if not file.exists():
            x = coded_lesions.inverted(net, layer, getattr(coded_lesions.pair(patient), kind), seed, **few)
            paths.write_atomically(file, pixels.png(x.expand(-1, 3, -1, -1)))
        return images.load(file).mean(1, keepdim=True)

    def reached(run: Run) -> Kept:
        patient, layer, seed = run
        given, ill = coded_lesions.pair(patient), made(patient, layer, "ill", seed)
        other = SEEDS[1 - SEEDS.index(seed)]
        return Kept(*(round(coded_lesions.share(ill, b, given), 4) for b in (
            made(patient, layer, "painted", seed), made(patient, layer, "ill", other))))

    todo = order if not chosen.short else [run for run in order if run.layer == "fire3" and run.patient == "brain1"]
    _writing.fill(chosen.out / "lesions.json", head, todo, reached, order.index)
    rows = [[(patient, layer, kind, SEEDS[0]) for layer in LAYERS]
            for patient in PATIENTS for kind in ("ill", "painted")]
    _writing.write(chosen.out / "lesions.jpg", pixels.jpeg(_writing.sheet(rows, folder, SIDE), quality=88))
