"""Do three keypoints find three discs? Notebook 03c.

    python -m evidence discs     # results/discs.json, in five minutes of one processor
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from evidence._table import Plan, Table, Work, by_cell, extent
from u3course.lessons.landmarks import parts
from u3lab.descent import last
from u3lab.landmarks import AutoencodeSettings, KeypointAutoencoder, autoencode, soft_argmax

SEEDS, STEPS = 5, (300, 1500)

Disc = NamedTuple("Disc", [("steps", int), ("seed", int), ("disc", int)])
"""One of three discs, and a training with three keypoints."""

Explained = NamedTuple("Explained", [("keypoints", float), ("random", float), ("other", float)])
"""R² of its middle by a linear map: of the keypoints; of those of the same network with random weights; and of the true
middle of one of the two other discs, the better one."""


class Joint(KeypointAutoencoder):
    """With one softmax over all cells, as the reader of the notebook writes it."""

    def _points(self, target: Tensor) -> Tensor:
        return soft_argmax(self.pose_encoder(self._laid(target)))


COLUMNS = {"three keypoints": "keypoints", "random weights": "random", "another disc's true middle": "other"}
TABLE = Table(
    "discs", Disc, Explained, again={"steps": "300", "seed": "0"},
    summary=lambda rows: by_cell(((f"{run.steps} steps", title, getattr(row, column)) for run, row in rows.items()
                                  for title, column in COLUMNS.items()), extent),
    facts={"pictures": {"judged": parts.JUDGED, "side": 32}}, uneven={"steps": "300 and 1,500 steps"})


def work(plan: Plan) -> Iterator[Work]:
    """A training is a piece of work."""
    for role, seed in zip((plan.fit, plan.judge), parts.PLACES, strict=True):
        role(discs=parts.discs(parts.JUDGED, torch.Generator().manual_seed(seed))[1])
    for steps in plan.few(STEPS):
        for seed in range(1 if plan.short else SEEDS):
            yield Work([Disc(steps, seed, disc) for disc in range(3)], explained, seed, plan.steps(steps), steps)


def explained(seed: int, steps: int, named: int) -> dict[Disc, Explained]:
    """R² of each disc, after so many steps."""
    net, untaught = (Joint(3, width=12, sigma=0.2, seed=seed) for _ in range(2))
    settings = AutoencodeSettings(steps=steps, lr=0.003, seed=seed)
    last(autoencode(net, parts.pairs, settings=settings), total=steps + 1, title=f"discs, seed {seed}")
    ours, floor = (parts.explained(lambda x, _, one=one: one.keypoints(x)) for one in (net, untaught))
    others = torch.stack([parts.explained(lambda _, true, n=n: true[:, n : n + 1]) for n in range(3)])
    best = others.masked_fill(torch.eye(3, dtype=torch.bool), -1).amax(0)
    return {Disc(named, seed, n): Explained(*(float(one[n]) for one in (ours, floor, best))) for n in range(3)}
