"""Stitched networks: every pair of layers with grids of one size, in both directions.

    python -m evidence joints  # results/joints.json, 50 minutes
"""

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import NamedTuple

import torch
from torch import Tensor

from evidence import _squares
from evidence._table import Chart, Plan, Rows, Summary, Table, Work
from u3lab import equivariance, images, nets
from u3lab.descent import last
from u3lab.measures import Interval
from u3lab.nets import Classifier
from u3lab.nets.surgery import before_relu

SQUEEZE, LITE, LITE1 = "squeezenet1_1", "efficientnet_lite0", "efficientnet_lite1"
PAIRS = ((SQUEEZE, LITE), (LITE, SQUEEZE), (LITE, LITE1))
CLOSE = 1.15  # grids whose sides differ by no more are taken as of one size
TRIED = {(SQUEEZE, LITE): (("fire3", "stage2"), ("fire5", "stage3"), ("fire7", "stage4"), ("fire9", "stage5"))}
TRIED[LITE, SQUEEZE] = tuple(pair[::-1] for pair in TRIED[SQUEEZE, LITE])  # stitched in the other ways as well
HOWS = ("fitted", "identity", "shuffled", "trained", "untrained", "whole")
SIDE, STEPS = 224, 60  # pixels; steps of a training on the answers, which no label takes part in

Run = NamedTuple("Run", [("below", str), ("below_layer", str), ("above", str), ("above_layer", str), ("how", str)])
"""A lower half and an upper one, and how they are stitched.

"fitted" by least squares; "trained" on the answers as well; "identity" and "shuffled" are floors, and "untrained" is
the fit for a lower half that was never trained. "whole" is the lower network itself, without a stitch."""


def summary(rows: Rows) -> Summary:
    """How often a stitched network gives the upper one's answers, at the layers that were stitched in all ways."""
    found: dict[str, dict[str, tuple]] = {}
    for run, row in rows.items():
        if (run.below_layer, run.above_layer) in TRIED.get((run.below, run.above), ()):
            found.setdefault(f"{run.below} {run.below_layer} → {run.above} {run.above_layer}", {})[run.how] = row
        elif run.how == "whole":
            found[f"{run.below}, whole, beside {run.above}"] = {"whole": row}
    return found


TABLE = Table(
    "joints", Run, Interval, summary=summary, facts={"steps": STEPS}, again={"below_layer": "fire9", "how": "fitted"},
    chart=Chart("bars", "share of squares with the upper network's answer", columns=("fitted", "trained", "whole"),
                alt="Bars for eight pairs of layers of two networks, and for the whole lower networks."))


def work(plan: Plan) -> Iterator[Work]:
    """A stitch is a piece of work."""
    fit, test, each = _squares.fit_and_judge(plan, SIDE)
    for pair in plan.few(PAIRS):
        below, above = map(nets.load, pair)
        wanted = cache(partial(first_answers, above, test))
        for run in plan.few(runs(below, above), 2):
            yield Work(run, measured, below, above, run, fit, test, wanted, each)


def runs(below: Classifier, above: Classifier) -> list[Run]:
    """All stitches of two networks; two of a family are stitched at the same layers only."""
    names = below.name, above.name
    found, of_above = [Run(below.name, "", above.name, "", "whole")], grids(above)
    for a, side in grids(below).items():
        for b, other in of_above.items():
            if not 1 / CLOSE <= side / other <= CLOSE or (names not in TRIED and a != b):
                continue
            more = HOWS[1:5] if (a, b) in TRIED.get(names, ()) else ()
            found += [Run(below.name, a, above.name, b, how) for how in ("fitted", *more)]
    return sorted(found, key=lambda run: (HOWS.index(run.how), run.below_layer, run.above_layer))


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


def measured(below: Classifier, above: Classifier, run: Run, fit: Tensor, test: Tensor,
             wanted: Callable[[], Tensor], each: int) -> Interval:
    """Stitch, and count how often the answers are the wanted ones; the interval is over pictures."""
    return _squares.agreement(first_answers(joined(below, above, run, fit), test), wanted(), each)


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
