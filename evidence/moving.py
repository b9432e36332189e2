"""Five transforms, five layers of SqueezeNet: how well M_g predicts features, and what the rest answers to them.

    python -m evidence moving  # results/moving.json, 25 minutes
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from torch import Tensor

from evidence import _squares
from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell, only
from u3course.lessons.equivariance.transforms import GUESSES, LAYERS, TRANSFORMS
from u3lab import equivariance, nets
from u3lab.equivariance import Equivariance
from u3lab.nets import Classifier

NETWORK, SIDE = "squeezenet1_1", 223  # pixels
SPARSE = {"M_g, 1 input": {"inputs": 1}, "M_g, 5 inputs": {"inputs": 5}, "M_g, 25 inputs": {"inputs": 25},
          "M_g, 3×3": {"neighbourhood": 3}, "M_g, 3×3, 5 inputs": {"inputs": 5, "neighbourhood": 3}}
TRIED = {"upside down": ("conv1", "fire3", "fire5")}  # where the sparse ones are fitted as well

Run = NamedTuple("Run", [("transform", str), ("layer", str), ("guess", str)])
"""One guess of one layer's features of a transformed picture."""

Row = NamedTuple("Row", [("error", float), ("better", int), ("agreement", float), ("low", float),
    ("high", float), ("only_moved", float)])
"""The error of the guess over all channels; in how many of the pictures it is below that of the moved features; how
often the network, going on from the guess, answers as for the transformed picture, with its interval; and the share of
channels that the transform only moves (the same for each guess)."""


def summary(rows: Rows) -> Summary:
    """How often the network answers alike, layer by layer, for two of the transforms."""
    return by_cell(((run.layer, f"{run.transform}: {run.guess}", (row.agreement, row.low, row.high))
                    for run, row in rows.items()
                    if run.transform in ("mirrored", "upside down") and run.guess in GUESSES), only)


TABLE = Table(
    "moving", Run, Row, summary=summary, facts={"network": NETWORK}, again={"guess": "M_g, 5 inputs"},
    chart=Chart("curves", "share of squares with the same answer", along="layer with the guess",
                alt="Curves along five layers for two transforms and three guesses: doing nothing, moving, and M_g."))


def work(plan: Plan) -> Iterator[Work]:
    """A fit is a piece of work."""
    net, fit, test, each = nets.load(NETWORK), *_squares.fit_and_judge(plan, SIDE)
    for transform in plan.few(list(TRANSFORMS)):
        for layer in plan.few(LAYERS):
            yield Work([Run(transform, layer, guess) for guess in GUESSES], measured, net, transform, layer, fit, test,
                       each)
            for guess in SPARSE if layer in TRIED.get(transform, ()) else ():
                yield Work([Run(transform, layer, guess)], measured, net, transform, layer, fit, test, each, guess)


def measured(net: Classifier, transform: str, layer: str, fit: Tensor, test: Tensor, each: int,
             guess: str | None = None) -> Mapping[Run, Row]:
    """Fit M_g on squares of pictures, and judge it: the rows of the three guesses, or of one sparse ``guess``."""
    found = equivariance.fit_equivariance(net, layer, fit, TRANSFORMS[transform], **SPARSE.get(guess, {}))
    rows = judged(found, test, each)
    return ({Run(transform, layer, name): row for name, row in rows.items()} if guess is None else
            {Run(transform, layer, guess): rows["M_g"]})


def judged(found: Equivariance, test: Tensor, each: int) -> dict[str, Row]:
    """Guess → its row; ``found`` is the guess "M_g". ``test`` has ``each`` squares of each picture."""
    whole = equivariance.errors(found, test)
    single = [equivariance.errors(found, some).overall() for some in test.split(each)]
    said = {name: scores.argmax(1).cpu() for name, scores in equivariance.transported_scores(found, test).items()}
    rows = {}
    for k, (guess, name) in enumerate(zip(GUESSES, ("nothing", "moved", "mapped"), strict=True)):
        better = sum(one[k] < one[1] for one in single)
        rows[guess] = Row(whole.overall()[k], better,
                          *_squares.agreement(said[name], said["recomputed"], each), whole.invariant())
    return rows
