"""The table on shrinkage, as ``python -m u3lab.recipes.shrinkage`` writes it and the notebook reads it."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from u3lab._system import paths
from u3lab.lessons import results
from u3lab.measures import Interval


class Shrunk(NamedTuple):
    """One training with λ and the prior's centre w₀, "source" or "zero"; ``labels`` of each class."""

    domain: str
    method: str
    prior: str
    labels: int
    lam: float
    seed: int


Rows = dict[Shrunk, tuple[float, float]]  # share right of the validation and of the test pictures


def shipped() -> Rows:
    """The shipped table."""
    return results.rows(paths.data("results", "shrinkage-squeezenet1_1.json"), Shrunk)


def interval(numbers: list[float]) -> Interval:
    """The mean of some numbers with its 95 % interval, by Student's t: a wide one, as few numbers deserve."""
    from scipy.stats import t

    values = torch.tensor(numbers, dtype=torch.float64)
    half = float(t.ppf(0.975, len(numbers) - 1) * values.std() / math.sqrt(len(numbers)))
    return Interval(float(values.mean()), float(values.mean()) - half, float(values.mean()) + half)


def gain(rows: Rows, method: str, prior: str, labels: int, lam: float) -> list[float]:
    """By how much the test accuracy with λ is over that with λ = 0, one number for each domain and seed."""
    return [test - rows[run._replace(prior="source", lam=0.0)][1] for run, (_, test) in rows.items()
            if (run.method, run.prior, run.labels, run.lam) == (method, prior, labels, lam)]
