"""The photos that chapter 0 asks about, again and again, and the share of them that a network names correctly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from u3lab import images
from u3lab.measures import Interval
from u3lab.nets import Classifier

PART = 6  # pictures at a time


class Photos(NamedTuple):
    """Pictures (N,3,S,S) in [0,1] with their names, and the classes of ImageNet that they show."""

    names: tuple[str, ...]
    classes: tuple[str, ...]
    images: Tensor


@cache
def photos(size: int = 227) -> Photos:
    """Every everyday photo of the course that shows one class of ImageNet."""
    names = tuple(name for name in images.names("everyday") if images.label(name))
    return Photos(names, tuple(images.label(name) for name in names),
                  torch.cat([images.load(name, size=size) for name in names]))


def scores(net: Classifier, pictures: Tensor) -> Tensor:
    """Class scores (N,K) of many pictures, a few at a time."""
    return torch.cat([net.logits(part).cpu() for part in pictures.split(PART)])


def named(net: Classifier, pictures: Tensor, classes: tuple[str, ...]) -> Tensor:
    """Which pictures get their class as the first answer, (N) of 0 and 1, float64."""
    wanted = torch.tensor([net.class_index(one) for one in classes])
    return (scores(net, pictures).argmax(1) == wanted).double()


def band(x: Sequence[float], found: Iterable[Interval]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What :func:`u3lab.figures.curves` draws with a band: the places x, the values, and their two ends."""
    return torch.tensor(x, dtype=torch.float64), *torch.tensor(list(found), dtype=torch.float64).T
