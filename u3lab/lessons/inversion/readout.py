"""What one linear map can read off a layer: the colours of a small picture, 8×8 cells, from the code. No search.

    min over W   Σ ‖W (y_i − ȳ) − (x_i − x̄)‖² + α ‖W‖²

fitted on crops of some photos and judged on crops of others. It is a lower bound of what a code still tells: a linear
map misses what is there in another form. ``python -m u3lab.experiments readouts`` makes the shipped numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.lessons import results

CELLS = 8  # of a side of the small picture
FEW = 10  # scores that "the ten best" keeps
ALPHAS = tuple(10.0**k for k in range(-6, 2))  # times the mean square of a code's length


class Run(NamedTuple):
    """A row: the network, and what is read: a layer's name, or a part of the scores from ``PARTS``."""

    network: str
    source: str


class Read(NamedTuple):
    """Shares of variance that are read off, for each unseen photo: of the mean colour, and of how the cells differ from
    it. 0 is what the mean of all photos does, 1 would be all; the variance is that over all photos.
    """

    colour: list[float]
    layout: list[float]


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
             new_photos: Sequence[str]) -> Read:
    """Fit on codes (N,D) of small pictures (N,192), and judge on new ones of other photos."""
    (centre, weight), = ridge(codes, pictures, [best_alpha(codes, pictures, photos)])
    made = pictures.mean(0) + ((new_codes - centre) @ weight).double()
    home = [[k for k, name in enumerate(new_photos) if name == photo] for photo in dict.fromkeys(new_photos)]
    found = []
    for guess, truth, known in zip(parts(made), parts(new_pictures), parts(pictures), strict=True):
        left, total = ((one - truth).square().sum(1) for one in (guess, known.mean(0)))
        shares = 1 - left / total.mean()  # one denominator: by its own, a flat photo would weigh most
        found.append([round(float(shares[crops].mean()), 3) for crops in home])
    return Read(*found)


def shipped() -> dict[Run, Read]:
    """The shipped numbers."""
    return {run: Read(*row) for run, row in results.table("readouts", Run).items()}
