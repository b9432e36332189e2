"""Notebook 02c: the rival of the digits, k-means, on pixels and on digits that were made upright by a formula."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.selfsup.matching import hungarian_accuracy


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
