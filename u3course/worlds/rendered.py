"""Rendered scenes: solids on a floor before a wall, with exact labels for four tasks.

    scenes = rendered.scenes(8, seed=0)
    scenes.images, scenes.labels["normals"]      # (8,3,64,64), (8,3,64,64)

A ray goes through every pixel; where it meets the nearest surface is known from a formula, and with it which surface
that is and how it lies. Colours are Lambert's: albedo times the cosine between normal and light, with shadows; floor
and wall carry photos. Labels from rendering are free and exact; those of photos are neither, and photos do not look so.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.worlds.decathlon import canvas
from u3lab.checks import SIDE as MOST
from u3lab.checks import one_of, room, whole

KINDS = ("wall", "floor", "sphere", "box", "cylinder", "cone")
SOLIDS = KINDS[2:]
FAR, FIELD = 3.4, 0.36  # how far the camera is from the middle of the floor, and the tangent of half its angle
WALL = -1.6  # z of the wall; x goes right, y up, z to the viewer
EDGE = math.cos(math.radians(25))  # a bend sharper than that is a boundary
AMBIENT = 0.35

Hit = tuple[Tensor, Tensor]  # how far along each ray (P), infinity where it misses; the unit normal there (P,3)


class Scenes(NamedTuple):
    """Pictures (N,3,S,S) in [0,1] and their labels by task, as :func:`u3lab.universal.train_tasks` takes them.

    "segments" (N,S,S) int64, numbers of ``KINDS``; "boundaries" (N,1,S,S), 1 on both sides of where one surface ends or
    bends, else 0; "normals" (N,3,S,S), unit vectors: right, up, to the camera; "label" (N) int64, the number in
    ``SOLIDS`` of what covers most pixels.
    """

    images: Tensor
    labels: dict[str, Tensor]


class Solid(NamedTuple):
    """A solid on the floor: kind, place (x,z), radius or half side, height, turn about the vertical, colour (3)."""

    kind: str
    x: float
    z: float
    radius: float
    height: float
    turn: float
    colour: Tensor


def scenes(count: int, *, size: int = 64, split: str = "train", seed: int = 0) -> Scenes:
    """Render scenes: one to three solids of four kinds in each; a hundred take a second.

    Args:
        count: How many.
        size: S, pixels from 16 up.
        split: "train", "val" or "test": whose photos lie on floor and wall. The test's are of other photographers.
        seed: Of everything else. The first scenes of a longer series are those of a shorter one.

    Raises:
        U3Error: An unknown split, a size out of its range, more pictures than there is room for.
    """
    count, size, split = whole("count", count, 1, MOST**2), whole("size", size, 16, MOST), one_of("split", split,
                                                                                                   canvas.SPLITS)
    room(f"count = {count}", size, size, count)
    draw, photos = torch.Generator().manual_seed(whole("seed", seed, 0)), np.random.default_rng(seed)
    made = [_scene(size, split, draw, photos) for _ in range(count)]
    images, segments, boundaries, normals, label = (torch.stack(part) for part in zip(*made, strict=True))
    return Scenes(images, {"segments": segments, "boundaries": boundaries, "normals": normals, "label": label})


def _scene(size: int, split: str, draw: torch.Generator, photos: canvas.Draw) -> tuple[Tensor, ...]:
    origin, rays, to_camera = _camera(size, math.radians(float(uniform(draw, 8, 32))))
    light = F.normalize(torch.stack([uniform(draw, -0.9, 0.9), torch.tensor(1.0), uniform(draw, 0.3, 1.2)]), dim=0)
    textures = [torch.tensor(np.asarray(canvas.ground(split, photos))).permute(2, 0, 1) / 255 for _ in range(2)]
    solids = _placed(draw)
    far, normal, which = _nearest(origin, rays, solids)
    points = origin + far[:, None] * rays
    kinds = torch.tensor([0, 1, *(KINDS.index(one.kind) for one in solids)])
    albedo = torch.where((which == 0)[:, None], _textured(textures[0], points[:, 0] / 3, points[:, 1] / 3 - 0.6),
                         _textured(textures[1], points[:, 0] / 2, points[:, 2] / 2))
    for n, one in enumerate(solids, 2):
        albedo = torch.where((which == n)[:, None], one.colour, albedo)
    blocked, _, _ = _nearest(points + 1e-3 * normal, light.expand_as(rays), solids, room_too=False)
    lit = (normal @ light).clamp_min(0) * blocked.isinf()
    image = albedo * (AMBIENT + (1 - AMBIENT) * lit)[:, None] + 0.015 * torch.randn(len(rays), 3, generator=draw)
    map_of = torch.stack([(which == n).sum() for n in range(2, len(solids) + 2)])
    seen = normal @ to_camera.T
    return (image.clamp(0, 1).T.view(3, size, size), kinds[which].view(size, size),
            boundaries(which.view(size, size), seen.T.view(3, size, size)), seen.T.view(3, size, size).contiguous(),
            kinds[2 + map_of.argmax()] - 2)


def uniform(draw: torch.Generator, low: float, high: float) -> Tensor:
    """A number between two others, a scalar."""
    return low + (high - low) * torch.rand((), generator=draw)


def through(side: int, slope: float) -> Tensor:
    """Rays through the middle of each pixel, in the camera's axes, (S,S,3); each goes 1 away from the viewer.

    ``slope`` is the tangent of half the camera's angle.
    """
    places = slope * ((torch.arange(side) + 0.5) / side * 2 - 1)
    down, right = torch.meshgrid(places, places, indexing="ij")
    return torch.stack([right, -down, -torch.ones_like(right)], -1)


def _camera(size: int, pitch: float) -> tuple[Tensor, Tensor, Tensor]:
    """A camera that looks down by a pitch: where all rays begin (3), where they go (S·S,3), row by row, and what turns
    the world to the camera's axes (3,3)."""
    ahead = through(size, FIELD).flatten(0, 1)
    cos, sin = math.cos(pitch), math.sin(pitch)
    to_world = torch.tensor([[1, 0, 0], [0, cos, sin], [0, -sin, cos]])
    return torch.tensor([0.0, 0.35 + FAR * sin, FAR * cos]), F.normalize(ahead @ to_world.T, dim=1), to_world.T


