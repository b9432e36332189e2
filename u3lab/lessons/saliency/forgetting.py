"""What is left of a map when the network forgets: the table of chapter 6, as ``python -m u3lab.experiments forgetting``
writes it.

The rank correlation of each map with that of the intact network, picture by picture, after the filter banks were
shuffled from the classes down (Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018).
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from u3lab import saliency
from u3lab.lessons import results
from u3lab.measures import rank_correlation
from u3lab.nets import Classifier
from u3lab.saliency import METHODS


class Run(NamedTuple):
    """One method, one picture, one shuffle."""

    method: str
    picture: str
    seed: int


def forgotten(net: Classifier, pictures: Tensor, labels: Sequence[int], methods: Sequence[str], *, seed: int = 0,
              stops: Container[int] | None = None) -> Iterator[tuple[int, dict[str, list[float]]]]:
    """Shuffle a copy of the network bank by bank, and compare the maps of all pictures at some stops, or at all.

    Yields
    ------
    (int, dict)
        How many banks are shuffled, and method → the rank correlation for each picture (B).
    """
    intact = {name: METHODS[name](net, pictures, list(labels)) for name in methods}
    for count, (_, broken) in enumerate(saliency.randomise_downwards(net, seed=seed), 1):
        if stops is None or count in stops:
            yield count, {name: [rank_correlation(*pair) for pair in zip(
                intact[name], METHODS[name](broken, pictures, list(labels)), strict=True)] for name in methods}


def shipped() -> dict[Run, Tensor]:
    """The shipped table: run → the correlation after each bank, (banks)."""
    return {run: torch.tensor(row) for run, row in results.table("forgetting", Run).items()}
