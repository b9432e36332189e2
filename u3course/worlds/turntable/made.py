"""Views of things on a turntable, with all that is true about them."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.worlds import scenery
from u3course.worlds.turntable import cars, pots, seats
from u3course.worlds.turntable.raytracing import Light, seen
from u3course.worlds.turntable.solids import Draw, Thing
from u3lab.checks import SIDE, is_a, one_of, room, tensors, whole
from u3lab.datasets import packed
from u3lab.errors import U3Error

MAKERS = {"chair": seats.chair, "car": cars.car, "teapot": pots.pot}
KINDS = tuple(MAKERS)
POINTS = {"chair": seats.POINTS, "car": cars.POINTS, "teapot": pots.POINTS}
INSTANCES = {"train": range(22), "test": range(22, 24)}  # of each kind
THINGS = 10_000  # of each kind: who wants more than two dozen gets even numbers to learn from, odd ones are held out
MOST_THINGS = 4000  # that may be asked for
ELEVATION = (5.0, 50.0)  # degrees above the table
WALLS = ((0.93, 0.90, 0.84), (0.82, 0.89, 0.92), (0.88, 0.92, 0.85), (0.95, 0.86, 0.82), (0.88, 0.86, 0.93))


class Turntable(NamedTuple):
    """Pictures and what is true about them.

    ``images`` (N,3,S,S) in [0,1]. ``rotations`` (N,3,3): from the thing's axes (x to its left, y up, z to its front) to
    the camera's (x to the right, y up, z to the viewer). The same as ``azimuth`` and ``elevation`` (N) in degrees: at
    azimuth 0 the front looks at the viewer, at 90 to the right; from an elevation of 90 one would look straight down.
    ``instances`` (N) int64: the same number is the same thing. ``masks`` (N,S,S) bool, where it is. ``points`` (N,K,2):
    x and y in [−1,1], the picture's borders, in the order of ``POINTS[kind]``; ``visible`` (N,K) bool: not covered.
    """

    images: Tensor
    rotations: Tensor
    azimuth: Tensor
    elevation: Tensor
    instances: Tensor
    masks: Tensor
    points: Tensor
    visible: Tensor


def draw(kind: str, count: int, *, size: int = 64, split: str = "train", seed: int = 0, each: int = 2,
         photos: bool = False, things: int | None = None) -> Turntable:
    """Things of a kind from random sides and under random light, from all around and from 5° to 50° above the table.

    Args:
        kind: "chair", "car" or "teapot": things whose pose can be told from every side.
        count: N, how many pictures; 70 to 150 of 64 pixels take a second.
        size: S, pixels from 16 up.
        split: "train" has 22 things of each kind, "test" two others, and photos by other authors.
        seed: Of poses, light and backgrounds. The first pictures of a longer series are those of a shorter one.
        each: How many pictures in a row are of one thing; then comes the next, and after the last the first.
        photos: Whether real photos are behind, instead of a plain wall.
        things: How many different things there are, up to 4,000; by default those of the split. Further ones have other
            numbers, and none of them is in both splits.

    Raises:
        U3Error: An unknown kind or split, a number out of its range, more pictures than there is room for.
    """
    count, each, seed = whole("count", count, 1, SIDE**2), whole("each", each), whole("seed", seed, 0)
    one_of("split", split, packed.SPLITS)
    instances, size = numbers(split, things), whole("size", size, 16, SIDE)
    room(f"count = {count}", size, size, count)
    draws = [np.random.default_rng([seed, packed.SPLITS.index(split), n]) for n in range(count)]
    azimuth = torch.tensor([one.uniform(0, 360) for one in draws])
    elevation = torch.tensor([one.uniform(*ELEVATION) for one in draws])
    order = torch.tensor([instances[n // each % len(instances)] for n in range(count)])
    return _made(kind, order, azimuth, elevation, draws, size, split, photos)


def views(kind: str, instance: int, azimuth: Tensor, elevation: Tensor, *, size: int = 64, seed: int = 0,
          photos: bool = False) -> Turntable:
    """One thing under one light before one background, turned as you say: a film of the turntable.

    Args:
        kind, size, photos: As for :func:`draw`.
        instance: From 0 to 9,999; 22, 23 and all odd numbers after them are held out.
        azimuth, elevation: (N) each, in degrees; elevations from 0 to 90.
        seed: Of light and background.

    Raises:
        U3Error: An unknown kind, angles that are none, a number out of its range, more pictures than there is room for.

    Examples:
        >>> film = turntable.views("chair", 3, torch.arange(0.0, 360, 30), torch.full((12,), 20.0))
        >>> film.images.shape
        torch.Size([12, 3, 64, 64])
    """
    instance, seed = whole("instance", instance, 0, THINGS - 1), whole("seed", seed, 0)
    tensors(azimuth=(azimuth, "N"), elevation=(elevation, "N"))
    if elevation.min() < 0 or elevation.max() > 90:
        raise U3Error(f"elevations from {elevation.min():g}° to {elevation.max():g}°; the camera stands from 0° to 90°")
    draws = [np.random.default_rng(seed) for _ in azimuth]
    return _made(kind, torch.full((len(azimuth),), instance), azimuth.float(), elevation.float(), draws, size,
                 "test" if held_out(instance) else "train", photos)


def held_out(instance: int) -> bool:
    """Whether a number is one of those that are not to learn from."""
    return instance in INSTANCES["test"] or (instance > INSTANCES["test"][-1] and instance % 2 == 1)


def numbers(split: str, things: int | None = None) -> list[int]:
    """The numbers of so many things of a split; by default of all of the two dozen that are in it."""
    known = list(INSTANCES[split])
    if things is None:
        return known
    more = range(INSTANCES["test"][-1] + (1 if split == "train" else 2), THINGS, 2)
    return [*known, *more][:whole("things", things, 1, MOST_THINGS)]


def rotation(azimuth: Tensor, elevation: Tensor) -> Tensor:
    """Angles in degrees (N) → R (N,3,3): about the vertical by the azimuth, then towards the viewer by the elevation.

    ``scipy.spatial.transform.Rotation.from_euler("yx", …)`` has the same numbers.
    """
    tensors(azimuth=(azimuth, "N"), elevation=(elevation, "N"))
    kind = torch.promote_types(azimuth.dtype, elevation.dtype)
    return _about(0, elevation.to(kind)) @ _about(1, azimuth.to(kind))


def _made(kind: str, instances: Tensor, azimuth: Tensor, elevation: Tensor, draws: list[Draw], size: int, split: str,
          photos: bool) -> Turntable:
    one_of("kind", kind, KINDS), whole("size", size, 16, SIDE), is_a("photos", photos, bool, "give True or False")
    room(f"{len(instances)} views", size, size, len(instances))
    tilt, turn = _about(0, elevation), _about(1, azimuth)
    found = [_one(thing_of(kind, number), pose, draw, size, split, photos) for number, pose, draw in
             zip(instances.tolist(), zip(tilt, turn, strict=True), draws, strict=True)]
    images, masks, points, visible = map(torch.stack, zip(*found, strict=True))
    return Turntable(images, tilt @ turn, azimuth, elevation, instances, masks, points, visible)


def _one(thing: Thing, pose: tuple[Tensor, Tensor], draw: Draw, size: int, split: str, photos: bool) -> tuple:
    """A picture, where the thing is, its points, and which are seen."""
    way = torch.tensor((draw.uniform(-0.9, 0.9), 1.0, draw.uniform(0.2, 1.0)), dtype=torch.float32)
    warm = draw.uniform(-0.06, 0.06)
    light = Light(F.normalize(way, dim=0), torch.tensor((1 + warm, 1 + 0.2 * warm, 1 - warm)))
    view = seen(thing, *pose, size, light)
    behind = _background(draw, size, split, photos) * view.table
    return (view.colours + (1 - view.cover) * behind).clamp(0, 1), view.cover >= 0.5, view.points, view.visible


def _background(draw: Draw, size: int, split: str, photos: bool) -> Tensor:
    """A part of a photo, or a wall that darkens a little towards the table, (3,S,S)."""
    if photos:
        return scenery.crop(size, split, torch.Generator().manual_seed(int(draw.integers(2**62))))
    wall = torch.tensor(WALLS[int(draw.integers(len(WALLS)))])
    return (wall[:, None, None] * torch.linspace(1.03, 0.9, size)[:, None]).expand(3, size, size)


@functools.cache
def thing_of(kind: str, number: int) -> Thing:
    """The thing of a kind with a number; it is the same whenever it is asked for."""
    return MAKERS[kind](np.random.default_rng([KINDS.index(kind), number]))


def _about(axis: int, degrees: Tensor) -> Tensor:
    """By (N) degrees about x (0), so that the top comes to the viewer, or about the vertical, y (1): (N,3,3)."""
    first, second, angle = (axis + 1) % 3, (axis + 2) % 3, degrees.deg2rad()
    found = torch.eye(3).to(angle).repeat(len(angle), 1, 1)
    found[:, first, first] = found[:, second, second] = angle.cos()
    found[:, second, first], found[:, first, second] = angle.sin(), -angle.sin()
    return found