def _placed(draw: torch.Generator) -> list[Solid]:
    """One to three solids that do not touch each other."""
    found: list[Solid] = []
    wanted = int(torch.randint(1, 4, (), generator=draw))
    while len(found) < wanted:
        radius = float(uniform(draw, 0.3, 0.55))
        height = radius * float(uniform(draw, 1.2, 2.6))
        one = Solid(SOLIDS[int(torch.randint(4, (), generator=draw))], float(uniform(draw, -0.9, 0.9)),
                    float(uniform(draw, -0.8, 0.8)), radius, height, float(uniform(draw, 0, math.pi / 2)),
                    0.15 + 0.8 * torch.rand(3, generator=draw))
        if all(math.hypot(one.x - other.x, one.z - other.z) > 1.2 * (radius + other.radius) for other in found):
            found.append(one)
    return found


def _nearest(origin: Tensor, rays: Tensor, solids: list[Solid], *, room_too: bool = True) -> tuple[Tensor, ...]:
    """How far the nearest surface is (P), its normal (P,3) and its number (P): wall 0, floor 1, solids from 2 on."""
    hits = [_plane(origin, rays, 2, WALL), _plane(origin, rays, 1, 0.0)] if room_too else []
    for one in solids:
        hits.append(MEETS[one.kind](origin - torch.tensor([one.x, 0.0, one.z]), rays, one))
    far, which = torch.stack([hit[0] for hit in hits]).min(0)
    return far, torch.stack([hit[1] for hit in hits])[which, torch.arange(len(rays))], which


def _plane(origin: Tensor, rays: Tensor, axis: int, at: float) -> Hit:
    """A plane across an axis, facing the axis's positive side."""
    t, normal = (at - origin[..., axis]) / rays[:, axis], torch.zeros_like(rays)
    normal[:, axis] = 1.0
    return torch.where(t > 0, t, math.inf), normal


def _sphere(origin: Tensor, rays: Tensor, one: Solid) -> Hit:
    """|o + t d − c|² = r²."""
    o = origin - torch.tensor([0.0, one.radius, 0.0])
    half, rest = (o * rays).sum(-1), (o * o).sum(-1) - one.radius**2
    t = -half - (half**2 - rest).sqrt()  # NaN where the ray misses
    t = torch.where(t > 0, t, math.inf)
    return t, F.normalize(o + t.nan_to_num(posinf=0.0)[:, None] * rays, dim=1)


