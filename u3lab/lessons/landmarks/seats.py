"""Notebook 03b: keypoints of chairs. Does a point keep its part from chair to chair, and from side to side?

A pair is one chair before one wall under one light, seen from two sides at most 40° apart; nothing is warped. Chairs
look at the viewer within 60°: from behind, a linear map could not tell left from right.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from u3lab.descent import Step
from u3lab.landmarks import AutoencodeSettings, KeypointAutoencoder, autoencode
from u3lab.lessons.landmarks.parts import BATCH, PIXELS, RATE, SIDE, SIGMA, WIDTH, K, judge
from u3lab.lessons.landmarks.trials import regressed
from u3lab.nets import checkpoints
from u3lab.worlds import turntable

KIND = "chair"
ROUND, APART, LOW, HIGH = 60.0, 40.0, 5.0, 50.0  # degrees: azimuth, how far two views differ, and elevation
CHAIRS = 1000  # to learn from, two views of each
NAME = "keypoints-chair"  # of the shipped weights
LABELLED, TEST = 500, 300  # chairs whose points are known, and held-out ones to test on


class Seats(NamedTuple):
    """``images`` (N,3,64,64), the true places of the chair's points in them, (N,10,2) in [−1,1], which of them are not
    covered, (N,10) bool, and the azimuth (N) in degrees."""

    images: Tensor
    points: Tensor
    visible: Tensor
    azimuth: Tensor


def drawn(count: int, first: int, *, each: int = 1, seed: int = 0) -> Seats:
    """``each`` views in a row of chairs number ``first``, ``first`` + 2, …; odd ones are held out."""
    draw = torch.Generator().manual_seed(seed)
    made = []
    for number in range(first, first + 2 * count, 2):
        middle = ROUND * (2 * torch.rand(1, generator=draw) - 1)
        azimuth = middle + APART / 2 * (2 * torch.rand(each, generator=draw) - 1) * (each > 1)
        height = LOW + (HIGH - LOW) * torch.rand(1, generator=draw)
        made.append(turntable.views(KIND, number, azimuth, height.expand(each), size=SIDE, seed=number + 1000 * seed))
    return Seats(*(torch.cat([getattr(one, name) for one in made]) for name in Seats._fields))


@cache
def stock(seed: int, count: int = CHAIRS) -> Tensor:
    """Views to learn from, in bytes, two in a row of one chair: (2·count,3,64,64) of 0 … 255."""
    return (255 * drawn(count, 0, each=2, seed=seed).images).round().byte()


@cache
def marked(part: float) -> tuple[Seats, Seats]:
    """One view each of chairs to fit a regression to, and of chairs that nobody has learnt from, to test it; the first
    part of both."""
    return drawn(round(part * LABELLED), 2 * CHAIRS, seed=90), drawn(round(part * TEST), 1001, seed=91)


def learnt(seed: int, steps: int, checkpoint: str | None = None) -> tuple[KeypointAutoencoder, Iterator[Step]]:
    """A fresh network and the steps that teach it; none for 0 steps. Γ has learnt to colour."""
    model = KeypointAutoencoder(K, width=WIDTH, sigma=SIGMA, seed=seed)
    if not steps:
        return model, iter(())
    views = stock(seed, min(CHAIRS, steps * BATCH))

    def pairs(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        first = torch.randint(len(views), (count,), generator=generator)
        return views[first].float() / 255, views[first ^ 1].float() / 255

    net, layers = judge("colouring")
    settings = AutoencodeSettings(pixels=PIXELS, lr=RATE, steps=steps, batch_size=BATCH, seed=seed)
    return model, autoencode(model, pairs, net=net, layers=layers, checkpoint=checkpoint, settings=settings)


def off(found: Tensor, part: float = 1.0) -> float:
    """How far points (300,10,2) of the tested chairs are from the true ones, in pixels, over those to be seen."""
    _, tested = marked(part)
    return float(SIDE / 2 * (found - tested.points).norm(dim=-1)[tested.visible].mean())


def shipped() -> KeypointAutoencoder:
    """The trained network of the first seed."""
    return checkpoints.restore(KeypointAutoencoder(K, width=WIDTH, sigma=SIGMA), NAME)


def measured(model: KeypointAutoencoder, part: float = 1.0) -> float:
    """The error in pixels of a chair's points, read off its keypoints by a linear map."""
    known, tested = marked(part)
    return off(regressed(model.keypoints(known.images), known.points, model.keypoints(tested.images)), part)


def mean_shape(part: float = 1.0) -> float:
    """The error of who always says where a chair's points are on average."""
    known, tested = marked(part)
    return off(known.points.mean(0).expand_as(tested.points), part)
