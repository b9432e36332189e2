"""Interpretability and performance, layer by layer: the table of chapter 7b, as ``python -m u3lab.experiments layers``
writes it."""

from __future__ import annotations

from typing import NamedTuple

from u3lab import dissection, nets
from u3lab.datasets.labelled import ConceptData
from u3lab.lessons import results
from u3lab.lessons.dissection import words
from u3lab.lessons.dissection.words import Asked
from u3lab.nets import Classifier

UNTRAINED = "not trained"
LAYERS = {"squeezenet1_1": ("conv1", "fire2", "fire3", "fire4", "fire5", "fire6", "fire7", "fire8", "fire9"),
          UNTRAINED: ("conv1", "fire3", "fire5", "fire7", "fire9"),
          "efficientnet_lite0": ("stage1", "stage2", "stage3", "stage4", "stage5", "stage6", "stage7"),
          "efficientnet_lite1": ("stage1", "stage3", "stage5", "stage7")}


class Run(NamedTuple):
    """A layer of a network."""

    network: str
    layer: str


class Reached(NamedTuple):
    """Units; different concepts with a detector, and labels of units; accuracy of a probe with its interval."""

    units: int
    unique: int
    labels: int
    accuracy: float
    low: float
    high: float


def network(name: str) -> Classifier:
    """A network of the table."""
    return nets.untrained(nets.load()) if name == UNTRAINED else nets.load(name)


def measured(net: Classifier, layer: str, data: ConceptData, learn: Asked, ask: Asked) -> Reached:
    """The row of a layer."""
    found = dissection.dissect(net, layer, data)
    return Reached(len(found.thresholds), dissection.unique(found), len(found.labels()),
                   *words.probed(net, (layer,), learn, ask)[layer])


def shipped() -> dict[Run, Reached]:
    """The shipped table."""
    return {run: Reached(*row) for run, row in results.table("layers", Run).items()}
