"""The table of chapter 6c on stitched networks: every pair of layers with grids of one size, in both directions.

    python -m u3lab.experiments joints                                   # data/results/joints.json, 50 minutes
    python -m u3lab.experiments joints --above squeezenet1_1             # a part; several such may run side by side
"""

from __future__ import annotations

import argparse
from functools import partial

import torch
from torch import Tensor

from u3lab import __version__, nets
from u3lab.experiments import _writing
from u3lab.lessons.equivariance import joints, moving
from u3lab.lessons.equivariance.joints import HOWS, SIDE, Run
from u3lab.nets import Classifier

SQUEEZE, LITE, LITE1 = "squeezenet1_1", "efficientnet_lite0", "efficientnet_lite1"
PAIRS = ((SQUEEZE, LITE), (LITE, SQUEEZE), (LITE, LITE1))
CLOSE = 1.15  # grids whose sides differ by no more are taken as of one size
TRIED = {(SQUEEZE, LITE): (("fire3", "stage2"), ("fire5", "stage3"), ("fire7", "stage4"), ("fire9", "stage5"))}
TRIED[LITE, SQUEEZE] = tuple(pair[::-1] for pair in TRIED[SQUEEZE, LITE])  # joined in the other ways as well


def runs(below: Classifier, above: Classifier) -> list[Run]:
    """All joints of two networks; two of a family are joined at the same layers only."""
    names = below.name, above.name
    found, of_above = [Run(below.name, "", above.name, "", "whole")], joints.grids(above)
    for a, side in joints.grids(below).items():
        for b, other in of_above.items():
            if not 1 / CLOSE <= side / other <= CLOSE or (names not in TRIED and a != b):
                continue
            more = HOWS[1:5] if (a, b) in TRIED.get(names, ()) else ()
            found += [Run(below.name, a, above.name, b, how) for how in ("fitted", *more)]
    return found


def place(run: Run) -> tuple:
    """Where a row stands in the table."""
    return PAIRS.index((run.below, run.above)), HOWS.index(run.how), run.below_layer, run.above_layer


def reached(below: Classifier, above: Classifier, pictures: tuple[Tensor, Tensor, Tensor, int], run: Run) -> tuple:
    """The row of a run."""
    fit, test, wanted, each = pictures
    return tuple(round(one, 4) for one in joints.measured(joints.joined(below, above, run, fit), test, wanted, each))


def main(arguments: list[str] | None = None) -> None:
    """Fill the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--above", nargs="+", choices=(SQUEEZE, LITE, LITE1), default=(SQUEEZE, LITE, LITE1))
    chosen = _writing.options(parser, arguments, "results")
    (fit, _), (test, each) = (moving.squares(SIDE, held_out=held_out) for held_out in (False, True))
    head = {"recipe": "python -m u3lab.experiments joints", "u3lab": __version__, "torch": torch.__version__,
            "pictures": {"squares to fit on": len(fit), "to judge by": len(test), "pictures": len(test) // each},
            "columns": (*Run._fields, "share", "low", "high")}
    pairs = [pair for pair in PAIRS if pair[1] in chosen.above]
    if chosen.short:
        pairs, fit, test, each = pairs[:1], fit[:4], test[:: len(test) // 5][:5], 1
    for pair in pairs:
        below, above = map(nets.load, pair)
        pictures = fit, test, joints.first_answers(above, test), each
        todo = runs(below, above)
        _writing.fill(chosen.out / "joints.json", head, todo[:2] if chosen.short else todo,
                      partial(reached, below, above, pictures), place)
