"""Does a map lie on the thing? A cut-out on a photo, in the middle or near a corner, and the map's strongest pixels."""

import torch
from torch import Tensor

from u3course.lessons.saliency.things import Thing, pasted

LONG = 0.6  # the thing's longer side, as a share of the picture's
PLACES = {"in the middle": (0.5, 0.5), "top left": (0.3, 0.3), "top right": (0.7, 0.3), "bottom right": (0.7, 0.7),
          "bottom left": (0.3, 0.7)}


def placed(place: str, size: int = 227) -> tuple[Thing, ...]:
    """The things of :func:`~u3course.lessons.saliency.things.pasted`, smaller, at a place."""
    return pasted(size, LONG, *PLACES[place])


def hits(heat: Tensor, where: Tensor) -> Tensor:
    """Of a map's strongest pixels, as many as the thing has, the share on it: maps and things (B,1,H,W) → (B)."""
    count = where.flatten(1).sum(1)
    rank = heat.flatten(1).argsort(dim=1, descending=True, stable=True).argsort(1)
    return ((rank < count[:, None]) & where.flatten(1)).sum(1) / count


def ranks(heat: Tensor) -> Tensor:
    """The rank of each pixel in its map, (B,1,H,W) → (B,H·W), from 0; equal pixels share the mean of theirs."""
    flat = heat.flatten(1).contiguous()
    less, at_most = (torch.searchsorted(flat.sort(1).values, flat, right=right) for right in (False, True))
    return (less + at_most - 1).to(heat) / 2


def agreement(a: Tensor, b: Tensor) -> Tensor:
    """Spearman's ρ, the correlation of the ranks of two maps' pixels: (B,1,H,W) twice → (B)."""
    a, b = ranks(a), ranks(b)
    return torch.nn.functional.cosine_similarity(a - a.mean(1, keepdim=True), b - b.mean(1, keepdim=True), dim=1)


def disc(size: int = 227) -> Tensor:
    """A map (1,1,S,S) that knows no network: the nearer to the middle, the stronger."""
    across = torch.linspace(-1, 1, size)
    return -torch.hypot(across[:, None], across)[None, None]
