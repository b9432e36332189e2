"""Do units and concepts match one to one? Counts over a dissection, with intervals from the bootstrap."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from u3lab.checks import is_a, number, shown
from u3lab.dissection.dissecting import LEAST, Dissection
from u3lab.errors import U3Error
from u3lab.measures import Interval, bootstrap

MADE = "make it with dissection.dissect(net, layer, data)"


def interval(found: Dissection, statistic: Callable[[Dissection], float], *, times: int = 200,
             seed: int = 0) -> Interval:
    """A statistic of a dissection with its 95 % interval: the basic bootstrap over groups of pictures.

    A maximum over many units or concepts is biased upwards in a resample, so the interval is the basic one of
    :func:`u3lab.measures.bootstrap`.

    Raises:
        U3Error: Pictures that were not counted in at least five groups, a statistic that gives no number.
    """
    is_a("found", found, Dissection, MADE)
    is_a("statistic", statistic, Callable, "give a function of a dissection, such as dissection.unique_detectors")
    if (groups := len(found.intersection)) < 5:
        raise U3Error(f"the pictures were counted in {groups} groups; dissect at least five for an interval")

    def of_samples(often: Tensor) -> Tensor:
        values = [statistic(found.weighted(one)) for one in often]
        try:
            return torch.tensor(list(map(float, values)), dtype=torch.float64)
        except (TypeError, ValueError, RuntimeError):
            raise U3Error(f"the statistic gives {shown(values[0])}; let it return one number") from None

    return bootstrap(of_samples, groups, times=times, basic=True, seed=seed)


def unique_detectors(found: Dissection, *, least: float = LEAST) -> int:
    """How many different concepts have a detector: the paper's measure of a layer's interpretability."""
    return len(is_a("found", found, Dissection, MADE).detectors(least))


def by_category(found: Dissection, category: Mapping[str, str], *, least: float = LEAST) -> dict[str, int]:
    """Category → how many of its concepts have a detector."""
    is_a("found", found, Dissection, MADE)
    is_a("category", category, Mapping, "give a dict from concepts to categories, such as concepts.CATEGORY")
    if (missing := [name for name in found.concepts if name not in category]):
        raise U3Error(f"category has no {missing[0]!r}; give a category for each concept of the dissection")
    counted = dict.fromkeys(category[name] for name in found.concepts)
    detected = found.detectors(least)
    return {one: sum(category[name] == one for name in detected) for one in counted}


def concepts_per_unit(found: Dissection, *, least: float = LEAST) -> Tensor:
    """How many concepts each unit reaches ``least`` with, (U) int64."""
    return _reached(found, least).sum(1)


def units_per_concept(found: Dissection, *, least: float = LEAST) -> Tensor:
    """How many units reach ``least`` with each concept, (C) int64."""
    return _reached(found, least).sum(0)


def _reached(found: Dissection, least: float) -> Tensor:
    return is_a("found", found, Dissection, MADE).iou > number("least", least, 0, 1)
