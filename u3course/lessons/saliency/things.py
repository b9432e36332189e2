"""Pictures in which it is known where the thing is: cut-outs pasted on photos, and photos with outlines drawn by hand.

In a pasted picture the thing can be taken away exactly: the photo behind it is there.
"""

from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab import images, saliency
from u3lab.datasets import cutouts, photos
from u3lab.datasets.outlines import outlines
from u3lab.descent import last
from u3lab.nets import Classifier
from u3lab.saliency import MaskSettings

BEHIND = ("mountain_meadow", "stream", "peaks", "trunk", "sunset", "leaves")  # photos, and none of them of a thing
SHARE = 0.84  # of the picture's side: the longer side of a pasted thing, as where two networks were asked for it
OUTLINED = {  # picture → the labels of the outlines that its class is about
    "coffee": ("cup",), "camera": ("tripod",), "dog": ("dog",), "hens": ("hen",), "sheep": ("sheep",),
    "panda": ("panda",), "koala": ("koala",), "polar_bear": ("polar bear",), "lemur": ("lemur",),
    "komodo_dragon": ("komodo dragon",), "bison": ("bison",), "macaw": ("macaw",), "goldfish": ("goldfish",),
    "clownfish": ("clownfish",), "castle": ("building", "tower"), "aqueduct": ("building", "arch"),
    "stupa": ("building", "dome"), "arch": ("building", "arch"), "palace": ("building",), "hammer": ("hammer",),
    "screwdriver": ("screwdriver",)}


class Thing(NamedTuple):
    """A picture (1,3,S,S) of a thing, where the thing is (1,1,S,S) bool, and the picture without it if that is known.

    Its ``label`` is the class of ImageNet.
    """

    name: str
    label: str
    image: Tensor
    where: Tensor
    without: Tensor | None


@cache
def pasted(size: int = 227, long: float = SHARE, x: float = 0.5, y: float = 0.5) -> tuple[Thing, ...]:
    """Every cut-out that two networks know, each on one of six photos in turn.

    Its longer side and its middle are shares of the picture's side.
    """
    found = []
    for number, name in enumerate(cutouts.names(known=True)):
        behind = photos.load(BEHIND[number % len(BEHIND)], size=size)
        image, where = cutouts.paste(name, behind, size=long, x=x, y=y)
        found.append(Thing(name, cutouts.about(name).label, image, where, behind))
    return tuple(found)


@cache
def outlined(size: int = 227) -> tuple[Thing, ...]:
    """Every shipped photo that has a class and outlines."""
    return tuple(Thing(name, images.label(name), images.load(name, size=size), _covered(name, labels, size), None)
                 for name, labels in OUTLINED.items())


def _covered(name: str, labels: tuple[str, ...], size: int) -> Tensor:
    masks = [torch.from_numpy(one.mask) for one in outlines(name) if set(labels) & set(one.labels)]
    every = torch.stack(masks).any(0)
    side = min(every.shape)  # the central square, as images.load cuts it
    top, left = ((n - side) // 2 for n in every.shape)
    square = every[top : top + side, left : left + side].float()
    return F.interpolate(square[None, None], size=(size, size), mode="area") > 0.5


def probability(net: Classifier, pictures: Tensor, label: str) -> Tensor:
    """Φ_c of each picture, (B)."""
    with torch.no_grad():
        return net.probabilities(pictures)[:, net.class_index(label)].cpu()


def smallest(net: Classifier, thing: Thing, *, steps: int = 150, **changed: object) -> Tensor:
    """The mask (1,1,S,S) that the energy ends with."""
    settings = MaskSettings(steps=steps, **changed)
    return last(saliency.meaningful_perturbation(net, thing.image, thing.label, settings=settings)).value.cpu()


def cut(name: str, label: str, size: int = 227) -> Tensor:
    """The opacity (1,1,S,S) of what an outline of a shipped photo has this label for, in its central square."""
    return images.blur(_covered(name, (label,), size).float(), 0.7)


def known(net: Classifier, things: tuple[Thing, ...], *, least: float = 0.5) -> list[Thing]:
    """Those whose class the network gives a probability of ``least`` or more."""
    return [one for one in things if float(probability(net, one.image, one.label)) >= least]


def hardest(heat: Tensor, share: float) -> Tensor:
    """1 in this share of the pixels of a map (1,1,H,W), where it is largest, else 0. Of equal values the nearer to the
    middle of a blob goes first."""
    order = (heat + 1e-4 * images.blur(heat.float(), 8.0)).flatten().argsort(descending=True, stable=True)
    hard = torch.zeros_like(heat).flatten()
    hard[order[: round(share * len(order))]] = 1
    return hard.view_as(heat)
