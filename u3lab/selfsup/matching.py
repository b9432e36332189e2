"""How well clusters fit classes: clusters have no names, so the best match of the two is looked for."""

import torch
from torch import Tensor

from u3lab.checks import room, tensors
from u3lab.measures import classes


def hungarian_accuracy(clusters: Tensor, labels: Tensor) -> float:
    """The share of pictures whose cluster is that of their class, clusters and classes matched one to one at best.

    Clusters have no names: which cluster is to be called which class is chosen *after* the fact, so that as many as
    possible are right (Kuhn, The Hungarian method for the assignment problem, 1955). Where there are more clusters than
    classes, those that get no class are wrong for all of their pictures. Guessing has more than 1/k: the match fits
    chance too.

    Args:
        clusters, labels: (N) each, whole numbers from 0 on.
    """
    names = match(clusters, labels)
    return float((names[clusters.cpu().long()] == labels.cpu()).double().mean())


def match(clusters: Tensor, labels: Tensor) -> Tensor:
    """The class that each cluster stands for in the best match one to one, and −1 for a cluster that is left over.

    Arguments as for :func:`hungarian_accuracy`; the answer (clusters) has int64, on the CPU.
    """
    from scipy.optimize import linear_sum_assignment

    counts = contingency(clusters, labels)
    names = torch.full((len(counts),), -1)
    rows, columns = linear_sum_assignment(counts.numpy(), maximize=True)
    names[torch.from_numpy(rows)] = torch.from_numpy(columns)
    return names


def contingency(clusters: Tensor, labels: Tensor) -> Tensor:
    """How many pictures each cluster has of each class: (N), (N) → (clusters, classes), int64, on the CPU."""
    tensors(clusters=(clusters, "N"), labels=(labels, "N"))
    rows, columns = (classes(one).cpu() for one in (clusters, labels))
    width = int(columns.max()) + 1
    room("the table of clusters and classes", int(rows.max()) + 1, width)
    return torch.bincount(rows * width + columns, minlength=(int(rows.max()) + 1) * width).view(-1, width)
