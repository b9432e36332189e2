"""How well M_g foretells features, and what the rest of the network answers to them: the table of chapter 6c, as
``python -m u3lab.experiments moving`` writes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from u3lab import equivariance, images
from u3lab.datasets import photos
from u3lab.equivariance import HFLIP, VFLIP, Equivariance, Transform, rotation, scaling
from u3lab.lessons import results
from u3lab.measures import Interval, mean
from u3lab.nets import Classifier

TRANSFORMS: dict[str, Transform] = {
    "mirrored": HFLIP, "upside down": VFLIP, "turned by 90°": rotation(90), "turned by 15°": rotation(15),
    "made smaller, 0.7": scaling(0.7)}
LAYERS = ("conv1", "fire3", "fire5", "fire7", "fire9")
GUESSES = ("do nothing", "moved", "M_g")  # as equivariance.errors has them
SPARSE = {"M_g, 1 input": {"inputs": 1}, "M_g, 5 inputs": {"inputs": 5}, "M_g, 25 inputs": {"inputs": 25},
          "M_g, 3×3": {"neighbourhood": 3}, "M_g, 3×3, 5 inputs": {"inputs": 5, "neighbourhood": 3}}
TRIED = {"upside down": ("conv1", "fire3", "fire5")}  # where the sparse ones are fitted as well
SIDE, FIT, TEST = 223, 3, 8  # pixels; squares of each picture to fit on, and to judge by


class Run(NamedTuple):
    """One guess of one layer's features of a transformed picture."""

    transform: str
    layer: str
    guess: str


class Reached(NamedTuple):
    """The error of the guess over all channels; in how many of the pictures it is below that of the moved features;
    how often the network, going on from the guess, answers as for the transformed picture, with its interval; and the
    share of channels that the transform only moves (the same for each guess)."""

    error: float
    better: int
    agreement: float
    low: float
    high: float
    only_moved: float


def squares(size: int, *, held_out: bool) -> tuple[Tensor, int]:
    """Squares (N·n,3,size,size) of the course's pictures and photos to fit on, or of those held out; and their number n
    of each picture."""
    names = images.sources()[held_out]
    count = TEST if held_out else FIT
    more = [photos.load(name) for name in photos.names(split="test" if held_out else "train")]
    return images.crops([*map(images.load, names), *more], size, count=count, seed=int(held_out)), count


def agreement(answers: Tensor, reference: Tensor, each: int) -> Interval:
    """The share of squares whose first answer is that of the reference, both (N·n) of classes; the interval is over the
    N pictures."""
    return mean((answers == reference).view(-1, each))


def measured(found: Equivariance, test: Tensor, each: int, only: Sequence[str] | None = None) -> dict[str, Reached]:
    """Guess → its row; ``found`` is the guess "M_g". With ``only`` those guesses."""
    whole = equivariance.errors(found, test)
    single = [equivariance.errors(found, some).overall() for some in test.split(each)]
    said = {name: scores.argmax(1).cpu() for name, scores in equivariance.answers(found, test).items()}
    rows = {}
    for k, (guess, name) in enumerate(zip(GUESSES, ("nothing", "moved", "mapped"), strict=True)):
        if only is None or guess in only:
            better = sum(one[k] < one[1] for one in single)
            rows[guess] = Reached(whole.overall()[k], better, *agreement(said[name], said["recomputed"], each),
                                  whole.invariant())
    return rows


def fitted(net: Classifier, layer: str, transform: str, fit: Tensor, **how: object) -> Equivariance:
    """M_g of a layer and a transform, on squares of pictures."""
    return equivariance.fit_equivariance(net, layer, fit, TRANSFORMS[transform], **how)


def shipped() -> dict[Run, Reached]:
    """The shipped table."""
    return {run: Reached(*row) for run, row in results.table("moving", Run).items()}
