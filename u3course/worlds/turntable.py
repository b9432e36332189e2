"""Things on a turntable: chairs of two dozen shapes, or more, drawn by a program, with their true pose.

    made = turntable.draw("chair", 8, seed=0)
    made.images, made.rotations              # (8,3,64,64), (8,3,3)
    made.rotations[1] @ made.rotations[0].T  # g: the pictures 0 and 1 are of one chair
    turntable.draw("chair", 600, things=300) # who wants more than two dozen

A chair has a front, so that its pose can be told from every side. Its shapes are in ``chairs``; here a camera looks at
them: which part each ray meets first, the light on it, its shadow on the table, its outline.
"""

import functools
import math
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.worlds.chairs import Draw, Thing, chair
from u3course.worlds.rendered import boundaries, through
from u3lab.checks import SIDE, one_of, room, tensors, whole
from u3lab.datasets import packed
from u3lab.errors import U3Error

KINDS = {"chair": functools.cache(chair)}  # kind → the thing of a number; it is the same whenever it is asked for
INSTANCES = {"train": range(22), "test": range(22, 24)}
THINGS = 10_000  # who wants more than two dozen gets even numbers to learn from, odd ones are held out
MOST_THINGS = 4000  # that may be asked for
ELEVATION = (5.0, 50.0)  # degrees above the table
WALLS = ((0.93, 0.90, 0.84), (0.82, 0.89, 0.92), (0.88, 0.92, 0.85), (0.95, 0.86, 0.82), (0.88, 0.86, 0.93))
FINE = 2  # times the picture's size
AWAY = 5.0  # of the camera from what it turns about, in radii of the thing
ROOM = 1.06  # how much more than the thing's sphere is seen
SLOPE = ROOM / math.sqrt(AWAY**2 - 1)  # tangent of half the camera's angle
AMBIENT, LAMP, INK, SHADOW = 0.5, 0.65, 0.45, 0.45

Windows = dict[int, tuple[slice, slice]]  # number of a part → rows, columns


class Turntable(NamedTuple):
    """Pictures and what is true about them.

    ``images`` (N,3,S,S) in [0,1]. ``rotations`` (N,3,3): from the thing's axes (x to its left, y up, z to its front) to
    the camera's (x to the right, y up, z to the viewer). The same as ``azimuth`` and ``elevation`` (N) in degrees: at
    azimuth 0 the front looks at the viewer, at 90 to the right; from an elevation of 90 one would look straight down.
    ``instances`` (N) int64: the same number is the same thing.
    """

    images: Tensor
    rotations: Tensor
    azimuth: Tensor
    elevation: Tensor
    instances: Tensor


def draw(kind: str, count: int, *, size: int = 64, split: str = "train", seed: int = 0, each: int = 2,
         things: int | None = None) -> Turntable:
    """Things of a kind from random sides and under random light, from all around and from 5° to 50° above the table.

    Args:
        kind: "chair".
        count: N, how many pictures; 70 to 150 of 64 pixels take a second.
        size: S, pixels from 16 up.
        split: "train" has 22 things, "test" two others.
        seed: Of poses, light and walls. The first pictures of a longer series are those of a shorter one.
        each: How many pictures in a row are of one thing; then comes the next, and after the last the first.
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
    return _made(kind, order, azimuth, elevation, draws, size)


def views(kind: str, instance: int, azimuth: Tensor, elevation: Tensor, *, size: int = 64, seed: int = 0) -> Turntable:
    """One thing under one light before one wall, turned as you say: a film of the turntable.

    Args:
        kind, size: As for :func:`draw`.
        instance: From 0 to 9,999; 22, 23 and all odd numbers after them are held out.
        azimuth, elevation: (N) each, in degrees; elevations from 0 to 90.
        seed: Of light and wall.

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
    return _made(kind, torch.full((len(azimuth),), instance), azimuth.float(), elevation.float(), draws, size)


def numbers(split: str, things: int | None = None) -> list[int]:
    """The numbers of so many things of a split; by default of all of the two dozen that are in it."""
    known, more = INSTANCES[split], range(INSTANCES["test"][-1] + (1 if split == "train" else 2), THINGS, 2)
    return [*known, *more][:len(known) if things is None else whole("things", things, 1, MOST_THINGS)]


def rotation(azimuth: Tensor, elevation: Tensor) -> Tensor:
    """Angles in degrees (N) → R (N,3,3): about the vertical by the azimuth, then towards the viewer by the elevation.

    ``scipy.spatial.transform.Rotation.from_euler("yx", …)`` has the same numbers.
    """
    tensors(azimuth=(azimuth, "N"), elevation=(elevation, "N"))
    kind = torch.promote_types(azimuth.dtype, elevation.dtype)
    return _about(0, elevation.to(kind)) @ _about(1, azimuth.to(kind))


def _about(axis: int, degrees: Tensor) -> Tensor:
    """By (N) degrees about x (0), so that the top comes to the viewer, or about the vertical, y (1): (N,3,3)."""
    first, second, angle = (axis + 1) % 3, (axis + 2) % 3, degrees.deg2rad()
    found = torch.eye(3).to(angle).repeat(len(angle), 1, 1)
    found[:, first, first] = found[:, second, second] = angle.cos()
    found[:, second, first], found[:, first, second] = angle.sin(), -angle.sin()
    return found


def _made(kind: str, instances: Tensor, azimuth: Tensor, elevation: Tensor, draws: list[Draw], size: int) -> Turntable:
    one_of("kind", kind, KINDS), whole("size", size, 16, SIDE)
    room(f"{len(instances)} views", size, size, len(instances))
    tilt, turn = _about(0, elevation), _about(1, azimuth)
    images = [_picture(KINDS[kind](number), *pose, size, draw) for number, *pose, draw in
              zip(instances.tolist(), tilt, turn, draws, strict=True)]
    return Turntable(torch.stack(images), tilt @ turn, azimuth, elevation, instances)


