"""Jigsaws of notebook 02 whose permutations are one's own, and two rules to choose them by."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from u3lab.selfsup import Posed, Task, jigsaw
from u3lab.selfsup.scrambling import permutations

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
