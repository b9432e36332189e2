"""What is read of the table on shrinkage: gains, prices and centres. Its rows are ``results.table("shrinkage")``."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from u3lab.measures import Interval

Rows = dict[tuple, tuple[float, float]]  # domain, method, prior, labels, lam, seed → accuracy: validation, test

# What is trained, and the prior's centre → method and centre as the rows call them.
WAYS = {"adapters, w₀ = source": ("parallel", "source"), "fine-tuning, w₀ = source": ("fine-tuning", "source"),
        "fine-tuning, w₀ = 0": ("fine-tuning", "zero")}


def interval(numbers: list[float]) -> Interval:
    """The mean of some numbers with its 95 % interval, by Student's t: a wide one, as few numbers deserve."""
    from scipy.special import stdtrit  # what scipy.stats.t.ppf calls; scipy.stats would take three times as long

    values = torch.tensor(numbers, dtype=torch.float64)
    half = float(stdtrit(len(numbers) - 1, 0.975) * values.std() / math.sqrt(len(numbers)))
    return Interval(float(values.mean()), float(values.mean()) - half, float(values.mean()) + half)


def gain(rows: Rows, method: str, prior: str, labels: int, lam: float) -> list[float]:
    """By how much the test accuracy with λ is over that with λ = 0, one number for each domain and seed."""
    return [test - rows[run._replace(prior="source", lam=0.0)][1] for run, (_, test) in rows.items()
            if (run.method, run.prior, run.labels, run.lam) == (method, prior, labels, lam)]


def prices(rows: Rows, labels: int) -> list[float]:
    """Every λ > 0 of which the table has all runs with so many labels, the smallest first."""
    wanted = [run._replace(method=method, prior=prior) for run in rows if (run.labels, run.lam) == (labels, 0)
              for method, prior in WAYS.values()]
    return sorted(lam for lam in {run.lam for run in rows if run.labels == labels} - {0}
                  if all(run._replace(lam=lam) in rows for run in wanted))


def centres(rows: Rows, labels: int, lam: float) -> list[float]:
    """By how much fine-tuning around the source is over that around zero, test accuracy; for each domain and seed."""
    return [test - rows[run._replace(prior="zero")][1] for run, (_, test) in rows.items()
            if (run.method, run.prior, run.labels, run.lam) == ("fine-tuning", "source", labels, lam)]


class Chosen(NamedTuple):
    """λ as the validation pictures choose it for a domain, and the test accuracy of each seed without and with it."""

    lam: float
    before: list[float]
    after: list[float]


def chosen(rows: Rows, way: str, labels: int) -> dict[str, Chosen]:
    """Domain → what choosing λ brings to a way of ``WAYS``; of the best λ it is the smallest, which may be 0."""
    method, prior = WAYS[way]
    found = {}
    for domain in dict.fromkeys(run.domain for run in rows):
        scores = {lam: [pair for run, pair in rows.items() if run[:5] == (
            domain, method, prior if lam else "source", labels, lam)] for lam in (0.0, *prices(rows, labels))}
        best = max(scores, key=lambda lam: sum(val for val, _ in scores[lam]))
        found[domain] = Chosen(best, *([test for _, test in scores[lam]] for lam in (0.0, best)))
    return found
