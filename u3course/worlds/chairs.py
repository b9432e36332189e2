"""Chairs for the turntable: four legs, a seat, and a back that says where the front is; all of convex polyhedra.

A convex polyhedron is what lies behind all of its planes. Rays meet it by NumPy, whose calls are short, since they come
by the hundred.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import ConvexHull
from torch import Tensor

TINY = 1e-12
Draw = np.random.Generator
Point = Sequence[float]
Colour = tuple[float, float, float]  # red, green, blue in [0,1]
WOODS = ((0.82, 0.62, 0.40), (0.66, 0.43, 0.25), (0.45, 0.28, 0.18), (0.90, 0.78, 0.58), (0.25, 0.19, 0.17),
         (0.93, 0.92, 0.88), (0.30, 0.52, 0.50), (0.75, 0.26, 0.22), (0.27, 0.38, 0.60), (0.88, 0.68, 0.22))
CLOTHS = ((0.80, 0.25, 0.25), (0.22, 0.42, 0.62), (0.30, 0.55, 0.36), (0.92, 0.80, 0.52), (0.48, 0.32, 0.52),
          (0.35, 0.35, 0.40), (0.90, 0.55, 0.30))
BACKS = ("slats", "ladder", "panel", "arch", "cushion")
SIDES = ((1, 1), (-1, 1), (-1, -1), (1, -1))  # of x and z, for four legs


@dataclass(frozen=True, eq=False)
class Part:
    """One solid of a thing: planes n·x + e = 0 with normals n (F,3) that point outwards, and offsets e (F).

    ``corners`` (C,3) are its own. Parts that share ``skin`` are drawn as one, without a line between them.
    """

    normals: np.ndarray
    offsets: np.ndarray
    corners: np.ndarray
    colour: Colour
    skin: str

    def meets(self, origin: Tensor, rays: Tensor) -> tuple[Tensor, Tensor]:
        """How far it is along rays (P,3) that begin in one place (3) or in many (P,3), and its normals there (P,3).

        n·(o + t d) + e ≤ 0 for every plane: from the last that is entered to the first that is left.
        """
        o, d = origin.numpy().reshape(-1, 3), rays.numpy()
        outside, along = self.normals @ o.T + self.offsets[:, None], self.normals @ d.T  # (F,P)
        along[along == 0] = TINY  # along a plane, a ray is on one side for ever
        t = -outside / along
        enters = np.where(along < 0, t, -math.inf)
        enter, leave = enters.max(0), np.where(along > 0, t, math.inf).min(0)
        hit = (enter > 0) & (enter < leave)
        return torch.from_numpy(np.where(hit, enter, math.inf)), torch.from_numpy(self.normals[enters.argmax(0)])


def hull(points: Sequence[Point], colour: Colour, skin: str) -> Part:
    """The convex hull of points (n,3)."""
    points = np.asarray(points, float)
    found = ConvexHull(points)
    planes = np.unique(found.equations.round(9), axis=0)  # a face of four corners comes as two triangles
    return Part(np.float32(planes[:, :3]), np.float32(planes[:, 3]), points[found.vertices], colour, skin)


def bar(start: Point, end: Point, radii: Point, colour: Colour, skin: str, sides: int = 8) -> Part:
    """A straight rod between two points, of two radii."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    way = (end - start) / np.sqrt(np.square(end - start).sum())
    u = np.cross((0, 0, 1.0) if abs(way[2]) < 0.9 else (1.0, 0, 0), way)
    u /= np.linalg.norm(u)
    turn = (np.arange(sides) + 0.5)[:, None] * (2 * math.pi / sides)
    ring = np.cos(turn) * u + np.sin(turn) * np.cross(way, u)
    return hull(np.concatenate([at + radius * ring for at, radius in zip((start, end), radii, strict=True)]), colour,
                skin)