def _box(origin: Tensor, rays: Tensor, one: Solid) -> Hit:
    """Between three pairs of planes at once (slabs)."""
    cos, sin = math.cos(one.turn), math.sin(one.turn)
    turn = torch.tensor([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    half = torch.tensor([one.radius * 0.8, one.height / 2, one.radius * 0.8])
    o, d = (origin - torch.tensor([0.0, one.height / 2, 0.0])) @ turn.T, rays @ turn.T
    enter, leave = ((-half * d.sign() - o) / d, (half * d.sign() - o) / d)
    t, axis = enter.max(-1)
    t = torch.where((t > 0) & (t < leave.amin(-1)), t, math.inf)
    return t, (F.one_hot(axis, 3) * -d.sign()) @ turn


def _cylinder(origin: Tensor, rays: Tensor, one: Solid) -> Hit:
    """x² + z² = r² below the lid, and the lid."""
    t, y, p = _round(origin, rays, one.radius, 0.0)
    side = torch.where((t > 0) & (y > 0) & (y < one.height), t, math.inf)
    lid, up = _plane(origin, rays, 1, one.height)
    at = origin + lid.nan_to_num(posinf=0.0)[:, None] * rays
    lid = torch.where(at[:, 0] ** 2 + at[:, 2] ** 2 < one.radius**2, lid, math.inf)
    outward = F.normalize(torch.stack([p[:, 0], torch.zeros_like(y), p[:, 2]], 1), dim=1)
    return torch.minimum(side, lid), torch.where((lid < side)[:, None], up, outward)


def _cone(origin: Tensor, rays: Tensor, one: Solid) -> Hit:
    """x² + z² = (k (h − y))² with k = r / h, between the floor and the tip."""
    k = one.radius / one.height
    t, y, p = _round(origin - torch.tensor([0.0, one.height, 0.0]), rays, 0.0, k)
    t = torch.where((t > 0) & (y > -one.height) & (y < 0), t, math.inf)
    return t, F.normalize(torch.stack([p[:, 0], -(k**2) * y, p[:, 2]], 1), dim=1)


def _round(o: Tensor, d: Tensor, r: float, k: float) -> tuple[Tensor, Tensor, Tensor]:
    """First solution t of x² + z² = r² + k² y² along o + t d, with y (P) and the point (P,3) there; NaN if none."""
    a = d[:, 0] ** 2 + d[:, 2] ** 2 - (k * d[:, 1]) ** 2
    b = o[..., 0] * d[:, 0] + o[..., 2] * d[:, 2] - k**2 * o[..., 1] * d[:, 1]
    c = o[..., 0] ** 2 + o[..., 2] ** 2 - (k * o[..., 1]) ** 2 - r**2
    root = (b**2 - a * c).sqrt()
    first, second = (-b - root) / a, (-b + root) / a
    first, second = torch.minimum(first, second), torch.maximum(first, second)
    at = torch.where((first > 0) & (k * (o[..., 1] + first * d[:, 1]) <= 0), first, second if k else math.inf)
    point = o + at.nan_to_num(posinf=0.0)[:, None] * d
    return at, point[:, 1], point


MEETS = {"sphere": _sphere, "box": _box, "cylinder": _cylinder, "cone": _cone}


def _textured(texture: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """Colours (P,3) of a texture (3,h,w) at places; 1 is half its side, and beyond its border it is mirrored."""
    grid = torch.stack([u, -v], -1).view(1, 1, -1, 2)
    return F.grid_sample(texture[None].float(), grid, padding_mode="reflection", align_corners=False)[0, :, 0].T


def boundaries(which: Tensor, normals: Tensor) -> Tensor:
    """(1,S,S): 1 at both pixels of each pair of neighbours that lie on two surfaces, or on a sharp bend of one."""
    found = torch.zeros(which.shape, dtype=torch.bool)
    for on, after in (np.s_[..., :-1, :], np.s_[..., 1:, :]), (np.s_[..., :-1], np.s_[..., 1:]):
        jump = (which[on] != which[after]) | ((normals[on] * normals[after]).sum(0) < EDGE)
        found[on] |= jump
        found[after] |= jump
    return found[None].float()
