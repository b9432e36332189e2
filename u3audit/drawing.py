"""The pictures of a report: what was filled in, carried over and occluded, each with words that stand for it."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab import pixels
from u3lab.audit.lesion import grown

LEAST, LARGEST = 192, 512  # pixels of a picture's longer side on the page
RIM = torch.tensor([0.84, 0.37, 0.0])  # vermilion
DASH, GAP = 6, 4  # pixels on the page


class View(NamedTuple):
    """A picture (3,H,W) in [0,1]; ``alt`` says what it shows, ``caption`` stands below it."""

    image: Tensor
    alt: str
    caption: str


def plane(where: Tensor) -> int | None:
    """The slice of a mask or map (1,D,H,W) that has most of it; None for one of a picture, (1,H,W)."""
    return int(where[0].float().flatten(1).sum(1).argmax()) if where.ndim == 4 else None


def shown(images: Sequence[Tensor], at: int | None = None, where: Tensor | None = None) -> list[Tensor]:
    """Pictures (C,H,W), or slices ``at`` of volumes (C,D,H,W), in the grey levels of the first; with a dashed
    rim, so that what lies there can still be seen.

    ``where`` (1,…) bool is what the rim is drawn around.
    """
    low, high = images[0].aminmax()
    drawn = []
    for image in images:
        flat = enlarged((image if at is None else image[:, at]).float())
        flat = ((flat - low) / (high - low if high > low else 1)).clamp(0, 1)
        flat = flat.expand(3, -1, -1) if len(flat) == 1 else flat[:3]
        if where is not None:
            mask = enlarged((where if at is None else where[:, at]).float())[None] > 0.5
            flat = torch.where((grown(mask, 2) & ~mask)[0] & dashes(flat), RIM[:, None, None], flat)
        drawn.append(flat)
    return drawn


def dashes(like: Tensor) -> Tensor:
    """Where a dashed line is drawn, (H,W) bool: diagonal stripes, which cut lines of every direction but one."""
    down, right = (torch.arange(side) for side in like.shape[1:])
    return (down[:, None] + right) % (DASH + GAP) < DASH


def enlarged(image: Tensor) -> Tensor:
    """(C,H,W) with each pixel repeated until the picture can be seen; a large one is made smaller."""
    side = max(image.shape[1:])
    if side > LARGEST:
        size = [max(1, round(LARGEST * one / side)) for one in image.shape[1:]]
        return F.interpolate(image[None], size, mode="area")[0]
    times = -(-LEAST // side)
    return image.repeat_interleave(times, 1).repeat_interleave(times, 2)


def heat(image: Tensor, map: Tensor, at: int | None) -> Tensor:
    """A map (1,…) ≥ 0 over its picture (C,…), (3,H,W)."""
    flat = shown([image], at)[0]
    strength = map if at is None else map[:, at]
    return pixels.overlay(flat, strength, scale=float(map.max()) or 1.0)[0]


def box(place: Sequence[slice], like: Tensor) -> Tensor:
    """The cell as a mask (1,…) for pictures ``like`` (C,…)."""
    mask = torch.zeros(1, *like.shape[1:], dtype=torch.bool)
    mask[(slice(None), *place)] = True
    return mask
