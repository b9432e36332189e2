"""Natural pictures that are sorted without labels: things cut out of photos, on other photos, and their views.

The five kinds were fixed before anything was trained: of each group of ``cutouts.KINDS`` the kind with most things to
learn from. Of the test pictures no thing, none of its series and no photo is among those to learn from.
"""

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from u3course.worlds.composing import uniform
from u3lab import images
from u3lab.datasets import cutouts, photos
from u3lab.selfsup.views import crop, grey_some, recolour

KINDS = ("bird", "fruit", "flower", "tool", "vehicle")
SIDE, EACH = 48, {"train": 300, "test": 60}  # pixels; pictures of each kind
ONE, TWO, LABELS = "IIC", "IIC, each thing on two photos", "the same network, with labels"
RIVALS = ("k-means on the mean colour", "k-means on pixels", "k-means on random features", "k-means on edges")
SCAN, CODED = "neighbours by contrast's code, as SCAN", "k-means on contrast's code"
WAYS = (ONE, TWO, *RIVALS, LABELS, SCAN, CODED)
LEAST = 0.4  # share of a picture that is left in a view
TESTS = 1000  # added to a seed for the test pictures
CHOOSING = 0  # the seed by whose labels the settings were chosen: its numbers judge nothing


class Pictures(NamedTuple):
    """``images`` (N,3,48,48) in [0,1]; their ``kinds`` (N), numbers of ``KINDS``; numbers of thing and photo (N)."""

    images: Tensor
    kinds: Tensor
    things: Tensor
    photos: Tensor


def behind(split: str) -> list[str]:
    """Names of the photos without animals."""
    return [name for group in ("place", "nature") for name in photos.names(group, split=split)]


@cache
def drawn(split: str, seed: int) -> Pictures:
    """Things of the five kinds, each kind as often and in it each thing, on parts of photos without animals.

    Row n shows the same thing for every seed; photo, size, place and side are drawn.
    """
    generator = torch.Generator().manual_seed(seed)
    grounds = torch.cat([photos.load(name, size=2 * SIDE) for name in behind(split)])
    every = [(kind, name) for kind, word in enumerate(KINDS) for name in cutouts.names(word, split=split)]
    made, rows = [], []
    for kind in range(len(KINDS)):
        own = [number for number, (of, _) in enumerate(every) if of == kind]
        things = [cutouts.load(every[number][1]) for number in own]
        where = torch.randint(len(grounds), (EACH[split],), generator=generator)
        below = images.resize(crop(grounds[where], generator, least=0.25), SIDE)
        for n, ground in enumerate(below.split(1)):
            x, y = uniform(generator, 0.4, 0.6), uniform(generator, 0.4, 0.6)
            made.append(cutouts.paste(things[n % len(things)], ground, size=uniform(generator, 0.65, 0.9), x=x, y=y,
                                      mirror=uniform(generator, 0, 1) < 0.5).images)
            rows.append((kind, own[n % len(own)], int(where[n])))
    return Pictures(torch.cat(made), *torch.tensor(rows).unbind(1))


def views(images: Tensor, generator: torch.Generator) -> Tensor:
    """A part of each picture (B,3,H,W), half of them mirrored; other colours, for one in five none."""
    return grey_some(recolour(crop(images, generator, least=LEAST), generator), generator)
