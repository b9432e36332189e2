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
ROOM = (5, 6)  # digits in a box, down and across


def sorted_into_boxes(P: Tensor, digits: Tensor, where: Tensor) -> Tensor:
    """Show a joint P (k,k) as a square, and beside it digits (N,3,28,28) in two rows of k boxes by their class (N).

    A picture (1,3,H,W) in [0,1]; the largest number of P is white. Of a full box the first 30 digits are seen.
    """
    side, (down, across) = digits.shape[-1], ROOM
    made = []
    for box in range(len(P)):
        inside = digits[where == box][: down * across]
        filled = torch.cat([inside, torch.zeros(down * across - len(inside), 3, side, side)])
        sheet = filled.view(down, across, 3, side, side).permute(2, 0, 3, 1, 4).reshape(3, down * side, across * side)
        made.append(F.pad(sheet, [4] * 4, value=1.0))
    boxes = torch.stack(made).unflatten(0, (2, -1)).permute(2, 0, 3, 1, 4).flatten(3).flatten(1, 2)
    square = F.interpolate((P / P.max().clamp_min(1e-9))[None, None], size=boxes.shape[1] - 8, mode="nearest")
    return torch.cat([F.pad(square.expand(-1, 3, -1, -1), [4] * 4, value=1.0), boxes[None]], 3)
