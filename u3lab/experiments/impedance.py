"""How fast an untrained network takes up photos, shuffled photos and noise: eight photos, three seeds.

    python -m u3lab.experiments impedance                  # data/results/impedance.json and impedance.jpg, half an hour

What the file has is not computed again. The picture shows one photo and its noises up to step 5,000, which takes
another few minutes.
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor

from u3lab import __version__, pixels
from u3lab.experiments import _writing
from u3lab.lessons.prior import resisting
from u3lab.lessons.prior.resisting import AT, END, PHOTOS, SEEDS, STEPS, TARGETS, Run

QUALITY = 92
SHOWN = ("picture", "shuffled pixels", "white noise")


def place(run: Run) -> tuple:
    """Where a row stands in the table."""
    return PHOTOS.index(run.photo), TARGETS.index(run.target), run.seed


def to_the_end(steps: int) -> Tensor:
    """Three targets of the first photo, a row each: what is drawn at AT, and the target."""
    rows = []
    for name, target in resisting.wanted(PHOTOS[0], 0).items():
        if name in SHOWN:
            run = resisting.taking_up(target, 0, steps)
            drawn = [step.value for step in run if step.iteration in AT or step.iteration == steps < END]
            rows.append(torch.cat([*drawn, target], 3).clamp(0, 1))
    return torch.cat(rows, 2)


def main(arguments: list[str] | None = None) -> None:
    """Fill the table, then draw the picture."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    chosen = _writing.options(parser, arguments, "results")
    head = {"recipe": "python -m u3lab.experiments impedance", "u3lab": __version__, "torch": torch.__version__,
            "pictures": list(PHOTOS), "side": resisting.SIDE, "marks": resisting.marks(STEPS),
            "columns": (*Run._fields, "missing at each mark")}
    todo = [Run(photo, target, seed) for seed in range(SEEDS) for photo in PHOTOS for target in TARGETS]
    _writing.fill(chosen.out / "impedance.json", head, todo[:2] if chosen.short else todo,
                  lambda run: resisting.missing(run, 2 if chosen.short else STEPS), place)
    shown = to_the_end(2 if chosen.short else END)
    _writing.write(chosen.out / "impedance.jpg", pixels.jpeg(shown, quality=QUALITY))
