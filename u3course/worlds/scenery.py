"""Squares of the shipped photos to lay things on: what is behind made films and made faces."""

import functools

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from u3lab.datasets import packed, photos

LEAST, MOST = 0.3, 0.9  # a square's side as a share of the photo's shorter one


def crop(size: int, split: str, generator: torch.Generator) -> Tensor:
    """A random square of a photo of a place or of nature, (3,size,size) in [0,1]; half of them are mirrored.

    The photos of the split "test" are by other authors than those of "train".
    """
    picture = _grounds(split)[int(torch.randint(len(_grounds(split)), (), generator=generator))]
    share, across, down, flip = torch.rand(4, generator=generator, dtype=torch.float64).tolist()
    side = int(min(picture.size) * (LEAST + (MOST - LEAST) * share))
    left, top = int(across * (picture.width - side + 1)), int(down * (picture.height - side + 1))
    cut = picture.resize((size, size), Image.Resampling.BILINEAR, (left, top, left + side, top + side), 2.0)
    pixels = torch.from_numpy(np.array(cut)).permute(2, 0, 1).float() / 255
    return pixels.flip(-1) if flip < 0.5 else pixels


@functools.cache
def _grounds(split: str) -> tuple[Image.Image, ...]:
    return tuple(packed.picture("photos", name).convert("RGB") for group in ("place", "nature")
                 for name in photos.names(group, split=split))


def between(generator: torch.Generator, low: float, high: float) -> float:
    """A number from a range, all alike."""
    return low + (high - low) * float(torch.rand((), generator=generator, dtype=torch.float64))


def fold(place: Tensor, span: float) -> Tensor:
    """Where in [0, span] that is which goes straight on and turns back at both ends."""
    return span - (place.remainder(2 * span) - span).abs()
