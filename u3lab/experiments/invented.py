"""What the deep image prior draws in chapter 4 where a lesion was, and where vessels were: three seeds, and six.

    python -m u3lab.experiments invented   # data/results/invented-brain1.png, -brain2, -lung2 and -retina, ten minutes
"""

from __future__ import annotations

import argparse

import torch

from u3lab import pixels
from u3lab.experiments import _writing
from u3lab.lessons.prior import inventing
from u3lab.lessons.prior.inventing import SEEDS, STEPS


def main(arguments: list[str] | None = None) -> None:
    """Draw, and write a row of pictures for each patient and for the retina."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--names", nargs="+", choices=SEEDS, default=SEEDS)
    chosen = _writing.options(parser, arguments, "results")
    steps, names = (2, [*SEEDS][:1]) if chosen.short else (STEPS, chosen.names)
    for name in names:
        row = torch.cat([inventing.drawn(name, seed, steps) for seed in range(SEEDS[name])], 3)
        _writing.write(chosen.out / f"invented-{name}.png", pixels.png(row), f"{steps} steps")
