"""Chapter 7: which kinds of things are near to each other; and four layers of SqueezeNet, counted beforehand.

The live figures need not wait a minute for what ``python -m evidence dissected`` has written.
"""

from dataclasses import dataclass
from itertools import permutations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab._system import paths
from u3lab.datasets import cutouts, photos
from u3lab.datasets.labelled import LabelledPictures
from u3lab.datasets.taxonomy import ancestors
from u3lab.dissection import Dissection, Peaks
from u3lab.dissection.dissecting import SHARE

KINDS = {  # kind of a cut-out → its name in the is-a tree
    "bovine": "cattle", "sheep": "sheep", "antelope": "antelope", "deer": "deer", "horse": "equine", "pig": "pig",
    "cat": "big cat", "dog": "canine", "rodent": "rodent", "rabbit": "rabbit", "ape": "ape", "marsupial": "marsupial",
    "bird": "bird", "fish": "fish", "insect": "insect", "reptile": "reptile",
    "fruit": "fruit", "vegetable": "vegetable", "flower": "flower", "tool": "tool", "instrument": "instrument",
    "ball": "ball", "vehicle": "vehicle", "craft": "craft"}
NEAR = {"two hoofed animals": "ungulate", "two other mammals": "mammal", "two other animals": "animal"}
FAR = "an animal and a thing"
BEST = 10  # units that fit a kind best
EACH, SIZE = 6, 227  # pictures of a kind; their side in pixels


def pasted(split: str, *, each: int = EACH) -> LabelledPictures:
    """So many pictures of each kind, made of the cut-outs of one split, a single thing in each; with its outline."""
    draw, behind, count = torch.Generator().manual_seed(0), photos.names(split=split), each * len(KINDS)
    images = torch.empty(count, 3, SIZE, SIZE)  # filled one by one: a list, joined, would need twice the memory
    masks = torch.zeros(count, len(KINDS), SIZE // 2, SIZE // 2, dtype=torch.bool)
    for column, kind in enumerate(KINDS):
        names = cutouts.names(kind, split=split) or cutouts.names(kind)
        for number in range(each):
            a, b, c, d, e = torch.rand(5, generator=draw).tolist()
            ground = photos.load(behind[int(a * len(behind))], size=SIZE)
            image, where = cutouts.paste(names[number % len(names)], ground, size=0.5 + 0.4 * b, x=0.35 + 0.3 * c,
                                         y=0.35 + 0.3 * d, mirror=e < 0.5)
            images[column * each + number] = image[0]
            masks[column * each + number, column] = F.interpolate(where.float(), size=masks.shape[-2:],
                                                                  mode="area")[0, 0] > 0.5
    return LabelledPictures(tuple(KINDS), images, masks)


def near(a: str, b: str) -> str:
    """How near two kinds are in the is-a tree: one of ``NEAR``, ``FAR``, or "two things"."""
    above = [set(ancestors(KINDS[one])) for one in (a, b)]
    for words, name in NEAR.items():
        if all(name in one for one in above):
            return words
    return FAR if any("animal" in one for one in above) else "two things"


def shared(chosen_by: Dissection, judged_by: Dissection) -> dict[tuple[str, str], float]:
    """(kind a, kind b) → how many times better than the average unit those that fit a best fit b.

    The units are chosen by the first dissection and judged by the second. 1 is what units that have nothing to do with
    b would give.
    """
    best = chosen_by.iou.topk(BEST, 0).indices  # (BEST, kinds)
    chance = judged_by.iou.mean(0)
    return {(a, b): float(judged_by.iou[best[:, i], j].mean() / chance[j]) for (i, a), (j, b) in
            permutations(enumerate(chosen_by.concepts), 2) if chance[j] > 0}


LAYERS = ("conv1", "fire3", "fire5", "fire9")
PICTURES = 600  # training pictures of worlds.concepts
SHARES = (SHARE, *(10 ** (tenth / 10) for tenth in range(-30, -9)))  # the paper's, and the steps of a slider


@dataclass(frozen=True)
class Counted:
    """What is kept of a layer's dissection.

    ``iou`` (U,C) float32 of the ``concepts``, by their names; ``thresholds`` (S,U), a row for each share of ``SHARES``;
    and ``tops``, the strongest pictures of each unit.
    """

    concepts: tuple[str, ...]
    iou: Tensor
    thresholds: Tensor
    tops: Peaks

    def upper(self, share: float = SHARE) -> Tensor:
        """The thresholds T (U) at the share of ``SHARES`` that is nearest to this one."""
        return self.thresholds[min(range(len(SHARES)), key=lambda n: abs(SHARES[n] - share))]


def shipped() -> dict[str, Counted]:
    """Layer → what ships of it."""
    with np.load(paths.data("results", "dissected.npz")) as file:
        concepts = tuple(file["concepts"].tolist())
        parts = {name: torch.from_numpy(file[name]) for name in file.files if name != "concepts"}
    return {layer: Counted(concepts, parts[f"{layer} iou"], parts[f"{layer} thresholds"],
                           Peaks(parts[f"{layer} values"], parts[f"{layer} pictures"].long())) for layer in LAYERS}
