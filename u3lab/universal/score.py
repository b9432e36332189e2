"""The score of the Visual Decathlon, and what the papers reached.

    S = Σ_d α_d max(0, E_max,d − E_d)^γ,   γ = 2,   E_max,d = 2 × the error of a fully fine-tuned network

with α_d = 1000 E_max,d^(−γ), so that no error at all is worth 1000 points in each domain, and the fine-tuned network
250 (Rebuffi, Bilen & Vedaldi, NIPS 2017, section on the Visual Decathlon Challenge). Many small gains near E_max count
little; the last per cents count most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from u3lab.checks import is_a, number, shown, whole
from u3lab.errors import U3Error

GAMMA, POINTS = 2, 1000.0
LEAST = 0.02  # E_max is not taken smaller, or one picture of a small test set would decide

DOMAINS = ("ImageNet", "Aircraft", "CIFAR-100", "Pedestrians", "Textures", "Traffic signs", "Flowers", "Omniglot",
           "SVHN", "UCF-101")


@dataclass(frozen=True)
class Entry:
    """One row of the leaderboard.

    Attributes
    ----------
    accuracies
        Per cent right on the test pictures of each of ``DOMAINS``.
    score
        S as published.
    networks
        All parameters for the ten domains, as multiples of one network; None where we have no number.
    """

    accuracies: tuple[float, ...]
    score: float
    networks: float | None = None

    @property
    def mean(self) -> float:
        """Mean of the accuracies, in per cent."""
        return sum(self.accuracies) / len(self.accuracies)

    def errors(self) -> dict[str, float]:
        """Domain → share that is wrong, in [0,1]."""
        return {name: 1 - right / 100 for name, right in zip(DOMAINS, self.accuracies, strict=True)}


# Accuracies and scores as later papers on the same benchmark reprint them.
PUBLISHED: dict[str, Entry] = {
    "scratch": Entry((59.87, 57.10, 75.73, 91.20, 37.77, 96.55, 56.30, 88.74, 96.63, 43.27), 1625, 10),
    "fine-tuning": Entry((59.87, 60.34, 82.12, 92.82, 55.53, 97.53, 81.41, 87.69, 96.55, 51.20), 2500, 10),
    "features": Entry((59.67, 23.31, 63.11, 80.33, 45.37, 68.16, 73.69, 58.79, 43.54, 26.80), 544, 1),
    "residual adapters (2017)": Entry(
        (59.67, 56.68, 81.20, 93.88, 50.85, 97.05, 66.24, 89.62, 96.13, 47.45), 2118, 2),
    "deep adaptation (DAN)": Entry(
        (57.74, 64.12, 80.07, 91.30, 56.54, 98.46, 86.05, 89.67, 96.77, 49.38), 2851),
    "Piggyback": Entry((57.69, 65.29, 79.87, 96.99, 57.45, 97.27, 79.09, 87.63, 97.24, 47.48), 2838),
    "parallel adapters, SVD (2018)": Entry(
        (60.32, 66.04, 81.86, 94.23, 57.82, 99.24, 85.74, 89.25, 96.62, 52.50), 3398),
}


def decathlon_score(errors: Mapping[str, float], baseline: Mapping[str, float]) -> float:
    """S of a set of domains: 250 points a domain for the baseline, 1000 for no error.

    Parameters
    ----------
    errors
        Domain → share of test pictures that are wrong, in [0,1] (no per cent).
    baseline
        The same of the fully fine-tuned network. Where it has less than one per cent, one per cent is taken.

    Raises
    ------
    U3Error
        Other domains in one than in the other, or a share that is none.

    Examples
    --------
    >>> universal.decathlon_score({"digits": 0.1, "signs": 0.0}, {"digits": 0.1, "signs": 0.2})
    1250.0
    """
    return sum(points(errors, baseline).values())


def points(errors: Mapping[str, float], baseline: Mapping[str, float]) -> dict[str, float]:
    """Domain → its points, in [0,1000]; their sum is S."""
    ours, theirs = _shares("errors", errors), _shares("baseline", baseline)
    if ours.keys() != theirs.keys():
        odd = sorted(ours.keys() ^ theirs.keys())[0]
        raise U3Error(f"{odd!r} has no {'baseline' if odd in ours else 'error'}; give both for the same domains")
    found = {}
    for name, error in ours.items():
        most = max(2 * theirs[name], LEAST)
        alpha = POINTS * most**-GAMMA
        found[name] = alpha * max(0.0, most - error) ** GAMMA
    return found


def networks(shared: int, added: int, domains: int) -> float:
    """All parameters for several domains as a multiple of the one network: (shared + domains · added) / shared."""
    whole("shared", shared), whole("added", added, 0), whole("domains", domains)
    return 1 + domains * added / shared


def _shares(what: str, given: object) -> dict[str, float]:
    is_a(what, given, Mapping, "give a dict of domains, such as {'digits': 0.05}")
    if not given or not all(isinstance(name, str) for name in given):
        raise U3Error(f"{what} = {shown(given)}; give a dict of one domain or more, such as {{'digits': 0.05}}")
    return {name: number(f"{what}[{name!r}]", share, 0, 1) for name, share in given.items()}
