"""Stitched networks: six pairs of layers of two networks, in both directions, two of siblings; each with all floors.

    python -m evidence joints  # results/joints.json, 40 minutes
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import NamedTuple

import torch
from torch import Tensor

from evidence import _squares
from evidence._table import Chart, Plan, Rows, Summary, Table, Work
from u3lab import equivariance, images, nets
from u3lab.descent import last
from u3lab.measures import mean
from u3lab.nets import Classifier

SQUEEZE, LITE, SIBLING = "squeezenet1_1", "efficientnet_lite0", "efficientnet_lite1"
JOINTS = (("conv1", "stem"), ("fire3", "stage2"), ("fire5", "stage3"), ("fire7", "stage4"), ("fire9", "stage5"),
          ("fire9", "stage7"))  # the last two grids are of unequal size
PAIRS = {(SQUEEZE, LITE): JOINTS, (LITE, SQUEEZE): tuple(joint[::-1] for joint in JOINTS),
         (LITE, SIBLING): (("stage2", "stage2"), ("stage3", "stage3"))}  # Lite1 has Lite0's plan, and was trained apart
SEWN = ("fitted", "identity", "shuffled", "trained")
HOWS = (*SEWN, "untrained, fitted", "untrained, trained")
SIDE, STEPS = 224, 60  # pixels; steps of a training on the answers, which no label takes part in

Run = NamedTuple("Run", [("below", str), ("below_layer", str), ("above", str), ("above_layer", str), ("how", str)])
"""A lower half and an upper one, and how they are stitched.

"fitted" by least squares; "trained" on the answers as well. Floors: "identity", channel c to channel c; "shuffled", the
fit with its input channels in a random order; and both stitches of a lower half that was never trained. "whole" is the
lower network itself, without a stitch."""

Row = NamedTuple("Row", [("value", float), ("low", float), ("high", float),
    ("gain", float), ("gain_low", float), ("gain_high", float)])
"""How often the stitched network gives the upper one's answer, and by how much more often than the whole lower network;
the second interval is of the paired difference."""


def summary(rows: Rows) -> Summary:
    """How often a stitched network gives the upper one's answer."""
    found: dict[str, dict[str, tuple]] = {}
    for run, row in rows.items():
        whole = f"whole {run.below}, for {run.above}"
        label = whole if run.how == "whole" else f"{run.below_layer} → {run.above_layer}"
        found.setdefault(label, {})[run.how] = tuple(row)[:3]
        if run.how in ("fitted", "trained"):
            found[label][f"{run.how}, beyond the whole lower network"] = tuple(row)[3:]
    return found


TABLE = Table(
    "joints", Run, Row, summary=summary, facts={"steps": STEPS},
    again={"how": "whole"},
    chart=Chart("bars", "share of squares with the upper network's answer",
                columns=("fitted", "trained", "untrained, trained", "whole"),
                alt="Bars for six stitches in two directions and for the whole lower networks. SqueezeNet below: "
                    "fitted ones do about as well as the whole network; Lite0 below: trained ones do far better."))


def work(plan: Plan) -> Iterator[Work]:
    """The whole lower network is a piece of work, and so is a pair of layers in all ways."""
    fit, test, each = _squares.fit_and_judge(plan, SIDE)
    for pair in plan.few(list(PAIRS)):
        below, above = map(nets.load, pair)
        answers = cache(partial(first_answers, pictures=test))
        whole = Run(below.name, "", above.name, "", "whole")
        yield Work(whole, compared, below, below, above, answers, each)
        for a, b in plan.few(PAIRS[pair]):
            runs = [Run(below.name, a, above.name, b, how) for how in HOWS]
            yield Work(runs, measured, below, above, runs, fit, answers, each, plan.steps(STEPS))


def first_answers(net: Classifier, pictures: Tensor) -> Tensor:
    """The first class for each picture (N), shown at the network's own size."""
    return torch.cat([net.logits(images.resize(x, net.size)).argmax(1) for x in pictures.split(8)]).cpu()


def compared(net: Classifier, below: Classifier, above: Classifier, answers: Callable[[Classifier], Tensor],
             each: int) -> Row:
    """How often a network gives the upper one's answers, and what that is beyond the whole lower network."""
    right, rival = ((answers(one) == answers(above)).view(-1, each).double() for one in (net, below))
    return Row(*mean(right), *mean(right - rival))


def measured(below: Classifier, above: Classifier, runs: list[Run], fit: Tensor,
             answers: Callable[[Classifier], Tensor], each: int, steps: int) -> Mapping[Run, Row]:
    """Stitch two layers in all ways, and judge each."""
    return {run: compared(net, below, above, answers, each)
            for run, net in zip(runs, joined(below, above, runs[0], fit, steps), strict=True)}


def joined(below: Classifier, above: Classifier, run: Run, fit: Tensor, steps: int) -> Iterator[Classifier]:
    """The networks of a pair of layers, in the order of HOWS."""
    for lower in (below, nets.untrained(below)):
        sewn = equivariance.stitch(lower, run.below_layer, above, run.above_layer, fit)
        yield sewn
        if lower is below:
            yield equivariance.identity_stitch(sewn)
            yield equivariance.shuffled_stitch(sewn)
        trained = equivariance.shuffled_stitch(sewn)  # a copy, whose stitch is then the fitted one again
        trained.module.stitch.load_state_dict(sewn.module.stitch.state_dict())
        last(equivariance.distil(trained, fit, settings=equivariance.StitchSettings(steps=steps)))
        yield trained
