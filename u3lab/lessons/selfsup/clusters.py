"""Trials of notebook 02c: digits, mosaics and brains, clustered without labels and compared with k-means.

``python -m u3lab.recipes.clusters`` makes the table, the notebook reads it and shows a short run of its own.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from u3lab._system import paths
from u3lab.datasets import handwritten, mosaics
from u3lab.descent import last
from u3lab.lessons import results
from u3lab.selfsup import (
    ClusterSettings,
    SegmentSettings,
    choose,
    choose_segments,
    cluster,
    dense_heads,
    digit_encoder,
    segment,
    segments,
    shares,
    sub_heads,
    texture_encoder,
)
from u3lab.selfsup.matching import hungarian_accuracy

WAYS = ("IIC", "k-means")
DIGITS = {"steps": 900, "batch_size": 250, "heads": 8, "lr": 0.003}
MOSAICS = {"steps": 400, "batch_size": 20, "heads": 3, "reach": 0, "lr": 0.006}
MADE = {"textures": (mosaics.textures, 3), "satellite": (mosaics.satellite, 4)}


class Clustered(NamedTuple):
    """One run: which pictures, which way, which seed."""

    data: str
    way: str
    seed: int


Rows = dict[Clustered, tuple[float, float]]  # Hungarian accuracy; of IIC, also the best accuracy of all sub-heads


def shipped() -> Rows:
    """The shipped table."""
    return results.rows(paths.data("results", "clusters.json"), Clustered)


def reached(run: Clustered, steps: int | None = None) -> tuple[float, float]:
    """What a run reaches: the Hungarian accuracy of the sub-head that the loss chose, and of the best one."""
    if run.data == "digits":
        images, labels = handwritten.load()
        return by_kmeans(images[:, :1], labels, 10, run.seed) if run.way == "k-means" else _digits(
            images, labels, run.seed, steps)
    make, k = MADE[run.data]
    test, labels = make(24, seed=1000 + run.seed)
    if run.way == "k-means":
        return by_kmeans(test.permute(0, 2, 3, 1).reshape(-1, 3, 1, 1), labels.flatten(), k, run.seed)
    return _mosaics(make(160, seed=run.seed)[0], test, labels, k, run.seed, steps)


def by_kmeans(things: Tensor, labels: Tensor, k: int, seed: int) -> tuple[float, float]:
    """The floor: k-means on pixel values, things (N,…), the best of three starts by its own criterion."""
    from sklearn.cluster import KMeans

    found = KMeans(k, n_init=3, random_state=seed).fit_predict(things.flatten(1).numpy())
    accuracy = hungarian_accuracy(torch.from_numpy(found).long(), labels)
    return accuracy, accuracy


def _digits(images: Tensor, labels: Tensor, seed: int, steps: int | None) -> tuple[float, float]:
    settings = ClusterSettings(**{**DIGITS, "seed": seed, **({"steps": steps} if steps else {})})
    net = digit_encoder(seed=seed)
    head = sub_heads(net, 10, settings=settings)
    last(cluster(net, images, 10, head=head, settings=settings))
    return of_heads(shares(net, head, images), labels, choose(net, head, images))


def _mosaics(images: Tensor, test: Tensor, labels: Tensor, k: int, seed: int,
             steps: int | None) -> tuple[float, float]:
    settings = SegmentSettings(**{**MOSAICS, "seed": seed, **({"steps": steps} if steps else {})})
    net = texture_encoder(seed=seed, colour=k > len(mosaics.TEXTURES))
    head = dense_heads(net, k, settings=settings)
    last(segment(net, images, k, head=head, settings=settings))
    found = segments(net, head, test).argmax(2)
    return of_heads(F.one_hot(found.flatten(1), k), labels.flatten(),
                    choose_segments(net, head, test, settings=settings))


def of_heads(shares: Tensor, labels: Tensor, chosen: int) -> tuple[float, float]:
    """Shares (heads,N,k) → the accuracy of the chosen head, and of the best one, which nobody knows without labels."""
    found = [hungarian_accuracy(z.argmax(1), labels) for z in shares]
    return found[chosen], max(found)


@cache
def brains() -> tuple[Tensor, Tensor]:
    """Six slices of the average brain MNI152 (6,1,233,197) in [0,1], and their tissues (6,233,197).

    Tissues are 0 grey matter, 1 white matter, 2 the rest of the brain, and −1 outside of it.
    """
    rows = torch.from_numpy(np.array(Image.open(paths.data("concepts", "brain.png")))).view(2, 233, 6, 197)
    grey, tissue = rows.permute(0, 2, 1, 3)
    return grey.float()[:, None] / 255, torch.div(tissue.long(), 80, rounding_mode="floor") - 1
