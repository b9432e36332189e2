"""The trials of chapter 3: labellers learn from made faces that move; what do few marked faces read off their codes?

``python -m u3lab.recipes.labellers`` trains them and makes the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from u3lab._system import paths
from u3lab.datasets import faces
from u3lab.datasets.faces import Faces, Layers
from u3lab.descent import Step
from u3lab.landmarks import (
    LabelSettings,
    codes_at,
    fit_landmarks,
    label,
    labeller,
    landmark_error,
    match,
    share_within,
    soft_argmax,
    sphere,
    virtual_landmarks,
)
from u3lab.lessons import results
from u3lab.lessons.landmarks.pairs import MARGIN, SIDE, of_faces
from u3lab.nets import Classifier

YAW = 35.0  # degrees, at most: ten more than faces.draw has of itself
STOCK, PART = 4000, 1000  # pictures to learn from, two of each person; as many as are drawn at once
BATCH, QUERIES, RATE = 12, 200, 0.004
LABELLED, CHOOSING, TEST = 500, 100, 300  # faces with landmarks, of which the last choose the ridge; faces to test on
LABELS = (1, 5, 10, 20, LABELLED)
RIDGES = (0.001, 0.01, 0.1, 1.0, 10.0)
VIRTUAL = 48  # landmarks on the sphere
EYES = (0, 1)
WAYS = ("labelling", "invariance", "random weights", "supervised", "mean shape")
MEASURES = ("regression", "matching", "certainty")


class Run(NamedTuple):
    """One number: of which faces, of which way to learn, of how many steps, by which seed, and what is measured.

    ``labels`` is the number of faces with landmarks, 0 where none are needed.
    """

    kind: str
    way: str
    steps: int
    seed: int
    measure: str
    labels: int


Rows = dict[Run, tuple[float, float]]  # of all test faces, and of those that are hard


def shipped() -> Rows:
    """The shipped table."""
    return results.rows(paths.data("results", "labellers.json"), Run)


def stock(kind: str, seed: int, count: int = STOCK) -> Layers:
    """Faces to learn from, and their backgrounds, in bytes: (N,4,112,112) and (N,3,112,112) of 0 … 255."""
    parts = []
    for number, start in enumerate(range(0, count, PART)):
        made = faces.layers(min(PART, count - start), seed=100 * (seed + 1) + number, size=SIDE, margin=MARGIN, each=2,
                            kind=kind, yaw=YAW)
        parts.append(made._replace(**{name: (255 * getattr(made, name)).round().byte()
                                      for name in ("face", "background")}))
    return Layers(*map(torch.cat, zip(*parts, strict=True)))


@cache
def marked(kind: str) -> tuple[Faces, Faces]:
    """Faces whose landmarks are known, one of each person: to fit a regression to, and, of other people, to test it."""
    return tuple(faces.draw(count, split=split, seed=9, size=SIDE, each=1, kind=kind, yaw=YAW)
                 for split, count in (("train", LABELLED), ("test", TEST)))


def points(made: Faces) -> Tensor:
    """Their landmarks as (x, y) in [−1,1], (N,8,2)."""
    return 2 * made.points / SIDE - 1


def learnt(way: str, kind: str, seed: int, steps: int, checkpoint: str | None = None
           ) -> tuple[Classifier, Iterator[Step]]:
    """A fresh labeller and the steps that teach it one of ``LOSSES`` on pairs; none for random weights."""
    net = labeller(seed=seed)
    if way == "random weights":
        return net, iter(())
    settings = LabelSettings(lr=RATE, steps=steps, batch_size=BATCH, queries=QUERIES, seed=seed)
    return net, label(net, of_faces(stock(kind, seed)), loss=way, checkpoint=checkpoint, settings=settings)


@torch.no_grad()
def codes(net: nn.Module, images: Tensor) -> Tensor:
    """Φ of many pictures (N,3,64,64): (N,D,32,32)."""
    return torch.cat([net(part) for part in images.split(100)])


def regressed(found: Tensor, true: Tensor, tested: Tensor, count: int) -> Tensor:
    """Landmarks (T,8,2) that a linear map makes of points (T,K,2), fitted to those of the first ``count`` faces.

    How strong its ridge is, the last hundred of the faces choose.
    """
    def fitted(ridge: float) -> Tensor:
        return fit_landmarks(found[:count], true[:count], ridge=ridge).landmarks(torch.cat([found[-CHOOSING:], tested]))
    best = min(map(fitted, RIDGES), key=lambda made: float(landmark_error(
        made[:CHOOSING], true[-CHOOSING:], EYES).mean()))
    return best[CHOOSING:]
