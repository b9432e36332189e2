"""Notebook 03: photographed animals of many species, cut out, to label one species as another."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.datasets import cutouts
from u3lab.lessons.landmarks.pairs import MARGIN, SIDE

KINDS = ("dog", "cat", "horse", "bovine", "sheep", "deer", "antelope", "pig", "camel", "bear")
LONG = 56  # pixels, the longer side of an animal
PAPER = 0.93  # the grey behind those that are shown


def names(split: str) -> list[str]:
    """Animals on four legs: "train" to learn from, "test" of other species."""
    return [name for kind in KINDS for name in cutouts.names(kind) if cutouts.about(name).split == split]


def layer(name: str) -> Tensor:
    """An animal in the middle of a canvas, colours times opacity and then the opacity, (1,4,112,112)."""
    image, mask = cutouts.load(name)
    scale, side = LONG / max(image.shape[2:]), SIDE + 2 * MARGIN
    height, width = (max(1, round(scale * one)) for one in image.shape[2:])
    image, mask = (F.interpolate(one, size=(height, width), mode="bilinear", antialias=True) for one in (image, mask))
    top, left = (side - height) // 2, (side - width) // 2
    return F.pad(torch.cat([image * mask, mask], 1), (left, side - width - left, top, side - height - top)).clamp(0, 1)


def pictures(count: int) -> Tensor:
    """Animals that are not learnt from, before grey paper, (count,3,64,64) in [0,1]."""
    made = torch.cat([layer(name) for name in names("test")[:count]])[..., MARGIN:MARGIN + SIDE, MARGIN:MARGIN + SIDE]
    return (made[:, :3] + (1 - made[:, 3:]) * PAPER).clamp(0, 1)
