"""Notebook 02c: digits in boxes, k-means, and the ways to segment mosaics, of ``python -m evidence segments``."""

import torch
import torch.nn.functional as F
from torch import Tensor


def kmeans(values: Tensor, k: int, seed: int) -> Tensor:
    """Numbers of clusters (N) of values (N,…), the best of three starts by its own criterion."""
    from sklearn.cluster import KMeans

    return torch.from_numpy(KMeans(k, n_init=3, random_state=seed).fit_predict(
        values.reshape(len(values), -1).numpy())).long()


KMEANS, CONTRAST, EDGES = "k-means", "k-means on local contrast", "k-means on contrast and edges"
ONE = "one class for all"
WAYS = ("IIC, ten classes first", KMEANS, "IIC, T = 0", CONTRAST, EDGES, ONE)
RIVALS = (ONE, KMEANS, CONTRAST, EDGES, WAYS[2])  # of IIC with neighbours, on textures


def sorted_into_boxes(P: Tensor, digits: Tensor, where: Tensor) -> Tensor:
    """Show a joint P (k,k) as a square, and beside it digits (N,3,28,28) in two rows of k boxes by their class (N).

    A picture (1,3,H,W) in [0,1]; the largest number of P is white. Of a full box the first 30 digits are seen.
    """
    side, (down, across) = digits.shape[-1], (5, 6)
    filled = torch.zeros(len(P), down * across, 3, side, side)
    for box, places in enumerate(filled):
        inside = digits[where == box][: len(places)]
        places[: len(inside)] = inside
    sheets = filled.unflatten(1, (down, across)).permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)  # (k,3,H,W)
    boxes = F.pad(sheets, [4] * 4, value=1.0).unflatten(0, (2, -1)).permute(2, 0, 3, 1, 4).flatten(3).flatten(1, 2)
    square = F.interpolate((P / P.max().clamp_min(1e-9))[None, None], size=boxes.shape[1] - 8, mode="nearest")
    return torch.cat([F.pad(square.expand(-1, 3, -1, -1), [4] * 4, value=1.0), boxes[None]], 3)
