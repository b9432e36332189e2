"""Painted shapes under coloured light: a family of domains that differ by three numbers, which are known.

    images, labels = lights.scenes(8, lights.light(3), seed=0)   # eight scenes under the third light

A shape has one of eight paints; the question is which. The camera sees paint times light, so that a white shape under
red light and a red shape under white light send the same to it. Only what else is seen under the same light can tell
them apart (von Kries, 1902: the eye divides by what it takes for the light).
"""

import numpy as np
import torch
from torch import Tensor

from u3course.worlds import patterns
from u3course.worlds.decathlon import canvas
from u3lab.checks import SIDE as MOST
from u3lab.checks import is_a, one_of, room, shown, tensors, whole
from u3lab.errors import U3Error

SIDE = canvas.SIDE
PAINTS = {"red": (0.75, 0.2, 0.2), "orange": (0.75, 0.5, 0.15), "yellow": (0.7, 0.7, 0.2), "green": (0.25, 0.6, 0.25),
          "cyan": (0.2, 0.6, 0.65), "blue": (0.25, 0.3, 0.75), "purple": (0.6, 0.25, 0.65), "grey": (0.5, 0.5, 0.5)}
DIMMEST = 0.25  # of a channel of a light


def light(seed: int) -> Tensor:
    """A light by its number, (3): red, green and blue between 0.25 and 1, the largest 1."""
    drawn = DIMMEST + (1 - DIMMEST) * torch.rand(3, generator=torch.Generator().manual_seed(whole("seed", seed, 0)))
    return drawn / drawn.max()


def scenes(count: int, colour: Tensor | None = None, *, split: str = "train", close: bool = False,
           seed: int = 0) -> tuple[Tensor, Tensor]:
    """Painted shapes on photos, lit by one light; or close-ups, in which nothing is seen but paint.

    Args:
        count: How many.
        colour: The light (3), each number in [0,1]; white without it.
        split: "train", "val" or "test": on which photos the shapes lie. The test's are of other photographers.
        close: Whether the shape fills the picture. What is left of the photo in it is its shading.
        seed: Of paints, shapes and photos. The same seed under another light gives the same scenes.

    Returns:
        Pictures (count,3,64,64) in [0,1] and the numbers of their paints in ``PAINTS``, (count) int64.

    Raises:
        U3Error: A light that is none, an unknown split, more pictures than there is room for, a ``close`` that is not
            bool.
    """
    is_a("close", close, bool, "give True or False")
    count, split = whole("count", count, 1, MOST**2), one_of("split", split, canvas.SPLITS)
    room(f"count = {count}", SIDE, SIDE, count)
    colour = torch.ones(3) if colour is None else colour
    tensors(colour=(colour, "3"))
    if colour.min() < 0 or colour.max() > 1:
        raise U3Error(f"colour is {shown(colour)}; a light is three numbers between 0 and 1, such as lights.light(0)")
    draw, photos = torch.Generator().manual_seed(whole("seed", seed, 0)), np.random.default_rng(seed)
    labels = torch.randint(len(PAINTS), (count,), generator=draw)
    images = torch.stack([_scene(list(PAINTS.values())[k], split, close, photos, draw) for k in labels.tolist()])
    return images * colour.to(images).view(3, 1, 1), labels


def _scene(paint: tuple[float, ...], split: str, close: bool, photos: canvas.Draw, draw: torch.Generator) -> Tensor:
    """A shape with a paint, not everywhere equally bright, on a photo: (3,64,64) under white light."""
    behind = torch.tensor(np.asarray(canvas.ground(split, photos))).permute(2, 0, 1).float() / 255
    covers = patterns.shape(SIDE, draw, area=0.25)[0]
    mixed = torch.tensor(paint) * (0.75 + 0.4 * torch.rand(1, generator=draw)) + 0.05 * torch.randn(3, generator=draw)
    painted = mixed.clamp(0, 1).view(3, 1, 1) * (0.85 + 0.15 * torch.rand(1, SIDE, SIDE, generator=draw))
    if close:
        return painted * (0.7 + 0.3 * behind.mean(0))
    return behind * (1 - covers) + covers * painted
