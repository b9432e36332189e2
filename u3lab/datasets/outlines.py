"""Outlines of the things in the shipped pictures, drawn by hand: data/concepts/outlines.json.gz.

    outlines("chelsea")[0].labels       # ("cat", "fur")
    outlines("chelsea")[0].mask         # (300,451) bool
"""

import gzip
import json
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor

from u3lab import images
from u3lab._system import paths


class Outline(NamedTuple):
    """One thing in a picture: what it is called, and (H,W) bool, the pixels that it covers."""

    labels: tuple[str, ...]
    mask: np.ndarray


def fill(rings: Sequence[Sequence[Sequence[float]]], height: int, width: int) -> np.ndarray:
    """The pixels (height,width) that lie inside an odd number of rings of points (x,y)."""
    inside = np.zeros((height, width), bool)
    for ring in rings:
        one = Image.new("1", (width, height))
        ImageDraw.Draw(one).polygon([(float(x), float(y)) for x, y in ring], fill=1, outline=1)
        inside ^= np.asarray(one)
    return inside


@cache
def drawn() -> dict[str, list[dict]]:
    """All outlines as they are in the file, by picture."""
    return json.loads(gzip.decompress(paths.data("concepts", "outlines.json.gz").read_bytes()))


def photo(name: str) -> Tensor:
    """The picture of an outline, (1,3,H,W) in [0,1]: a shipped one, or the motorcycle that scikit-image carries."""
    if name == "motorcycle":
        from skimage import data

        return images.resize(images.load(data.stereo_motorcycle()[0]), 320)
    return images.load(name)


@cache
def outlines(name: str) -> tuple[Outline, ...]:
    """The things that were outlined in a picture; none for one in which nothing was."""
    height, width = photo(name).shape[-2:]
    return tuple(Outline(tuple(one["labels"]), fill(one["rings"], height, width)) for one in drawn().get(name, ()))
