"""Notebook 02c: tissues of a brain under a made bias field, sorted without labels by two networks.

``python -m u3lab.experiments tissues`` makes the shipped table; the notebook makes some of its rows again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import NamedTuple

import torch
from torch import Tensor

from u3lab import selfsup
from u3lab.descent import Step
from u3lab.lessons import results
from u3lab.lessons.selfsup import segmented
from u3lab.nets import Classifier
from u3lab.selfsup.matching import hungarian_accuracy

KINDS = 3  # grey matter, white matter, the rest
LEARNT_FROM, HELD = (0, 1, 3, 4), (2, 5)  # slices
PATCHES, SIDE, BRAIN = 200, 40, 0.93  # how many; pixels; least share of a patch that is brain
STEPS = 100
STRENGTHS, FIELDS = (0.0, 0.2, 0.4, 0.6, 0.8), (7, 8, 9)  # of the made field b; seeds of its shape
LIGHTS: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {  # how the light of two views differs
    "IIC, views without fields": partial(selfsup.relit, most=0.05),
    "IIC, views with fields": partial(selfsup.bias_field, most=0.2)}


class Run(NamedTuple):
    """A training, asked to sort the held-out slices under a made field: its strength b, and the seed of its shape."""

    way: str
    seed: int
    strength: float
    field: int


class Learner(NamedTuple):
    """A network, its heads, and the number of the head with the lowest loss."""

    net: Classifier
    head: torch.nn.Module
    best: int

    def sorted(self, given: Tensor) -> Tensor:
        """The class of each pixel of slices (N,3,H,W): (N,H,W)."""
        return selfsup.segments(self.net, self.head, given)[self.best].argmax(1)


@cache
def slices() -> tuple[Tensor, Tensor]:
    """The six slices, (6,3,H,W), and the tissue of each pixel, (6,H,W), −1 outside the brain."""
    made, tissue = segmented.brains()
    return made.expand(-1, 3, -1, -1), tissue


@cache
def patches() -> Tensor:
    """Pieces of the slices that are learnt from, nearly all brain, (200,3,40,40)."""
    made, _ = slices()
    draw, found = torch.Generator().manual_seed(0), []
    while len(found) < PATCHES:
        n, top, left = (int(torch.randint(most, (), generator=draw))
                        for most in (len(LEARNT_FROM), made.shape[2] - SIDE, made.shape[3] - SIDE))
        patch = made[LEARNT_FROM[n], :, top : top + SIDE, left : left + SIDE]
        if (patch[0] > 0).float().mean() > BRAIN:
            found.append(patch)
    return torch.stack(found)


def learning(way: str, seed: int, steps: int = STEPS) -> tuple[Iterator[Step], Callable[[], Learner]]:
    """The steps of a training, and what has been learnt after them."""
    settings = selfsup.SegmentSettings(reach=0, steps=steps, batch_size=12, heads=3, lr=0.01, seed=seed)
    net = selfsup.pixel_encoder(seed=seed)
    head, light = selfsup.dense_heads(net, KINDS, settings=settings), LIGHTS[way]

    def learnt() -> Learner:
        return Learner(net, head, selfsup.choose_segments(net, head, patches(), light=light, settings=settings))

    return selfsup.segment(net, patches(), KINDS, head=head, light=light, settings=settings), learnt


def spoilt(strength: float, field: int) -> Tensor:
    """The held-out slices under a field of this strength, (2,3,H,W)."""
    given = slices()[0][[*HELD]]
    return selfsup.bias_field(given, torch.Generator().manual_seed(field), most=strength) if strength else given


def accuracy(found: Tensor) -> float:
    """Hungarian accuracy of the classes (2,H,W) of the held-out slices' pixels, inside the brain."""
    true = slices()[1][[*HELD]]
    return float(hungarian_accuracy(found[true >= 0], true[true >= 0]))


def asked() -> list[tuple[float, int]]:
    """Strengths and fields; without a field there is nothing to draw."""
    return [(b, field) for b in STRENGTHS for field in FIELDS[: None if b else 1]]


def shipped() -> dict[Run, tuple[float]]:
    """The table: what was run → Hungarian accuracy."""
    return results.table("tissues", Run)


def by_training(way: str) -> Tensor:
    """Of the table, each training of a network at each of ``STRENGTHS``: accuracy, mean over the fields, (10,5)."""
    table = shipped()
    seeds = sorted({run.seed for run in table})
    return torch.tensor([[[table[Run(way, seed, b, field)][0] for field in (FIELDS if b else 3 * FIELDS[:1])]
                          for b in STRENGTHS] for seed in seeds]).mean(2)
