"""Notebook 02: a pretext task's head as a classifier, jigsaws of one's own, and the comparison of all tasks.

``python -m u3lab.experiments pretexts`` makes the table that is read here.
"""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.nets import Classifier
from u3lab.selfsup import LAYERS, Posed, Task, jigsaw
from u3lab.selfsup.scrambling import permutations


def joined(net: Classifier, head: nn.Module) -> Classifier:
    """Encoder and head as one classifier of single pictures (B,3,H,W); its layers are the encoder's.

    For tasks that show one view of each question, such as "upright".
    """
    one_view = nn.Unflatten(0, (-1, 1))  # maps (B,C,h,w) → (B,1,C,h,w)
    return Classifier(nn.Sequential(net.module, one_view, head).eval(), size=net.size, name=net.name,
                      layers={layer: f"0.{net.path(layer)}" for layer in net.layers}, mean=net.mean.flatten().tolist(),
                      std=net.std.flatten().tolist(), memory_format=net.memory_format)


def within(heat: Tensor, mask: Tensor) -> Tensor:
    """The share of each map's heat (B,1,h,w) ≥ 0 that lies in its mask (B,1,H,W) in [0,1], (B).

    A cell of a coarse map counts by the share of it that the mask covers. A map of zeros counts as an even one.
    """
    covered = F.adaptive_avg_pool2d(mask, heat.shape[-2:])
    heat = torch.where(heat.sum((1, 2, 3), keepdim=True) > 0, heat, 1.0)
    return (heat * covered).sum((1, 2, 3)) / heat.sum((1, 2, 3))


def middle(size: int) -> Tensor:
    """A round spot in the middle, (1,1,S,S): a Gaussian whose σ is a quarter of the side. It knows no picture."""
    at = (torch.arange(size) - (size - 1) / 2) / (size / 4)
    bell = (-at.square() / 2).exp()
    return (bell[:, None] * bell)[None, None]


TILES = 9
CANDIDATES = 50_000  # of the 9! = 362,880 permutations


def jigsaw_of(orders: Tensor) -> Task:
    """The library's jigsaw with other permutations: place n shows the tile that lay at ``orders[k, n]``, orders (N,9).

    It cuts the same tiles out of the same pictures as ``jigsaw(N)``, and asks for k.
    """
    task, usual = jigsaw(len(orders)), permutations(len(orders))

    def pose(images: Tensor, generator: torch.Generator) -> Posed:
        posed = task.pose(images, generator)
        found = usual[posed.target].argsort(1)  # where the tile of each place is now
        now = found.gather(1, orders[posed.target])
        return posed._replace(views=posed.views[torch.arange(len(now))[:, None], now])

    return replace(task, pose=pose)


def swaps(count: int = 24) -> Tensor:
    """Permutations that are near to each other, (count,9): none is moved, or two tiles have changed places.

    There are 36 pairs of tiles, so ``count`` is at most 37; those that are taken lie all over the picture.
    """
    pairs = torch.combinations(torch.arange(TILES))
    pairs = pairs[torch.linspace(0, len(pairs) - 1, count - 1).long()]
    orders = torch.arange(TILES).repeat(count, 1)
    rows = torch.arange(1, count)
    orders[rows, pairs[:, 0]], orders[rows, pairs[:, 1]] = pairs[:, 1], pairs[:, 0]
    return orders


def largest_mean(count: int, *, seed: int = 0) -> Tensor:
    """The rule of Noroozi & Favaro: each further one has the largest *mean* distance from all chosen, (count,9)."""
    every = torch.rand(CANDIDATES, TILES, generator=torch.Generator().manual_seed(seed)).argsort(1)
    total, free, chosen = torch.zeros(len(every)), torch.ones(len(every), dtype=torch.bool), [0]
    while len(chosen) < count:
        total += (every != every[chosen[-1]]).sum(1)
        free[chosen[-1]] = False
        chosen.append(int(total.where(free, -1).argmax()))
    return every[chosen]


def apart(orders: Tensor) -> tuple[int, float]:
    """The smallest and the mean Hamming distance between two of the permutations (N,n)."""
    one, two = torch.combinations(torch.arange(len(orders))).unbind(1)
    distances = (orders[one] != orders[two]).sum(1)
    return int(distances.min()), float(distances.double().mean())


LABELS = (5, 20, 100)  # of each class
FLOOR, CEILING = "random weights", "supervised"
PROBLEMS = ("textures", "faces")
WHOLE = "fine-tuning"
Rows = dict[tuple, tuple]  # problem, task, labels of each class, layer or WHOLE, seed → accuracy on val and on test


def best_layer(rows: Rows, problem: str, task: str, labels: int) -> str:
    """The layer whose probe is best on the validation pictures, on average over the seeds."""
    return max(LAYERS, key=lambda layer: sum(val for run, (val, _) in rows.items()
                                             if run[:4] == (problem, task, labels, layer)))


def reached(rows: Rows, problem: str, task: str, labels: int, layer: str | None = None) -> list[float]:
    """Test accuracy of each seed; without ``layer`` at the :func:`best_layer`."""
    return list(_of_seeds(rows, problem, task, labels, layer).values())


def gains(rows: Rows, problem: str, task: str, labels: int, layer: str | None = None) -> list[float]:
    """Test accuracy less that of random weights with the same labels, seed by seed; each at its own best layer."""
    floor = _of_seeds(rows, problem, FLOOR, labels, layer)
    return [mine - floor[seed] for seed, mine in _of_seeds(rows, problem, task, labels, layer).items()
            if seed in floor]


def _of_seeds(rows: Rows, problem: str, task: str, labels: int, layer: str | None) -> dict[int, float]:
    layer = layer or best_layer(rows, problem, task, labels)
    return {run.seed: test for run, (_, test) in sorted(rows.items()) if run[:4] == (problem, task, labels, layer)}
