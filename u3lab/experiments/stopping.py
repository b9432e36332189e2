"""Why denoising stops early and inpainting need not: loss and PSNR of long runs, on three photos.

    python -m u3lab.experiments stopping                   # data/results/stopping.json, a quarter of an hour
"""

from __future__ import annotations

import argparse

import torch

from u3lab import __version__
from u3lab._system import paths
from u3lab.experiments import _writing
from u3lab.lessons.prior import resisting
from u3lab.lessons.prior.resisting import FAULTS, LONG, LONG_PHOTOS, Long

MEASURES = ("loss", "PSNR")


def place(run: Long) -> tuple:
    """Where a row stands in the table."""
    return FAULTS.index(run.fault), LONG_PHOTOS.index(run.photo), MEASURES.index(run.measure)


def main(arguments: list[str] | None = None) -> None:
    """Fill the table: two rows of each run."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    chosen = _writing.options(parser, arguments, "results")
    file = chosen.out / "stopping.json"
    head = {"recipe": "python -m u3lab.experiments stopping", "u3lab": __version__, "torch": torch.__version__,
            "pictures": list(LONG_PHOTOS), "side": resisting.LONG_SIDE, "noise": resisting.NOISE,
            "marks": resisting.marks(LONG), "columns": (*Long._fields, "value at each mark")}
    pairs = [(fault, photo) for photo in LONG_PHOTOS for fault in FAULTS]
    for fault, photo in pairs[:1] if chosen.short else pairs:
        if not any(run[:2] == (fault, photo) for run in _writing.rows(file, head, Long)):
            for measure, values in resisting.repaired(fault, photo, 2 if chosen.short else LONG).items():
                _writing.add_row(file, head, Long(fault, photo, measure), values, place)
    print(file, file.stat().st_size, "bytes", paths.sha256(file))
