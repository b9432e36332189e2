"""Things on the turntable, and what they are built of: ellipsoids, convex polyhedra, tubes; where rays meet them.

The round ones are the sphere of :mod:`u3course.worlds.rendered`, stretched: a ray is taken back to where it is round. A
convex polyhedron is what lies behind all of its planes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from scipy.spatial import ConvexHull
from torch import Tensor

from u3course.worlds.rendered import MEETS, Hit, Solid

ROUND = 16  # sides of what is to look round: the bends between them are too blunt for a line
TINY = 1e-12
Draw = np.random.Generator
Point = Sequence[float]
Meets = Callable[[Tensor, Tensor], Hit]
Colour = tuple[float, float, float]  # red, green, blue in [0,1]


@dataclass(frozen=True, eq=False)
class Part:
    """One solid of a thing.

    ``meets`` takes where rays begin, (3) or (P,3), and where they go (P,3), and says how far the solid is along each
    and its normal there. ``corners`` (C,3) are points whose hull holds it. Parts that share ``skin`` are drawn as one,
    without a line between them. ``gloss`` is the share of a highlight, from 0 to 1. What is small and in the
    shadow of another part ``casts`` none of its own. ``belt`` is a second colour between
    two heights.
    """

    meets: Meets
    corners: np.ndarray
    colour: Colour
    skin: str
    gloss: float = 0.0
    casts: bool = True
    belt: tuple[Colour, float, float] | None = None


def ball(middle: Point, radii: Point, colour: Colour, skin: str, **look: object) -> Part:
    """An ellipsoid whose axes are those of space."""
    one = Solid("sphere", 0.0, 0.0, 1.0, 2.0, 0.0, torch.zeros(3))  # it stands on the floor, so that its middle is at 1
    at, size, up = torch.tensor(middle).float(), torch.tensor(radii).float(), torch.tensor([0.0, 1.0, 0.0])

    def meets(origin: Tensor, rays: Tensor) -> Hit:
        start, along = (origin - at) / size + up, rays / size
        length = along.norm(dim=1, keepdim=True)
        t, normal = MEETS["sphere"](start, along / length, one)
        return t / length[:, 0], F.normalize(normal / size, dim=1)

    cube = np.stack(np.meshgrid(*[(-1, 1)] * 3), -1).reshape(-1, 3)
    return Part(meets, cube * radii + middle, colour, skin, **look)


def hull(points: Sequence[Point], colour: Colour, skin: str, *, axis: tuple[Point, Point] | None = None,
         **look: object) -> Part:
    """The convex hull of points (n,3). It is met by NumPy, whose calls are short, since rays come by the hundred.

    With an ``axis`` between two points its surface is drawn round: normals go away from the axis.
    """
    points = np.asarray(points, float)
    found = ConvexHull(points)
    planes = np.unique(found.equations.round(9), axis=0)  # a face of four corners comes as two triangles
    normals, offsets = np.float32(planes[:, :3]), np.float32(planes[:, 3:])

    def meets(origin: Tensor, rays: Tensor) -> Hit:
        """n·(o + t d) + e ≤ 0 for every plane: from the last that is entered to the first that is left."""
        o, d = origin.numpy().reshape(-1, 3), rays.numpy()
        outside, along = normals @ o.T + offsets, normals @ d.T  # (F,P)
        along[along == 0] = TINY  # along a plane, a ray is on one side for ever
        t = -outside / along
        enters = np.where(along < 0, t, -math.inf)
        enter, leave = enters.max(0), np.where(along > 0, t, math.inf).min(0)
        hit = (enter > 0) & (enter < leave)
        facing = normals[enters.argmax(0)]
        if axis is not None:
            facing[hit] = _away((o if len(o) == 1 else o[hit]) + enter[hit, None] * d[hit], *axis)
        return torch.from_numpy(np.where(hit, enter, math.inf)), torch.from_numpy(facing)

    return Part(meets, points[found.vertices], colour, skin, **look)


def _away(places: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Unit vectors from a line between two points to places (P,3)."""
    way = np.float32(end - start)
    from_start = places - np.float32(start)
    share = (from_start @ way / (way @ way)).clip(0, 1)
    out = from_start - share[:, None] * way
    return out / np.sqrt((out * out).sum(1, keepdims=True) + TINY)


