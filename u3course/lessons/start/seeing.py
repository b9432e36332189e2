"""What a network sees in photos: how many it names, what a hidden square changes, a background does.

With other backgrounds the question is whether the network holds a thing for an animal or for something made by people.
Of all its classes only those of the things themselves are asked, so that a palace behind it cannot be the answer.
"""

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from u3course.lessons.start import figures
from u3lab import images
from u3lab.datasets import cutouts
from u3lab.datasets import photos as backgrounds
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
    return (scores(net, pictures).argmax(1) == torch.tensor([net.class_index(one) for one in classes])).double()


NATURE = ("mountain_meadow", "stream", "peaks", "sunset", "leaves")
BUILDINGS = ("colosseum", "mysore_palace", "hawa_mahal", "chambord", "palais_des_papes")
SHARE = 0.8  # of the picture's side: the longer side of the thing
FINE = 30  # parts to a side of a background that is scrambled: its colours stay, what it shows is gone


class Things(NamedTuple):
    """Names of things, their classes of ImageNet, the series each is of, and which are animals, (N) bool."""

    names: tuple[str, ...]
    classes: tuple[str, ...]
    series: list[str]
    animal: Tensor


@cache
def things() -> Things:
    """All shipped animals and things without background that have a class of ImageNet, whether it is found or not."""
    made = cutouts.KINDS["thing"] + cutouts.KINDS["transport"]
    known = {name: cutouts.about(name) for name in cutouts.names()}
    known = {name: one for name, one in known.items() if one.label and one.kind in (*cutouts.KINDS["animal"], *made)}
    return Things(tuple(known), tuple(one.label for one in known.values()), [one.series for one in known.values()],
                  torch.tensor([one.kind not in made for one in known.values()]))


@cache
def grounds() -> dict[str, Tensor]:
    """Group of backgrounds → (B,3,240,240): white paper, the two groups of photos, and both scrambled."""
    nature, buildings = (torch.cat([backgrounds.load(name, size=figures.SIDE) for name in names])
                         for names in (NATURE, BUILDINGS))
    return {"white paper": torch.ones(1, 3, figures.SIDE, figures.SIDE), "nature": nature, "buildings": buildings,
            "nature, scrambled": figures.shuffled(nature, FINE, stay=True),
            "buildings, scrambled": figures.shuffled(buildings, FINE, stay=True)}


def log_odds(net: Classifier, pictures: Tensor) -> Tensor:
    """log P(animal) − log P(thing), if it had to be one of the classes of :func:`things`: (B)."""
    found = things()
    numbers = torch.tensor([net.class_index(one) for one in found.classes])
    animals, others = (numbers[which].unique() for which in (found.animal, ~found.animal))
    given = scores(net, pictures)
    return given[:, animals].logsumexp(1) - given[:, others].logsumexp(1)
