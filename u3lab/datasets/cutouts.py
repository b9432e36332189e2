"""Photographed things without their background, each with its exact mask, to look at and to paste on photos.

    cutouts.names("bird")                                    # kinds and groups: KINDS
    picture, mask = cutouts.load("zebra")                    # (1,3,H,W) on white, (1,1,H,W), both in [0,1]
    image, mask = cutouts.paste("zebra", photos.load("peaks", size=227))

The stamps of Tux Paint (GPL 2 or later, Bill Kendrick and contributors), photographs only, at most 200 pixels long. The
folder data/cutouts has the licence; :func:`about` names the author of each, some under CC BY, CC BY-SA or none.
"""

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from u3lab import images
from u3lab.checks import is_a, number, shown, tensors, whole
from u3lab.datasets import packed
from u3lab.errors import U3Error

KINDS = {
    "animal": ("bird", "fish", "shellfish", "insect", "reptile", "ape", "sea mammal", "bear", "bovine", "antelope",
               "sheep", "camel", "cat", "deer", "dog", "horse", "rabbit", "pig", "rodent", "marsupial", "mammal"),
    "food": ("fruit", "nut", "vegetable", "dish"),
    "plant life": ("flower", "tree", "plant", "mushroom"),
    "thing": ("tool", "kitchen", "household", "instrument", "ball"),
    "transport": ("vehicle", "craft")}
NETWORKS = ("squeezenet1_1", "efficientnet_lite0")
ENOUGH = 3  # of four backgrounds


class About(NamedTuple):
    """What is known of a thing.

    ``label`` is its class of ImageNet, None where no class is right; ``named`` says for each of two networks on how
    many of four backgrounds that class came first. Things of one ``series`` are of one hand and much alike.
    """

    kind: str
    label: str | None
    series: str
    split: str
    author: str
    licence: str
    named: dict[str, int] = {}


class Cutout(NamedTuple):
    """A thing: ``image`` (1,3,H,W) as it looks on white paper, ``mask`` (1,1,H,W) its opacity, both in [0,1]."""

    image: Tensor
    mask: Tensor


class Pasted(NamedTuple):
    """Pictures with a thing in them: ``images`` (B,3,H,W) in [0,1], ``masks`` (B,1,H,W) bool, where it covers half."""

    images: Tensor
    masks: Tensor


def names(kind: str | None = None, *, split: str | None = None, known: bool = False) -> list[str]:
    """Names of the things of a kind or of a group of kinds (the keys of ``KINDS``), or of all.

    Args:
        split: "train" or "test": no series is in both; in "test" is every third of a kind.
        known: Only those that SqueezeNet and EfficientNet-Lite0 both name rightly, pasted at the centre (190 of 227
            pixels), on at least three of four backgrounds.

    Raises:
        U3Error: An unknown kind or split.
    """
    every = tuple(one for group in KINDS.values() for one in group)
    kinds = every if kind is None else KINDS.get(kind, (kind,)) if isinstance(kind, str) else (kind,)
    if kinds[0] not in every:
        raise U3Error(f"kind = {shown(kind)}; choose one of {', '.join(KINDS)}, or of {', '.join(every)}")
    is_a("known", known, bool, "give True or False")
    found = [name for name in packed.chosen("cutouts", split=(split, packed.SPLITS)) if about(name).kind in kinds]
    return [name for name in found if not known or all(about(name).named.get(net, 0) >= ENOUGH for net in NETWORKS)]


def about(name: str) -> About:
    """What is known of a thing; U3Error if there is none of that name."""
    return About(**packed.entry("cutouts", name))


def load(name: str, *, size: int | None = None) -> Cutout:
    """A thing on white paper and its mask; with ``size`` its longer side gets so many pixels.

    Raises:
        U3Error: Nothing of that name, or a size that is not from 1 to 4096.
    """
    found = on_white(packed.picture("cutouts", name))
    return found if size is None else _resized(found, whole("size", size, 1, 4096))


def on_white(picture: Image.Image) -> Cutout:
    """A thing from a picture file with transparency, such as one of your own opened with Pillow."""
    pixels = torch.from_numpy(np.array(picture.convert("RGBA"))).permute(2, 0, 1)[None].float() / 255
    mask = pixels[:, 3:]
    return Cutout(pixels[:, :3] * mask + 1 - mask, mask)


def _resized(thing: Cutout, longest: int) -> Cutout:
    height, width = thing.mask.shape[-2:]
    shape = [max(1, round(longest * side / max(height, width))) for side in (height, width)]
    # colours are on white, that is, weighted by the mask: so both may be averaged alike, and edges get no fringe
    return Cutout(*(F.interpolate(one, size=shape, mode="bilinear", antialias=True).clamp(0, 1) for one in thing))


def paste(thing: str | Cutout, background: Tensor, *, size: float = 0.8, x: float = 0.5, y: float = 0.5,
          mirror: bool = False) -> Pasted:
    """Lay a thing on pictures: α·c + (1 − α)·b, with its opacity α and colour c before the background b.

    Args:
        thing: A name, or what :func:`load` gave, or a pair of your own of the same form.
        background: (B,3,H,W) in [0,1].
        size: The thing's longer side, as a share of the background's shorter one; in (0, 4].
        x, y: Where its centre lies, from the left and from the top, in [0, 1]. What reaches over the border is cut off.
        mirror: Swap its left and right.

    Raises:
        U3Error: Nothing of that name, no picture, a number out of its range.
    """
    images.check(background)
    size = number("size", size, 0, 4, without_low=True)
    x, y = number("x", x, 0, 1), number("y", y, 0, 1)
    is_a("mirror", mirror, bool, "give True or False")
    thing = load(thing) if isinstance(thing, str) else _checked(thing)
    height, width = background.shape[-2:]
    thing = _resized(thing, max(1, round(size * min(height, width))))
    if mirror:
        thing = Cutout(*(one.flip(-1) for one in thing))
    down, right = thing.mask.shape[-2:]
    top, left = round(y * height - down / 2), round(x * width - right / 2)
    border = (left, width - left - right, top, height - top - down)  # a negative border cuts
    colour, opacity = (F.pad(one.to(background), border) for one in (thing.image - (1 - thing.mask), thing.mask))
    found = (colour + (1 - opacity) * background).clamp(0, 1)
    return Pasted(found, (opacity >= 0.5).expand(len(found), -1, -1, -1))


def _checked(thing: Cutout) -> Cutout:
    if not isinstance(thing, tuple) or len(thing) != 2:
        raise U3Error("thing is neither a name nor a pair (image, mask); take one from cutouts.names() or cutouts.load")
    tensors(image=(thing[0], "13HW"), mask=(thing[1], "11HW"))
    return Cutout(images.check(thing[0]), images.check(thing[1], channels=1))
