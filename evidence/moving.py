"""Five transforms, five layers of SqueezeNet: how well M_g predicts features, and what the rest answers to them.

    python -m evidence moving  # results/moving.json, moving_pictures.json and moving_untrained.json, 30 minutes
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from evidence import _squares
from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell, extent, only
from u3course.lessons.equivariance.transforms import GUESSES, LAYERS, TRANSFORMS
from u3lab import equivariance, nets
from u3lab.equivariance import Equivariance
from u3lab.measures import mean
from u3lab.nets import Classifier

NETWORK, SIDE = "squeezenet1_1", 223  # pixels
FEWER, LEARNT = (8, 16, 32, 65), ("mirrored", "upside down")  # pictures of a learning curve, and whose curves
WEIGHTS = ("trained", "random 0", "random 1", "random 2")  # with the seed of random ones

Run = NamedTuple("Run", [("transform", str), ("layer", str), ("guess", str)])
"""One guess of one layer's features of a transformed picture."""

Row = NamedTuple("Row", [("error", float), ("agreement", float), ("low", float), ("high", float),
    ("gain", float), ("gain_low", float), ("gain_high", float)])
"""The error of the guess over all channels; how often the network, going on from the guess, answers as for the
transformed picture, with its interval; and by how much more often than from the better of the guesses that learn
nothing, with the interval of the paired difference."""

Fit = NamedTuple("Fit", [("transform", str), ("layer", str), ("pictures", int)])
"""M_g fitted on so many pictures."""

Missed = NamedTuple("Missed", [("unseen", float), ("fitted", float)])
"""Its error on pictures that it has not seen, and on the first eight that it was fitted on."""

Fresh = NamedTuple("Fresh", [("transform", str), ("layer", str), ("weights", str)])
"""M_g fitted on the features of one of WEIGHTS."""

Left = NamedTuple("Left", [("moved", float), ("mapped", float)])
"""The errors of moving the places alone, and of M_g."""


def summary(rows: Rows) -> Summary:
    """What M_g adds to the answers, by layer and transform; for two of them how often they agree, and the errors."""
    gains = [(run.layer, run.transform + what, value) for run, row in rows.items() if run.guess == "M_g" for what, value
             in (("", (row.gain, row.gain_low, row.gain_high)), (", at most", 1 - row.agreement + row.gain))]
    return by_cell(gains + [(run.layer, f"{run.transform}: {run.guess}", (row.agreement, row.low, row.high))
                            for run, row in rows.items() if run.transform in LEARNT]
                   + [(run.layer, f"{run.transform}, error: {run.guess}", row.error) for run, row in rows.items()
                      if run.transform in LEARNT and run.guess != GUESSES[0]], only)


def learning(rows: Rows) -> Summary:
    """Both errors by number of pictures, for the layers of one transform."""
    return by_cell(((str(run.pictures), f"{run.layer}, {what}", getattr(row, what)) for run, row in rows.items()
                    if run.transform == "upside down" for what in Missed._fields), only)


def floor(rows: Rows) -> Summary:
    """Both errors by layer, transform and kind of weights; of random ones the mean, least and largest."""
    return by_cell(((run.layer, f"{run.transform}, {run.weights.split()[0]}: {guess}", error)
                    for run, row in rows.items() for guess, error in zip(GUESSES[1:], row, strict=True)),
                   lambda values: extent(values) if len(values) > 1 else only(values))


TABLE = Table(
    "moving", Run, Row, summary=summary, facts={"network": NETWORK},
    again={"transform": "mirrored", "layer": "fire9"},
    chart=Chart("curves", "gain of M_g (share of squares)", along="layer with the guess",
                columns=("mirrored", "mirrored, at most", "upside down", "upside down, at most"),
                alt="Two gains, near what could be gained at conv1, fall to none at fire9; what could be stays level."))
LEARNING = Table(
    "moving_pictures", Fit, Missed, summary=learning, facts={"network": NETWORK},
    again={"transform": "mirrored", "layer": "fire9", "pictures": "8"},
    chart=Chart("curves", "error, upside down", along="pictures that M_g was fitted on",
                columns=("fire5, unseen", "fire5, fitted", "fire9, unseen", "fire9, fitted"),
                alt="Errors at fire5 and fire9: on unseen pictures they fall, on fitted ones they rise; a gap stays."))
UNTRAINED = Table(
    "moving_untrained", Fresh, Left, summary=floor, facts={"network": NETWORK},
    again={"transform": "mirrored", "layer": "fire9", "weights": "random 0"},
    chart=Chart("curves", "error on unseen photos (the mean: 1)", along="layer",
                columns=tuple(f"mirrored, {how}: {guess}" for how in ("trained", "random") for guess in GUESSES[1:]),
                alt="M_g errs little at every layer, with trained and with random weights. Moving alone errs more."))
TABLES = (TABLE, LEARNING, UNTRAINED)


def work(plan: Plan) -> Iterator[Work]:
    """A fit is a piece of work."""
    net, fit, test, each = nets.load(NETWORK), *_squares.fit_and_judge(plan, SIDE)
    for transform in plan.few(list(TRANSFORMS)):
        for layer in plan.few(LAYERS):
            yield Work([Run(transform, layer, guess) for guess in GUESSES], measured, net, transform, layer, fit, test,
                       each)
    for transform in plan.few(LEARNT):
        for layer in plan.few(LAYERS):
            for pictures in plan.few(FEWER):
                yield Work(Fit(transform, layer, pictures), missed, net, transform, layer, fit, test, pictures)
            for weights in plan.few(WEIGHTS):
                yield Work(Fresh(transform, layer, weights), left, net, transform, layer, fit, test, weights)


def measured(net: Classifier, transform: str, layer: str, fit: Tensor, test: Tensor, each: int) -> Mapping[Run, Row]:
    """Fit M_g on squares of pictures, and judge it: the rows of the three guesses."""
    found = equivariance.fit_equivariance(net, layer, fit, TRANSFORMS[transform])
    return {Run(transform, layer, name): row for name, row in judged(found, test, each).items()}


def judged(found: Equivariance, test: Tensor, each: int) -> dict[str, Row]:
    """Guess → its row; ``found`` is the guess "M_g". ``test`` has ``each`` squares of each picture."""
    said = {name: scores.argmax(1).cpu() for name, scores in equivariance.transported_scores(found, test).items()}
    same = torch.stack([(said[name] == said["recomputed"]).view(-1, each).double().mean(1)
                        for name in ("nothing", "moved", "mapped")])
    rival = same[int(same[1].mean() > same[0].mean())]
    return {guess: Row(error, *mean(one), *mean(one - rival))
            for guess, error, one in zip(GUESSES, equivariance.errors(found, test).overall(), same, strict=True)}


def missed(net: Classifier, transform: str, layer: str, fit: Tensor, test: Tensor, pictures: int) -> Missed:
    """Fit M_g on the first pictures alone."""
    found = equivariance.fit_equivariance(net, layer, fit[:pictures * _squares.FIT], TRANSFORMS[transform])
    return Missed(*(equivariance.errors(found, some).overall()[2] for some in (test, fit[:8 * _squares.FIT])))


def left(net: Classifier, transform: str, layer: str, fit: Tensor, test: Tensor, weights: str) -> Left:
    """Fit M_g on the features of the network with one of WEIGHTS."""
    net = net if weights == "trained" else nets.untrained(net, seed=int(weights.split()[1]))
    found = equivariance.fit_equivariance(net, layer, fit, TRANSFORMS[transform])
    return Left(*equivariance.errors(found, test).overall()[1:])