def box(low: Point, high: Point, colour: Colour, skin: str, **look: object) -> Part:
    """A box between two corners."""
    middle, half = np.add(low, high) / 2, np.subtract(high, low) / 2
    corners = [(middle[0] + x * half[0], y, middle[2] + z * half[2])
               for y in (low[1], high[1]) for x in (-1, 1) for z in (-1, 1)]
    return hull(corners, colour, skin, **look)


def board(profile: np.ndarray, axis: int, low: float, high: float, colour: Colour, skin: str, **look: object) -> Part:
    """A convex outline (n,2) in the two other axes, as thick as from ``low`` to ``high`` along one."""
    faces = [np.insert(np.asarray(profile, float), axis, at, axis=1) for at in (low, high)]
    return hull(np.concatenate(faces), colour, skin, **look)


def bar(start: Point, end: Point, radii: Point, colour: Colour, skin: str, sides: int = 8, **look: object) -> Part:
    """A straight rod between two points, of two radii; its sides are flat."""
    return hull(np.concatenate(_rings(np.array([start, end], float), radii, sides)), colour, skin, **look)


def tube(spine: np.ndarray, radii: Point, colour: Colour, skin: str, **look: object) -> list[Part]:
    """A smooth tube about a curve (n,3) with a radius at each of its points: hulls of one ring and the next."""
    rings = _rings(spine, radii, ROUND)
    return [hull(np.concatenate([before, after]), colour, skin, axis=(start, end), **look)
            for before, after, start, end in zip(rings, rings[1:], spine, spine[1:], strict=False)]


def _rings(spine: np.ndarray, radii: Point, sides: int) -> list[np.ndarray]:
    """Polygons across a curve (n,3), each (sides,3)."""
    ways = np.gradient(spine, axis=0)
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    across = np.array((0, 0, 1.0)) if abs(ways[0, 2]) < 0.9 else np.array((1.0, 0, 0))
    turn = (np.arange(sides) + 0.5)[:, None] * (2 * math.pi / sides)
    rings = []
    for at, way, radius in zip(spine, ways, radii, strict=True):
        u = np.cross(across, way)
        u /= np.linalg.norm(u)
        rings.append(at + radius * (np.cos(turn) * u + np.sin(turn) * np.cross(way, u)))
    return rings


@dataclass(frozen=True, eq=False)
class Thing:
    """Parts and named points (K,3) in one frame: x to the thing's left, y up from the floor, z to its front."""

    parts: tuple[Part, ...]
    points: Tensor
    middle: Tensor  # (3): what it turns about
    radius: float  # of a sphere about its middle that holds it

    @cached_property
    def corners(self) -> Tensor:
        """(C,3) those of all parts, one part after the other."""
        return torch.tensor(np.concatenate([part.corners for part in self.parts])).float()

    @cached_property
    def begins(self) -> np.ndarray:
        """(n) the number of each part's first corner."""
        return np.cumsum([0, *(len(part.corners) for part in self.parts[:-1])])

    @cached_property
    def skins(self) -> Tensor:
        """(n) the number of each part's skin."""
        names = list(dict.fromkeys(part.skin for part in self.parts))
        return torch.tensor([names.index(part.skin) for part in self.parts])


def thing(parts: list[Part], points: list) -> Thing:
    """A thing of parts that stand on the floor; it turns about the middle of its box."""
    corners = np.concatenate([part.corners for part in parts])
    middle = (corners.min(0) + corners.max(0)) / 2
    radius = float(np.linalg.norm(corners - middle, axis=1).max())
    return Thing(tuple(parts), torch.tensor(np.array(points)).float(), torch.tensor(middle).float(), radius)


def pick(draw: Draw, choices: tuple) -> object:
    """One of several, all alike."""
    return choices[int(draw.integers(len(choices)))]


def shade(colour: Colour, times: float) -> Colour:
    """Darker or brighter."""
    return tuple(min(1.0, channel * times) for channel in colour)
