"""Trials of notebook 02c: digits, clustered without labels and compared with k-means.

``python -m u3lab.experiments clusters`` makes the table, the notebook reads it and shows a short run of its own.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.datasets import handwritten
from u3lab.descent import last
from u3lab.lessons import results
from u3lab.selfsup import ClusterSettings, choose, cluster, digit_encoder, shares, sub_heads
from u3lab.selfsup.matching import hungarian_accuracy

WAYS = ("IIC", "k-means")
DIGITS = {"steps": 900, "batch_size": 250, "heads": 8, "lr": 0.003}


class Clustered(NamedTuple):
    """One run: which pictures, which way, which seed."""

    data: str
    way: str
    seed: int


Rows = dict[Clustered, tuple[float, float]]  # Hungarian accuracy; of IIC, also the best accuracy of all sub-heads


def shipped() -> Rows:
    """The shipped table."""
    return results.table("clusters", Clustered)


def reached(run: Clustered, steps: int | None = None) -> tuple[float, float]:
    """What a run reaches: the Hungarian accuracy of the sub-head that the loss chose, and of the best one."""
    images, labels = handwritten.load()
    if run.way == "k-means":
        return by_kmeans(images[:, :1], labels, 10, run.seed)
    settings = ClusterSettings(**{**DIGITS, "seed": run.seed, **({"steps": steps} if steps else {})})
    net = digit_encoder(seed=run.seed)
    head = sub_heads(net, 10, settings=settings)
    last(cluster(net, images, 10, head=head, settings=settings))
    return of_heads(shares(net, head, images), labels, choose(net, head, images))


def by_kmeans(things: Tensor, labels: Tensor, k: int, seed: int) -> tuple[float, float]:
    """The floor: k-means on pixel values, things (N,…), the best of three starts by its own criterion."""
    from sklearn.cluster import KMeans

    found = KMeans(k, n_init=3, random_state=seed).fit_predict(things.flatten(1).numpy())
    accuracy = hungarian_accuracy(torch.from_numpy(found).long(), labels)
    return accuracy, accuracy


def deskewed(digits: Tensor) -> Tensor:
    """Digits (N,1,H,W), each sheared so that its ink does not lean: what a rival without learning can be told of views.

    With the ink as weights, x leans on y by the slope cov(x, y)/var(y); each row is shifted back by that.
    """
    count, _, height, width = digits.shape
    y, x = (torch.linspace(-1, 1, side).to(digits) for side in (height, width))
    ink = digits[:, 0] / digits.sum((1, 2, 3)).clamp_min(1e-6).view(-1, 1, 1)
    middle_y, middle_x = (ink.sum(2) * y).sum(1), (ink.sum(1) * x).sum(1)
    dy, dx = y - middle_y[:, None], x - middle_x[:, None]
    slope = torch.einsum("nhw,nh,nw->n", ink, dy, dx) / torch.einsum("nhw,nh->n", ink, dy.square()).clamp_min(1e-6)
    theta = torch.zeros(count, 2, 3).to(digits)
    theta[:, 0, 0] = theta[:, 1, 1] = 1
    theta[:, 0, 1], theta[:, 0, 2], theta[:, 1, 2] = slope, middle_x, middle_y  # and its middle goes to the middle
    return F.grid_sample(digits, F.affine_grid(theta, list(digits.shape), align_corners=True), align_corners=True)


def of_heads(shares: Tensor, labels: Tensor, chosen: int) -> tuple[float, float]:
    """Shares (heads,N,k) → the accuracy of the chosen head, and of the best one, which nobody knows without labels."""
    found = [hungarian_accuracy(z.argmax(1), labels) for z in shares]
    return found[chosen], max(found)