class Thing:
    """Parts in one frame: x to the thing's left, y up from the floor, z to its front.

    ``corners`` (C,3) are those of all parts, one part after the other, and ``begins`` (n) has the number of each part's
    first one; ``skins`` (n) the number of each part's skin. It turns about the ``middle`` (3) of its box, and a sphere
    of ``radius`` about that holds it.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        corners = np.concatenate([part.corners for part in parts])
        middle, skins = (corners.min(0) + corners.max(0)) / 2, list(dict.fromkeys(part.skin for part in parts))
        self.parts, self.corners, self.middle = parts, torch.tensor(corners).float(), torch.tensor(middle).float()
        self.radius = float(np.linalg.norm(corners - middle, axis=1).max())
        self.begins = np.cumsum([0, *(len(part.corners) for part in parts[:-1])])
        self.skins = torch.tensor([skins.index(part.skin) for part in parts])


def chair(number: int) -> Thing:
    """The chair of a number, in decimetres or so: its seat is about 4.5 above the floor."""
    draw = np.random.default_rng([0, number])
    half, deep, high = draw.uniform(1.9, 2.7), draw.uniform(1.9, 2.5), draw.uniform(3.8, 5.0)
    thick, splay = draw.uniform(0.25, 0.5), draw.uniform(0.0, 0.45)
    wood, cloth = (choices[draw.integers(len(choices))] for choices in (WOODS, CLOTHS))
    cover = cloth if draw.random() < 0.35 else wood
    feet, tops = (np.array([(x * (half - 0.3 + out), y, z * (deep - 0.3 + out)) for x, z in SIDES])
                  for y, out in ((0.0, splay), (high, 0.0)))
    seat = _seat(draw, half, deep, (high, high + thick), cover)
    parts = [*_legs(draw, feet, tops, wood), seat]
    rim = high + thick
    top, lean = rim + draw.uniform(3.4, 5.6), -draw.uniform(0.3, 1.3)
    parts += _back(BACKS[draw.integers(len(BACKS))], half, -deep + 0.2, (rim, top), lean, (wood, cloth))
    if draw.random() < 0.35:
        parts += _arms(half, deep, rim, draw.uniform(1.7, 2.3), lean / (top - high - thick), wood)
    return Thing(parts)


def _legs(draw: Draw, feet: np.ndarray, tops: np.ndarray, wood: Colour) -> list[Part]:
    """Four legs, in half of the chairs with rails between them."""
    radii, sides = (draw.uniform(0.14, 0.24), draw.uniform(0.2, 0.3)), int(draw.choice((4, 12)))
    legs = [bar(feet[n], tops[n], radii, wood, f"leg {n}", sides) for n in range(4)]
    if draw.random() < 0.5:
        share = draw.uniform(0.25, 0.5)
        at = feet * (1 - share) + tops * share
        legs += [bar(at[a], at[b], (0.12, 0.12), _shade(wood, 0.92), f"rail {a}", 6)
                 for a, b in ((1, 2), (0, 3), (2, 3))]
    return legs


def _seat(draw: Draw, half: float, deep: float, heights: tuple[float, float], colour: Colour) -> Part:
    """Square, narrower at the back, or round in front."""
    back = half * draw.uniform(0.82, 1.0)
    outline = [(back, -deep), (-back, -deep), (half, deep), (-half, deep)]
    if draw.random() < 0.35:
        turn = np.linspace(0, math.pi, 13)
        outline[2:] = zip(half * np.cos(turn), deep * (0.25 + 0.75 * np.sin(turn)), strict=True)
    return hull([(x, y, z) for y in heights for x, z in outline], colour, "seat")


def _back(style: str, half: float, z: float, span: tuple[float, float], lean: float,
          colours: tuple[Colour, Colour]) -> list[Part]:
    """What one leans on: two posts and what is between them, or one board; it leans backwards by ``lean``."""
    (low, top), (wood, cloth) = span, colours

    def at(x: float, share: float, off: float = 0.0) -> Point:
        return x * half, low + share * (top - low), z + share * lean + off

    def block(across: Sequence[float], shares: Sequence[float], off: float) -> list[Point]:
        return [at(x, share, side * off) for x in across for share in shares for side in (-1, 1)]

    if style in ("panel", "arch", "cushion"):
        start, crown = 0.0 if style == "panel" else 0.12, [(0.97, 1.0), (-0.97, 1.0)]
        if style == "arch":
            crown = [(0.97 * math.cos(a), 0.62 + 0.38 * math.sin(a)) for a in np.linspace(0, math.pi, 13)]
        points = [point for x, share in [(0.9, start), *crown, (-0.9, start)] for point in block([x], [share], 0.16)]
        posts = [bar(at(x, -0.04), at(x, 0.4), (0.12, 0.12), wood, f"post {x}") for x in (-0.6, 0.6)]
        return [hull(points, cloth if style == "cushion" else wood, "back"), *(posts if style != "panel" else [])]
    parts = [bar(at(x, -0.04), at(x, 1.0), (0.24, 0.2), wood, f"post {x}") for x in (-0.92, 0.92)]
    for n, share in enumerate((0.94,) if style == "slats" else (0.42, 0.68, 0.94)):
        rail = block((-0.92, 0.92), (share - 0.09, share + 0.07), 0.13)
        parts.append(hull(rail, _shade(wood, 1.05), f"rail of the back {n}"))
    if style == "slats":
        parts += [hull(block((x - 0.09, x + 0.09), (-0.02, 0.9), 0.07), _shade(wood, 0.95), f"slat {n}")
                  for n, x in enumerate(np.linspace(-0.6, 0.6, 4))]
    return parts


def _arms(half: float, deep: float, rim: float, above: float, lean: float, wood: Colour) -> list[Part]:
    """Arm rests on one post each, back to where the back is at that height."""
    parts = []
    for n, x in enumerate((half, -half)):
        parts.append(bar((x * 0.95, rim - 0.1, deep * 0.6), (x * 1.05, rim + above, deep * 0.6), (0.18, 0.18), wood,
                         f"post of arm {n}"))
        rest = itertools.product((x * 1.05 - 0.28, x * 1.05 + 0.28), (rim + above, rim + above + 0.25),
                                 (-deep + above * lean, deep * 0.8))
        parts.append(hull(list(rest), wood, f"arm {n}"))
    return parts


def _shade(colour: Colour, times: float) -> Colour:
    """Darker or brighter."""
    return tuple(min(1.0, channel * times) for channel in colour)
