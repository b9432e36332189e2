"""Notebook 03b: keypoints of chairs. Does a point keep its part from chair to chair, and from side to side?

A pair is one chair before one wall under one light, seen from two sides at most 40° apart; nothing is warped. Chairs
look at the viewer within 60°: from behind, a linear map could not tell left from right.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from u3lab.landmarks import KeypointAutoencoder
from u3lab.lessons.landmarks.parts import SIDE, SIGMA, WIDTH, K
from u3lab.nets import checkpoints
from u3lab.worlds import turntable

KIND = "chair"
ROUND, APART, LOW, HIGH = 60.0, 40.0, 5.0, 50.0  # degrees: azimuth, how far two views differ, and elevation
NAME = "keypoints-chair"  # of the shipped weights


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


def shipped() -> KeypointAutoencoder:
    """The trained network of the first seed."""
    return checkpoints.restore(KeypointAutoencoder(K, width=WIDTH, sigma=SIGMA), NAME)
