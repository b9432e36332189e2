"""Do units and concepts match one to one? Counts over a dissection, with intervals from the bootstrap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch

from u3lab.dissection.dissecting import LEAST, Dissection


class Interval(NamedTuple):
    """A number, and between which two it lies in 95 of 100 samples of pictures."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"


def interval(found: Dissection, statistic: Callable[[Dissection], float], *, times: int = 200,
             seed: int = 0) -> Interval:
    """A statistic of a dissection with its 95 % interval: the basic bootstrap over groups of pictures.

    A maximum over many units or concepts is biased upwards in a resample; the basic interval (twice the value, less the
    quantiles: Davison & Hinkley, Bootstrap methods and their application, 1997, section 2.4) takes that bias off.
    """
    value = statistic(found)
    drawn = torch.tensor([statistic(one) for one in found.resampled(times, seed=seed)], dtype=torch.float64)
    low, high = (2 * value - drawn.quantile(share).item() for share in (0.975, 0.025))
    return Interval(value, low, high)


def unique(found: Dissection, *, least: float = LEAST) -> int:
    """How many different concepts have a detector: the paper's measure of a layer's interpretability."""
    return len(found.detectors(least))


def by_category(found: Dissection, category: Mapping[str, str], *, least: float = LEAST) -> dict[str, int]:
    """Category → how many of its concepts have a detector."""
    counted = dict.fromkeys(category[name] for name in found.concepts)
    detected = found.detectors(least)
    return {one: sum(category[name] == one for name in detected) for one in counted}


def concepts_per_unit(found: Dissection, *, least: float = LEAST) -> torch.Tensor:
    """How many concepts each unit reaches ``least`` with, (U) int64."""
    return (found.iou > least).sum(1)


def units_per_concept(found: Dissection, *, least: float = LEAST) -> torch.Tensor:
    """How many units reach ``least`` with each concept, (C) int64."""
    return (found.iou > least).sum(0)
