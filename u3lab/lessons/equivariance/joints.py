"""Which layer of one network feeds which layer of another: the table of chapter 6c, as
``python -m u3lab.experiments joints`` writes it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from u3lab import equivariance, images, nets
from u3lab.descent import last
from u3lab.lessons import results
from u3lab.lessons.equivariance.moving import agreement
from u3lab.measures import Interval
from u3lab.nets import Classifier
from u3lab.nets.surgery import before_relu

HOWS = ("fitted", "identity", "shuffled", "trained", "untrained", "whole")
SIDE, STEPS = 224, 60  # pixels; steps of a training on the answers, which no label takes part in


class Run(NamedTuple):
    """A lower half and an upper one, and how they are joined.

    "fitted" by least squares; "trained" on the answers as well; "identity" and "shuffled" are floors, and "untrained"
    is the fit for a lower half that was never trained. "whole" is the lower network itself, without a stitch.
    """

    below: str
    below_layer: str
    above: str
    above_layer: str
    how: str


def grids(net: Classifier) -> dict[str, int]:
    """Layer → the side of its grid."""
    x = images.resize(torch.zeros(1, 3, SIDE, SIDE), net.size)
    found = {}
    for layer in net.layers:
        features = before_relu(net, layer, x)[0]
        if features.ndim == 4 and features.shape[-1] > 1:
            found[layer] = features.shape[-1]
    return found


def first_answers(net: Classifier, pictures: Tensor) -> Tensor:
    """The first class for each picture (N), shown at the network's own size."""
    return torch.cat([net.logits(images.resize(x, net.size)).argmax(1) for x in pictures.split(8)]).cpu()


def joined(below: Classifier, above: Classifier, run: Run, fit: Tensor) -> Classifier:
    """The network of a run."""
    if run.how == "whole":
        return below
    below = nets.untrained(below) if run.how == "untrained" else below
    sewn = equivariance.stitch(below, run.below_layer, above, run.above_layer, fit)
    if run.how == "trained":
        last(equivariance.distil(sewn, fit, settings=equivariance.StitchSettings(steps=STEPS)))
    change = {"identity": equivariance.identity_stitch, "shuffled": equivariance.shuffled_stitch}
    return change[run.how](sewn) if run.how in change else sewn


def measured(net: Classifier, test: Tensor, wanted: Tensor, each: int) -> Interval:
    """How often a network gives the wanted answers; the interval is over pictures."""
    return agreement(first_answers(net, test), wanted, each)


def shipped() -> dict[Run, Interval]:
    """The shipped table."""
    return {run: Interval(*row) for run, row in results.table("joints", Run).items()}
