"""Trials of notebook 02c on places: mosaics segmented without labels, and the brain's tissues.

``python -m u3lab.experiments segments`` makes the table, the notebook reads it and shows a short run of its own.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from u3lab._system import paths
from u3lab.descent import last
from u3lab.lessons import results
from u3lab.selfsup import SegmentSettings, choose_segments, dense_heads, segment, segments, texture_encoder
from u3lab.selfsup.matching import hungarian_accuracy
from u3lab.worlds import mosaics

KMEANS = "k-means"
WAYS = ("IIC, ten classes first", KMEANS, "IIC, T = 0")
MADE = {"textures": (mosaics.textures, 3), "satellite": (mosaics.satellite, 4)}
TEN = {"steps": 80, "reach": 0, "heads": 3}  # ten classes, to learn features; their heads are thrown away
POOLED = {"steps": 80, "reach": 1, "heads": 8}  # then the classes wanted, by the pooled joint
ALONE = {"steps": 160, "reach": 0, "heads": 3}  # the classes wanted at once, and no neighbours
ALL = {"batch_size": 24, "lr": 0.006}


class Segmented(NamedTuple):
    """One run: which pictures, which way, which seed."""

    data: str
    way: str
    seed: int


Rows = dict[Segmented, tuple[float, float, float]]  # accuracy of the chosen sub-head and of the best; sameness


def shipped() -> Rows:
    """The shipped table."""
    return results.table("segments", Segmented)


def reached(run: Segmented, steps: int | None = None) -> tuple[float, float, float]:
    """Of a run, on 24 mosaics that it never saw: accuracy of the sub-head that the loss chose, of the best; sameness.

    What a sub-head would reach is asked only here, at the end, and chooses nothing.
    """
    make, k = MADE[run.data]
    test, labels = make(24, seed=1000 + run.seed)
    if run.way == KMEANS:
        maps, chosen = by_colour(test, k, run.seed)[None], 0
    else:
        train = make(160, seed=run.seed)[0]
        net, head, settings = learnt(train, k, run.way, run.seed, steps=steps, colour=run.data == "satellite")
        maps = segments(net, head, test).argmax(2)
        chosen = choose_segments(net, head, train, settings=settings)
    right = [hungarian_accuracy(one.flatten(), labels.flatten()) for one in maps]
    return right[chosen], max(right), sameness(maps[chosen])


def learnt(images: Tensor, k: int, way: str, seed: int, *, steps: int | None = None,
           colour: bool = False) -> tuple[nn.Module, nn.Module, SegmentSettings]:
    """A network, its sub-heads of k classes and their settings, learnt one of two ``WAYS`` from pictures alone."""
    net = texture_encoder(seed=seed, colour=colour)
    for classes, given in ([(10, TEN), (k, POOLED)] if way == WAYS[0] else [(k, ALONE)]):
        settings = SegmentSettings(**ALL, **{**given, **({"steps": steps} if steps else {})}, seed=seed)
        head = dense_heads(net, classes, settings=settings)
        last(segment(net, images, classes, head=head, settings=settings), total=settings.steps + 1,
             title=f"{classes} classes")
    return net, head, settings


def by_colour(images: Tensor, k: int, seed: int) -> Tensor:
    """The floor: pictures (N,3,H,W) → each pixel's cluster (N,H,W), by k-means of its colour alone."""
    from sklearn.cluster import KMeans

    pixels = images.permute(0, 2, 3, 1).reshape(-1, 3).numpy()
    return torch.from_numpy(KMeans(k, n_init=3, random_state=seed).fit_predict(pixels)).long().view_as(images[:, 0])


def sameness(maps: Tensor) -> float:
    """How far maps (N,H,W) of whole numbers are one and the same: 1 for stripes that ignore the pictures.

    At each place the share of pictures that have the place's most frequent class there; then the mean of all places.
    """
    return float(F.one_hot(maps).double().mean(0).amax(2).mean())


@cache
def brains() -> tuple[Tensor, Tensor]:
    """Six slices of the average brain MNI152 (6,1,233,197) in [0,1], and their tissues (6,233,197).

    Tissues are 0 grey matter, 1 white matter, 2 the rest of the brain, and −1 outside of it.
    """
    rows = torch.from_numpy(np.array(Image.open(paths.data("concepts", "brain.png")))).view(2, 233, 6, 197)
    grey, tissue = rows.permute(0, 2, 1, 3)
    return grey.float()[:, None] / 255, torch.div(tissue.long(), 80, rounding_mode="floor") - 1
