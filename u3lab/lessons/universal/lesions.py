"""Chapter 1: is there a lesion in the square? Learnt from one patient, asked on other slices and on a new patient.

``python -m u3lab.experiments sensitivity`` makes the table "sensitivity"; the notebook makes some of its rows again.
"""

from __future__ import annotations

from u3lab.lessons.universal import trials
from u3lab.nets import Classifier
from u3lab.universal import Adapted

DOMAINS = ("brain lesions", "chest lesions")
LABELS, RATE = 20, 0.0015  # squares of each kind; the rate was not tuned for these domains
ASKED = {"val": "other slices", "test": "new patient"}  # split → what it is of
LESION, HEALTHY = 1, 0  # classes


def training(domain: str, seed: int) -> trials.Run:
    """The training, for :func:`u3lab.lessons.universal.trials.begin` and ``train``."""
    return trials.Run(domain, "parallel", LABELS, seed, RATE)


def rates(network: Adapted | Classifier, domain: str, split: str) -> tuple[float, float]:
    """Sensitivity and specificity on the squares of a split: the shares of lesions and of healthy squares that are
    called so."""
    given, true = trials.answers(network, domain, split)
    return tuple((given[true == k] == k).double().mean().item() for k in (LESION, HEALTHY))
