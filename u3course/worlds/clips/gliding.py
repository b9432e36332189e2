"""Made films with true optical flow: photographed things that glide over a photo, each with a velocity of its own."""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.worlds import scenery
from u3course.worlds.scenery import between, fold
from u3lab.checks import SIDE, room, whole
from u3lab.datasets import cutouts, packed

SLOWEST, FASTEST, GROUND = 0.5, 3.0, 1.5  # pixels a frame of a picture of 64: of things; of the ground, at most
APART = 0.75  # pixels a frame, at least, between any two velocities: else nothing could tell them apart
MARGIN = 0.12  # of the side: how far the ground can go to each side
LEAST = 0.25  # of a square round it that a thing covers: a sword would hardly be seen


class Moving(NamedTuple):
    """Clips and what is true about them.

    ``clips`` (N,T,3,S,S) in [0,1]. ``flow`` (N,T−1,2,S,S), in pixels, to the right and down: what is at pixel u of
    frame t is at u + flow of frame t + 1, unless something then hides it. ``masks`` (N,T,S,S) int64: 0 the ground, and
    1, 2, … the things from the rear one to the front one, where each covers half of a pixel or more.
    """

    clips: Tensor
    flow: Tensor
    masks: Tensor


def moving(count: int, length: int = 8, *, size: int = 64, split: str = "train", seed: int = 0) -> Moving:
    """Films of two to four photographed things that glide over a photo; in half of them the ground glides as well.

    Everything goes straight on with a constant velocity and turns back at the border; no two velocities are alike at
    the start. Things and photos are those of
    :mod:`~u3lab.datasets.cutouts` and :mod:`~u3lab.datasets.photos`; no series and no author is in both splits.

    Args:
        count, length: N films of T frames each, T from 2 on.
        size: S, pixels from 16 up. Velocities grow with it: up to 3 pixels a frame at 64.
        split: "train" or "test".
        seed: Of everything. The first films of a longer series are those of a shorter one.

    Raises:
        U3Error: An unknown split, a number out of its range, more frames than there is room for.
    """
    count, length = whole("count", count), whole("length", length, 2)
    size, draw = whole("size", size, 16, SIDE), packed.generator(seed, split)
    room(f"count = {count}, length = {length}", size, size, 3 * count * length)  # flow and masks as well
    return Moving(*map(torch.stack, zip(*(_film(length, size, split, draw) for _ in range(count)), strict=True)))


def _film(length: int, size: int, split: str, draw: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    time, margin = torch.arange(length, dtype=torch.float64), math.ceil(MARGIN * size)
    velocities = _velocities(2 + int(torch.randint(3, (), generator=draw)), size / 64, draw)
    ground = scenery.crop(size + 2 * margin, split, draw)
    path = _path(velocities[0], 2.0 * margin, time, draw) - margin  # of the ground: −margin … margin
    middle = torch.tensor([ground.shape[1] / 2] * 2, dtype=torch.float64)
    clip, _ = _placed(torch.cat([ground, torch.ones_like(ground[:1])]), middle, path + size / 2, size)
    masks, paths = torch.zeros(length, size, size, dtype=torch.long), [path]
    for n, velocity in enumerate(velocities[1:], 1):
        sprite = _sprite(split, round(size * between(draw, 0.3, 0.55)), draw)
        path = 0.15 * size + _path(velocity, 0.7 * size, time, draw)
        middle = torch.tensor([sprite.shape[2] / 2, sprite.shape[1] / 2], dtype=torch.float64)
        colour, opacity = _placed(sprite, middle, path, size)
        clip = colour + (1 - opacity) * clip
        masks[opacity[:, 0] >= 0.5] = n
        paths.append(path)
    steps = torch.stack(paths).diff(dim=1).float()  # (things, T − 1, 2)
    flow = steps[masks[:-1], torch.arange(length - 1).view(-1, 1, 1)]
    return clip.clamp(0, 1), flow.movedim(-1, 1).contiguous(), masks


def _velocities(things: int, scale: float, draw: torch.Generator) -> Tensor:
    """Of the ground and of the things (1 + things, 2), no two alike."""
    while True:
        speed = torch.rand(things + 1, generator=draw, dtype=torch.float64)
        speed = SLOWEST + (FASTEST - SLOWEST) * speed
        speed[0] = max(0.0, between(draw, -GROUND, GROUND))
        angle = 2 * math.pi * torch.rand(things + 1, generator=draw, dtype=torch.float64)
        found = speed[:, None] * torch.stack([angle.cos(), angle.sin()], 1)
        if torch.pdist(found).min() >= APART:
            return scale * found


def _path(velocity: Tensor, span: float, time: Tensor, draw: torch.Generator) -> Tensor:
    """Places (T,2) in [0,span]², from a start where any is as likely as any other."""
    start = span * torch.rand(2, generator=draw, dtype=torch.float64)
    return fold(start + time[:, None] * velocity, span)


def _placed(sprite: Tensor, middle: Tensor, path: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """A sprite (4,h,w), its colours times its opacity, with its middle at each place of a path: the same, (T,3,S,S),
    and the opacity (T,1,S,S)."""
    height, width = sprite.shape[1:]
    pixels = torch.arange(size, dtype=torch.float64) + 0.5
    x, y = (pixels - path[:, axis, None] + middle[axis] for axis in (0, 1))  # where each pixel is on the sprite
    grid = torch.stack([(2 * x / width - 1)[:, None].expand(-1, size, -1),
                        (2 * y / height - 1)[:, :, None].expand(-1, -1, size)], -1)
    found = F.grid_sample(sprite.expand(len(path), -1, -1, -1), grid.to(sprite), align_corners=False)
    return found[:, :3], found[:, 3:]


def _sprite(split: str, longest: int, draw: torch.Generator) -> Tensor:
    """A thing, (4,h,w): colours times opacity, and opacity; half of them mirrored."""
    names = cutouts.names(split=split)
    while True:
        thing = _thing(names[int(torch.randint(len(names), (), generator=draw))])
        height, width = thing.shape[1:]
        if thing[3].sum() >= LEAST * max(height, width) ** 2:
            break
    shape = [max(1, round(longest * side / max(height, width))) for side in (height, width)]
    small = F.interpolate(thing[None], size=shape, mode="bilinear", antialias=True, align_corners=False)[0]
    return small.flip(-1) if between(draw, 0, 1) < 0.5 else small


@functools.lru_cache(maxsize=1024)
def _thing(name: str) -> Tensor:
    image, mask = cutouts.load(name)
    return torch.cat([image - (1 - mask), mask], 1)[0]  # off the white paper
