"""What matters to an answer? Hide a square, and see by how much the score falls: on things that lie off the middle.

``python -m u3lab.experiments start`` makes the shipped hits.
"""

from __future__ import annotations

import random
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.datasets import cutouts, photos
from u3lab.lessons.results import results
from u3lab.lessons.start.looking import hidden
from u3lab.lessons.start.seeing import scores
from u3lab.nets import Classifier
from u3lab.saliency.metrics import edges

SIDE = 65  # pixels of the square that is hidden
CELLS = 5  # places each way
SHARE, OFF = 0.6, 0.3  # the thing's longer side, and how far from two borders its middle lies
BEHIND = ("sunset", "mountain_meadow")


class Placed(NamedTuple):
    """A picture (1,3,S,S) with a thing in one of four quarters, where the thing is (S,S) bool, and its class."""

    name: str
    label: str
    image: Tensor
    where: Tensor


def middles(size: int) -> Tensor:
    """Middles of the squares, in pixels, along one side of a picture: (CELLS)."""
    return torch.linspace(SIDE / 2, size - SIDE / 2, CELLS)


def falls(net: Classifier, picture: Tensor, label: str) -> Tensor:
    """By how much the score of a class falls if the square around each of CELLS×CELLS places is hidden."""
    at, c = (middles(picture.shape[-1]) / picture.shape[-1]).tolist(), net.class_index(label)
    covered = torch.cat([hidden(picture, x, y, SIDE) for y in at for x in at])
    return (net.logits(picture)[0, c].cpu() - scores(net, covered)[:, c]).view(CELLS, CELLS)


def sharpness(picture: Tensor) -> Tensor:
    """How much of the picture's edges lies in each of these squares, (CELLS,CELLS): a rival that asks no network."""
    columns = F.avg_pool2d(edges(picture), (SIDE, 1), stride=1)  # then along the rows: 2·SIDE sums a place, not SIDE²
    at, lines = middles(picture.shape[-1]), F.avg_pool2d(columns, (1, SIDE), stride=1)[0, 0]
    begin = (at - SIDE / 2).round().long().clamp(max=len(lines) - 1)
    return lines[begin][:, begin]


def placed(net: Classifier, *, draws: int = 3, seed: int = 0) -> list[Placed]:
    """Known cut-outs, each in a quarter drawn at random, on two photos in turn: those whose class is the first answer.

    All that is drawn ``draws`` times, so a thing may be there as often.
    """
    lot, found = random.Random(seed), []
    for number, name in enumerate(cutouts.names(known=True) * draws):
        behind = photos.load(BEHIND[number % len(BEHIND)], size=net.size)
        x, y = (lot.choice((OFF, 1 - OFF)) for _ in range(2))
        image, mask = cutouts.paste(name, behind, size=SHARE, x=x, y=y)
        label = cutouts.about(name).label
        if net.top(image, 1)[0][0] == label:
            found.append(Placed(name, label, image, mask[0, 0]))
    return found


def on_it(map: Tensor, one: Placed) -> bool:
    """Whether the greatest value of a map (CELLS,CELLS) lies on the thing."""
    at = middles(len(one.where)).long()
    return bool(one.where[at[int(map.argmax()) // CELLS], at[int(map.argmax()) % CELLS]])


def pointing(net: Classifier, things: list[Placed]) -> dict[str, Tensor]:
    """Way to choose a place → whether it is on the thing, (N) of 0 and 1; at random, the thing's share of the area."""
    half = len(things[0].where) // 2
    hits = {"the hidden square that costs most": [on_it(falls(net, one.image, one.label), one) for one in things],
            "the square with most edges": [on_it(sharpness(one.image), one) for one in things],
            "the middle of the picture": [bool(one.where[half, half]) for one in things],
            "a place drawn at random": [one.where.double().mean() for one in things]}
    return {way: torch.tensor(values, dtype=torch.float64) for way, values in hits.items()}


def shipped() -> tuple[list[str], dict[str, Tensor]]:
    """The names of the things on all pictures of :func:`placed`, and what :func:`pointing` makes of them."""
    table = results("start")["pointing"]
    return table["things"], {way: torch.tensor(hits, dtype=torch.float64) for way, hits in table["hits"].items()}
