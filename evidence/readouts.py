"""What one linear map reads off each layer of two networks, and off parts of their scores: 8×8 cells, without a search.

    python -m evidence readouts  # results/readouts.json, 10 minutes of one thread

    min over W   Σ ‖W (y_i − ȳ) − (x_i − x̄)‖² + α ‖W‖²

fitted on crops of some photos and judged on crops of others. It is a lower bound of what a code still tells: a linear
map misses what is there in another form.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from evidence import _crops
from evidence._table import Chart, Plan, Rows, Summary, Table, Work, over
from evidence.inversion_table import network
from u3course.lessons.inversion.table import LAYERS, NETWORKS, SIDE
from u3lab.inversion.codes import LOGITS, code
from u3lab.nets import Classifier

AREA, EACH = (0.4, 1.0), (48, 12)  # share of a photo's largest square; crops of each photo to fit on, and to judge by
CELLS = 8  # of a side of the small picture
FEW = 10  # scores that "the ten best" keeps
ALPHAS = tuple(10.0**k for k in range(-6, 2))  # times the mean square of a code's length

Run = NamedTuple("Run", [("network", str), ("source", str)])
"""The network, and what is read: a layer's name, or a part of the scores from ``PARTS``."""

Row = NamedTuple("Row", [("colour", tuple[float, ...]), ("layout", tuple[float, ...])])
"""Shares of variance that are read off, for each unseen photo: of the mean colour, and of how the cells differ from it.
0 is what the mean of all photos does, 1 would be all; the variance is that over all photos."""


def summary(rows: Rows) -> Summary:
    """Both shares, by network and source."""
    return {", ".join(run): {"colour": over(row.colour), "layout": over(row.layout)} for run, row in rows.items()}


TABLE = Table(
    "readouts", Run, Row, summary=summary, facts={"crops": EACH, "cells": CELLS}, digits=3,
    again="the crops and their codes alone take most of a minute",
    shared={"fit & choose: photos": "α is chosen on a quarter of the photos after a fit on the others; with it the map "
                                    "is fitted on all of them"},
    chart=Chart("bars", "share of the variance on unseen photos",
                alt="Bars for 19 layers and parts of scores: the share of the colour's and of the layout's variance."))


def work(plan: Plan) -> Iterator[Work]:
    """A fit is a piece of work."""
    each, (names, new) = (1, 1) if plan.short else EACH, (list(_crops.named(split)) for split in ("train", "test"))
    plan.fit(photos=names)
    plan.choose(photos=sorted(names)[::4])
    plan.judge(photos=new)
    for name in plan.few(NETWORKS):
        # All but the first layer, whose quarter of a million values take an hour and tell nothing new.
        for source in (*LAYERS[name][1:], *PARTS):
            if not plan.short or source in ("conv10", LOGITS, *PARTS):
                yield Work(Run(name, source), measured, Run(name, source), each, plan.seed)


def measured(run: Run, each: tuple[int, int], seed: int) -> Row:
    """Fit on crops of some photos, and judge on those of others."""
    layer, part = (LOGITS, PARTS[run.source]) if run.source in PARTS else (run.source, lambda y: y)
    (x, names), (new, new_names) = (crops(split, count, seed) for split, count in zip(("train", "test"), each,
                                                                                       strict=True))
    y, new_y = (part(codes(network(run.network), layer, pictures)) for pictures in (x, new))
    return read_off(y, small(x), names, new_y, small(new), new_names)


@cache
def crops(split: str, each: int, seed: int) -> tuple[Tensor, list[str]]:
    """Crops (N,3,128,128) of the photos that ship to learn from, or of those that are held out, and their photos."""
    generator, made = torch.Generator().manual_seed(seed), []
    for name, load in _crops.named(split).items():
        picture = load(name)[0]
        made += [(name, _crops.cut(picture, SIDE, AREA, generator)) for _ in range(each)]
    return torch.stack([x for _, x in made]), [name for name, _ in made]


