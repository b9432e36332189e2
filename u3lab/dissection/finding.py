"""Ways to find where a concept is, by name: from one unit of a layer, or from all of them.

    found = FINDERS["all units"](active, masks)      # learnt from binary activations A (N,U,h,w) and masks (N,H,W)
    found(others, (H, W))                            # where it is in other pictures: (M,H,W) bool

A new way is one function, one line here, and one test of its numbers; ``tests/dissection/test_contract.py`` holds
every line to its word.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from u3lab.checks import booleans
from u3lab.dissection.concept_vectors import COMPARE, best_filter, check, enlarge, net2vec, segment, sides
from u3lab.errors import U3Error

Found = Callable[[Tensor, tuple[int, int]], Tensor]  # A (M,U,h,w) bool, (H,W) → (M,H,W) bool


@dataclass(frozen=True)
class Finder:
    """One way. Called with (active, masks), it gives a function that finds the concept in other pictures.

    Attributes:
        learn: (A (N,U,h,w), masks (N,H,W)), both bool → that function.
        units: How many units it looks at, at most; None for all of them.
        searches: Whether it goes step by step: seconds a concept, not milliseconds.
    """

    learn: Callable[[Tensor, Tensor], Found]
    units: int | None = None
    searches: bool = False

    def __call__(self, active: Tensor, masks: Tensor) -> Found:
        """The function that was learnt; slips are told as by :func:`u3lab.dissection.net2vec`."""
        check(active, masks)
        learnt, units = self.learn(active, masks), active.shape[1]

        def found(others: Tensor, size: tuple[int, int]) -> Tensor:
            booleans(COMPARE, active=(others, "NUhw"))
            if others.shape[1] != units:
                raise U3Error(f"active has {others.shape[1]} units, it was learnt from {units}; give one layer's")
            return learnt(others, sides(size, len(others)))

        return found


def everywhere(active: Tensor, masks: Tensor) -> Found:
    """The floor: it is everywhere."""
    return lambda others, size: torch.ones(len(others), *size, dtype=torch.bool)


def one_unit(active: Tensor, masks: Tensor) -> Found:
    """Network dissection: where the unit that does best on its own is on, its map enlarged to the masks' size."""
    unit, _ = best_filter(active, masks)
    return lambda others, size: enlarge(others[:, unit].float(), size) > 0.5


def vote(active: Tensor, masks: Tensor, *, filters: int | None = None) -> Found:
    """Net2Vec: where the units' weighted sum says so."""
    w = net2vec(active, masks, filters=filters)
    return lambda others, size: segment(w, others, size) > 0.5


FINDERS: dict[str, Finder] = {
    "everywhere": Finder(everywhere, units=0),
    "one unit": Finder(one_unit, units=1),
    "three units": Finder(partial(vote, filters=3), units=3, searches=True),
    "all units": Finder(vote, searches=True),
}