def _picture(thing: Thing, tilt: Tensor, turn: Tensor, size: int, draw: Draw) -> Tensor:
    """A thing in some light before a wall that darkens a little towards the table, (3,S,S)."""
    way = torch.tensor((draw.uniform(-0.9, 0.9), 1.0, draw.uniform(0.2, 1.0)), dtype=torch.float32)
    warm = draw.uniform(-0.06, 0.06)
    light = torch.tensor((1 + warm, 1 + 0.2 * warm, 1 - warm))
    colours, cover, table = seen(thing, tilt, turn, size, F.normalize(way, dim=0), light)
    wall = torch.tensor(WALLS[draw.integers(len(WALLS))])
    behind = (wall[:, None, None] * torch.linspace(1.03, 0.9, size)[:, None]).expand(3, size, size)
    return (colours + (1 - cover) * (behind * table)).clamp(0, 1)


def seen(thing: Thing, tilt: Tensor, turn: Tensor, size: int, lamp: Tensor,
         light: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A thing turned by ``turn`` (3,3) about the vertical, looked at from above by ``tilt`` (3,3).

    Light comes from ``lamp``, a unit vector (3) in the axes of the room (right, up, to the viewer), and has a colour
    ``light`` (3). Returns the thing's colours (3,S,S) times its cover (S,S), in [0,1]; that cover; and how bright the
    table is (S,S), below 1 in the shadow.
    """
    rotation, side = tilt @ turn, size * FINE
    origin, lamp = thing.middle + thing.radius * AWAY * rotation[2], turn.T @ lamp
    rays = through(side, SLOPE) @ rotation
    far, normals, which = _met(thing, origin, rays, _windows(thing, rotation, thing.corners, side))
    hit = which >= 0
    albedo = torch.tensor([part.colour for part in thing.parts])[which[hit]]
    sky, lit = 0.75 + 0.25 * normals[hit][:, 1], (normals[hit] @ lamp).clamp_min(0)  # from above and from the lamp
    colours = torch.zeros(side, side, 3)
    colours[hit] = (albedo * (AMBIENT * sky + LAMP * lit)[:, None] * light).clamp(0, 1)
    skins = torch.cat([thing.skins, torch.tensor([-1])])[which]  # the last is what −1 stands for: no part
    lines = boundaries(skins, (normals @ rotation.T).permute(2, 0, 1))[0] * hit
    colours = colours * (1 - (1 - INK) * lines)[..., None]
    layers = F.avg_pool2d(torch.cat([colours.permute(2, 0, 1), hit.float()[None]])[None], FINE)[0]
    return layers[:3], layers[3], _table(thing, origin, rotation, size, lamp)


def _windows(thing: Thing, rotation: Tensor, corners: Tensor, side: int) -> Windows:
    """Which rows and columns may hold each part, given where its corners are (C,3)."""
    p = (corners - thing.middle) @ rotation.T
    paper = torch.stack([p[:, 0], -p[:, 1]], 1) / (SLOPE * (thing.radius * AWAY - p[:, 2])[:, None])  # in [−1,1]
    pixels = ((paper + 1) / 2 * side).numpy()
    low = np.floor(np.minimum.reduceat(pixels, thing.begins)).clip(0, side).astype(int)
    high = np.ceil(np.maximum.reduceat(pixels, thing.begins)).clip(0, side).astype(int)
    return {n: (slice(top, bottom), slice(left, right))
            for n, ((left, top), (right, bottom)) in enumerate(zip(low.tolist(), high.tolist(), strict=True))
            if top < bottom and left < right}


def _met(thing: Thing, origin: Tensor, rays: Tensor, windows: Windows) -> tuple[Tensor, Tensor, Tensor]:
    """How far each ray (S,S,3) goes, in its own lengths, infinity where it meets nothing; the normal there (S,S,3); and
    which part it is (S,S), or −1. Rays begin in one place (3) or in many (S,S,3)."""
    far = torch.full(rays.shape[:2], math.inf)
    normals, which = torch.zeros_like(rays), torch.full(rays.shape[:2], -1)
    for n, window in windows.items():
        some, before = rays[window], far[window]
        begin = origin if origin.ndim == 1 else origin[window].reshape(-1, 3)
        t, normal = thing.parts[n].meets(begin, some.reshape(-1, 3))
        t = t.view(before.shape)
        closer = t < before
        before.copy_(torch.where(closer, t, before))
        normals[window].copy_(torch.where(closer[..., None], normal.view(some.shape), normals[window]))
        which[window].masked_fill_(closer, n)
    return far, normals, which


def _table(thing: Thing, origin: Tensor, rotation: Tensor, size: int, lamp: Tensor) -> Tensor:
    """(S,S) how bright the table is: 1 − SHADOW where the thing keeps the lamp from it, softly; at half the size."""
    side = (size + 1) // 2
    rays = through(side, SLOPE) @ rotation
    t = torch.where(rays[..., 1] < -1e-3, -origin[1] / rays[..., 1], 0.0)  # above the horizon nothing is dark
    fallen = thing.corners - thing.corners[:, 1:2] / lamp[1] * lamp  # along the light, down to the table
    windows = _windows(thing, rotation, fallen, side)
    dark = _met(thing, origin + t[..., None] * rays, lamp.expand(side, side, 3), windows)[0].isfinite()
    dark = F.avg_pool2d(F.pad(dark.float()[None, None], (1, 1, 1, 1), mode="replicate"), 3, 1)
    return 1 - SHADOW * F.interpolate(dark, (size, size), mode="bilinear", align_corners=False)[0, 0]
