"""A head in space: where what lies on it is seen when it turns."""

import math

import numpy as np
from scipy.spatial import ConvexHull

from u3course.worlds.faces.drawn import Held, Sheet

LATITUDES, _LONGITUDES = np.linspace(-1, 1, 25), np.linspace(-math.pi, math.pi, 24, endpoint=False)
AROUND = np.sin(_LONGITUDES), np.cos(_LONGITUDES)
DEEP = 1.12  # times as deep as wide
Points = np.ndarray  # (n,2) or (n,3): x to the right, y down, z to the viewer; in half heads


class Being:
    """What stays of a person or a cat: the number of an identity decides it. Lengths are in half heads (chin to crown
    is 2)."""

    half_head: float  # of the picture's side
    middle: float  # how low in the picture, of its side
    width: float
    jaw: float  # exponent of its outline: the larger, the squarer
    taper: float


class Head:
    """An egg with a jaw. A place on its front is (x, y) as seen from there; ``seen`` turns it and puts it on paper."""

    def __init__(self, person: Being, moment: Held, middle: tuple[float, float], scale: float) -> None:
        self.person, self.middle, self.scale = person, np.array(middle), scale
        yaw, pitch, roll = (math.radians(angle) for angle in (moment.yaw, moment.pitch, moment.roll))
        about_y = np.array([[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]])
        about_x = np.array([[1, 0, 0], [0, math.cos(pitch), -math.sin(pitch)], [0, math.sin(pitch), math.cos(pitch)]])
        about_z = np.array([[math.cos(roll), -math.sin(roll), 0], [math.sin(roll), math.cos(roll), 0], [0, 0, 1]])
        self.turn = about_z @ about_x @ about_y
        half = self.half_width(LATITUDES)[:, None]
        self.skull = np.stack([half * AROUND[0], LATITUDES[:, None] + 0 * AROUND[0], DEEP * half * AROUND[1]], -1)

    def half_width(self, y: np.ndarray) -> np.ndarray:
        """Of the head at each height: round above, with a jaw below."""
        below = np.maximum(y, 0)
        outline = 1 - np.where(y < 0, np.abs(y) ** 2.4, below**self.person.jaw)
        return self.person.width * np.sqrt(np.maximum(outline, 0)) * (1 - self.person.taper * below)

    def lifted(self, points: Points, off: float = 0.0) -> Points:
        """Places (n,2) on the front, in space; ``off`` the surface by so much."""
        x, y = np.asarray(points, float).T
        half = np.maximum(self.half_width(y), 1e-6)
        return np.array([x, y, DEEP * half * np.sqrt(np.maximum(1 - (x / half) ** 2, 0)) + off]).T

    def seen(self, points: Points, off: float = 0.0) -> Points:
        """Where on the paper, in pixels, places on the front (n,2) or points in space (n,3) are seen."""
        space = self.lifted(points, off) if np.shape(points)[1] == 2 else np.asarray(points, float)
        return self.middle + self.scale * (space @ self.turn.T)[:, :2]

    def facing(self, points: Points) -> np.ndarray:
        """How far places (n,2) on the front look at the viewer, (n): the cosine of the angle; below 0 unseen."""
        x, y = np.asarray(points, float).T
        half = np.maximum(self.half_width(y), 1e-6)
        space = self.lifted(points) / np.stack([half, np.full_like(half, np.inf), DEEP**2 * half], 1)
        return (space / np.maximum(np.linalg.norm(space, axis=1, keepdims=True), 1e-9) @ self.turn.T)[:, 2]

    def outline(self, low: float = -1.0, high: float = 1.0, size: float = 1.0) -> Points:
        """The outline, on the paper, of the part of the head between two heights, larger by a factor."""
        return hull(self.seen(self.skull[(LATITUDES >= low) & (LATITUDES <= high)].reshape(-1, 3) * size))


def placed(who: Being, now: Held, size: int, margin: int) -> Head:
    """The head in a picture of so many pixels with a margin."""
    middle = [margin + size * (at + shift) for at, shift in zip((0.5, who.middle), now.shift, strict=True)]
    return Head(who, now, middle, who.half_head * size * now.scale)


def lit(sheet: Sheet, head: Head, slope: tuple[float, float]) -> np.ndarray:
    """The sheet shrunk, in light that grows by ``slope`` for each half head to the right and down."""
    drawn = sheet.shrunk()
    down, right = np.mgrid[:len(drawn), :len(drawn)]
    middle, scale = head.middle.tolist(), head.scale
    light = 1 + slope[0] * (right - middle[0]) / scale + slope[1] * (down - middle[1]) / scale
    drawn[..., :3] = np.minimum(drawn[..., :3] * np.clip(light, 0.7, 1.25)[..., None], drawn[..., 3:])
    return drawn


def hull(points: Points) -> Points:
    """The convex hull of places on the paper, as a polygon."""
    return points[ConvexHull(points).vertices]


def smooth(points: Points, times: int = 2) -> Points:
    """A closed polygon with its corners cut again and again (Chaikin)."""
    points = np.asarray(points, float)
    for _ in range(times):
        after = np.roll(points, -1, 0)
        points = np.stack([0.75 * points + 0.25 * after, 0.25 * points + 0.75 * after], 1).reshape(-1, points.shape[1])
    return points


def evenly(points: Points, count: int) -> Points:
    """Places on the border of a polygon, each as far from the next."""
    closed = np.concatenate([points, points[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    at = np.linspace(0, along[-1], count, endpoint=False)
    return np.stack([np.interp(at, along, closed[:, axis]) for axis in (0, 1)], 1)


def oval(x: float, y: float, across: float, down: float, power: float = 2.0, count: int = 24) -> Points:
    """|u/across|ᵖ + |v/down|ᵖ = 1 about a middle."""
    angle = np.linspace(0, 2 * math.pi, count, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle)], 1)
    if power != 2:
        circle = np.sign(circle) * np.abs(circle) ** (2 / power)
    return circle * (across, down) + (x, y)


def symmetric(points: Points) -> Points:
    """A closed outline of which the right half is given, from top to bottom."""
    left, right = both(points)
    return np.concatenate([left, right[::-1]])


def both(points: Points) -> tuple[Points, Points]:
    """A shape of the right half and its mirror image: left, right, as the viewer sees them."""
    right = np.asarray(points, float)
    return right * np.array([-1.0] + [1.0] * (right.shape[1] - 1)), right