@torch.no_grad()
def codes(net: Classifier, layer: str, x: Tensor) -> Tensor:
    """Codes of many pictures, (N,D)."""
    return torch.cat([code(net, layer, part).flatten(1) for part in x.split(16)])


def _but_the_best(scores: Tensor, keep: int) -> Tensor:
    """Scores (N,K) in which the best ``keep`` are set to the mean of the others."""
    best = scores.topk(keep, 1).indices
    rest = (scores.sum(1, keepdim=True) - scores.gather(1, best).sum(1, keepdim=True)) / (scores.shape[1] - keep)
    return scores.scatter(1, best, rest.expand(-1, keep))


# Parts of a score vector (N,K): which class is best and no more; the ten best scores; all but these.
PARTS: dict[str, Callable[[Tensor], Tensor]] = {
    "the best class": lambda y: F.one_hot(y.argmax(1), y.shape[1]).to(y),
    "the ten best": lambda y: y - _but_the_best(y, FEW),
    "all but the ten best": lambda y: _but_the_best(y, FEW)}


def small(pictures: Tensor) -> Tensor:
    """Pictures (B,3,H,W) as (B,192): the mean colour of each of 8×8 cells."""
    return F.interpolate(pictures, size=(CELLS, CELLS), mode="area").flatten(1).double()


def parts(x: Tensor) -> tuple[Tensor, Tensor]:
    """Small pictures (B,192) as their mean colour (B,3), and what is left of each cell (B,192)."""
    cells = x.view(len(x), 3, -1)
    return cells.mean(2), (cells - cells.mean(2, keepdim=True)).flatten(1)


def ridge(codes: Tensor, targets: Tensor, alphas: Sequence[float]) -> Iterator[tuple[Tensor, Tensor]]:
    """Ridge regression of targets (N,T) on codes (N,D): the mean code, and W as (D,T), for each α, in dual form."""
    centre = codes.mean(0)
    y = codes - centre
    gram = (y @ y.T).double()
    eye = torch.eye(len(y), dtype=torch.float64)
    for alpha in alphas:
        dual = torch.linalg.solve(gram + alpha * gram.diagonal().mean() * len(y) * eye, targets - targets.mean(0))
        yield centre, y.T @ dual.to(y)


def best_alpha(codes: Tensor, targets: Tensor, photos: Sequence[str]) -> float:
    """The α that is best on a quarter of the photos, fitted on the others."""
    names = sorted(set(photos))
    kept_out = torch.tensor([name in set(names[::4]) for name in photos])
    errors = []
    for centre, weight in ridge(codes[~kept_out], targets[~kept_out], ALPHAS):
        made = targets[~kept_out].mean(0) + ((codes[kept_out] - centre) @ weight).double()
        errors.append(float((made - targets[kept_out]).square().sum()))
    return ALPHAS[errors.index(min(errors))]


def read_off(codes: Tensor, pictures: Tensor, photos: Sequence[str], new_codes: Tensor, new_pictures: Tensor,
             new_photos: Sequence[str]) -> Row:
    """Fit on codes (N,D) of small pictures (N,192), and judge on new ones of other photos."""
    (centre, weight), = ridge(codes, pictures, [best_alpha(codes, pictures, photos)])
    made = pictures.mean(0) + ((new_codes - centre) @ weight).double()
    home = [[k for k, name in enumerate(new_photos) if name == photo] for photo in dict.fromkeys(new_photos)]
    found = []
    for guess, truth, known in zip(parts(made), parts(new_pictures), parts(pictures), strict=True):
        left, total = ((one - truth).square().sum(1) for one in (guess, known.mean(0)))
        shares = 1 - left / total.mean()  # one denominator: by its own, a flat photo would weigh most
        found.append(tuple(float(shares[crops].mean()) for crops in home))
    return Row(*found)
