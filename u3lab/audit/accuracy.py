"""Accuracy by patient: of how many people is it known?"""

from typing import NamedTuple

from torch import nn

from u3lab.audit.cases import ASK, Cases, score
from u3lab.checks import is_a
from u3lab.measures import Interval, mean
from u3lab.nets import ready

ENOUGH = 10  # patients: below that nothing is said of new ones


class Accuracy(NamedTuple):
    """The share of right answers, its interval over patients; and patient → (right answers, pictures)."""

    right: Interval
    by_patient: dict[str, tuple[int, int]]
    sensitivity: float
    specificity: float



def accuracy(net: nn.Module, cases: Cases, *, positive: int | str = 1) -> Accuracy:
    """How often the network is right, and with whom; a picture without a named patient is its own."""
    net, cases = ready(net), is_a("cases", cases, Cases, ASK)
    right = (score(net, cases.images, positive) > 0) == cases.positive
    by_patient: dict[str, tuple[int, int]] = {}
    for name, one in zip(map(str, cases.groups), right.tolist(), strict=True):
        good, all_of = by_patient.get(name, (0, 0))
        by_patient[name] = good + one, all_of + 1
    ill = cases.positive
    return Accuracy(mean(right.double(), cases.groups), by_patient, float(right[ill].double().mean()),
                    float(right[~ill].double().mean()))
