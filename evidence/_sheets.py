"""Pictures of runs: kept in the cache until all are there, then laid out as one that ships."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from evidence._plan import Plan
from u3lab import images, pixels
from u3lab._system import paths


@cache
def folder(plan: Plan) -> Path:
    """Where an experiment keeps its pictures."""
    return plan.pictures(plan.name.replace("_", "-"))


def place(run: tuple, plan: Plan) -> Path:
    """Where the picture of a run is kept."""
    return folder(plan) / ("-".join(map(str, run)).replace(" ", "_") + ".png")


def keep(x: Tensor, run: tuple, plan: Plan) -> None:
    """Keep the picture (1,3,H,W) or (1,1,H,W) of a run."""
    paths.write_atomically(place(run, plan), pixels.png(x.clamp(0, 1)))


def write(plan: Plan, file: str, rows: Iterable[Iterable[tuple]], side: int, quality: int) -> None:
    """Write the kept pictures of runs as results/FILE, row by row; grey where there is none."""
    def one(run: tuple) -> Tensor:
        kept = place(run, plan)
        return images.load(kept) if kept.exists() else torch.full((1, 3, side, side), 0.5)

    whole = torch.cat([torch.cat([one(run) for run in row], 3) for row in rows], 2)
    plan.write("results", file, content=pixels.jpeg(whole, quality=quality))
