"""Teapots: a spout on one side and a handle on the other.

A cup would not do: with its handle behind it, nothing tells how it is turned. A pot's spout is seen when its handle is
not. Seen from the side both are, and which is which says the rest.
"""

from __future__ import annotations

import math

import numpy as np

from u3course.worlds.turntable.solids import Colour, Draw, Part, Thing, ball, bar, pick, shade, thing, tube

GLAZES = ((0.93, 0.91, 0.86), (0.25, 0.45, 0.65), (0.72, 0.30, 0.24), (0.35, 0.55, 0.42), (0.90, 0.72, 0.30),
          (0.32, 0.30, 0.34), (0.85, 0.55, 0.58), (0.45, 0.65, 0.72), (0.55, 0.38, 0.28), (0.60, 0.50, 0.68))
POINTS = ("tip of the spout", "middle of the spout, above", "knob of the lid", "top of the handle", "end of the handle",
          "bottom of the handle", "left of the belly", "right of the belly")  # the spout is in front


def pot(draw: Draw) -> Thing:
    """A teapot of about a decimetre; its spout points to the front, z, its handle to the back."""
    glaze, other = (pick(draw, GLAZES) for _ in range(2))
    wide, high, foot = 1.0, draw.uniform(0.62, 1.05), draw.uniform(0.04, 0.14)
    middle, stand = foot + 0.9 * high, draw.uniform(0.5, 0.7)
    belt = (other, *sorted(draw.uniform(-0.55, 0.5, 2))) if draw.random() < 0.6 else None
    parts = [ball((0, middle, 0), (wide, high, wide), glaze, "belly", gloss=0.7, belt=belt),
             bar((0, 0, 0), (0, foot + 0.2 * high, 0), (stand, 0.9 * stand), shade(glaze, 0.85), "foot", 24,
                 casts=False)]
    lid, trim = _lid(draw, middle, high, glaze, pick(draw, (glaze, other)))
    spine, back, spout = _spout(draw, middle, high, glaze)
    bow, handle = _handle(draw, middle, high, pick(draw, (glaze, shade(other, 0.9))))
    belly = [(side * wide, middle, 0.0) for side in (1, -1)]
    points = [spine[-1], back, lid, bow[2], bow[len(bow) // 2], bow[-3], *belly]
    return thing(parts + trim + spout + handle, points)


def _lid(draw: Draw, middle: float, high: float, glaze: Colour, knob: Colour) -> tuple[tuple, list[Part]]:
    """A flat dome on the belly, a rim under it, a knob on it: where the knob ends, and the parts."""
    radius, rise, size = draw.uniform(0.42, 0.6), draw.uniform(0.14, 0.34), draw.uniform(0.10, 0.17)
    at = middle + high * math.sqrt(1 - radius**2)
    parts = [bar((0, at - 0.08, 0), (0, at + 0.04, 0), (radius + 0.05,) * 2, shade(glaze, 0.8), "rim", 24, gloss=0.4,
                 casts=False),
             ball((0, at + 0.03, 0), (radius, rise, radius), glaze, "lid", gloss=0.7),
             ball((0, at + rise + 0.6 * size, 0), (size, size * 0.9, size), knob, "knob", gloss=0.6)]
    return (0.0, at + rise + 1.5 * size, 0.0), parts


def _spout(draw: Draw, middle: float, high: float, glaze: Colour) -> tuple[np.ndarray, np.ndarray, list[Part]]:
    """An S from low on the belly up to a mouth, narrower all the way: its axis, a point on its back, and the parts."""
    reach, up = draw.uniform(1.55, 1.95), middle + high * draw.uniform(0.55, 1.0)
    start, bend = middle - high * draw.uniform(0.1, 0.35), draw.uniform(0.0, 0.3)
    t = np.linspace(0, 1, 6)
    z = 0.72 + (reach - 0.72) * (t + bend * np.sin(2 * math.pi * t) / 3)
    spine = np.stack([0 * t, start + (up - start) * t ** draw.uniform(1.0, 1.7), z], 1)
    radii = np.linspace(draw.uniform(0.24, 0.36), draw.uniform(0.10, 0.14), len(t))
    parts = tube(spine, radii, glaze, "spout", gloss=0.5)
    way = (spine[-1] - spine[-2]) / np.linalg.norm(spine[-1] - spine[-2])
    parts.append(bar(spine[-1], spine[-1] + 0.02 * way, (0.72 * radii[-1],) * 2, (0.10, 0.08, 0.08), "mouth",
                     casts=False))
    along = spine[4] - spine[2]
    up = np.array([0, along[2], -along[1]]) / np.linalg.norm(along)
    return spine, spine[3] + radii[3] * up, parts


def _handle(draw: Draw, middle: float, high: float, colour: Colour) -> tuple[np.ndarray, list[Part]]:
    """A bow behind the belly, from its shoulder to below its middle."""
    out, tall = draw.uniform(0.55, 0.85), high * draw.uniform(0.5, 0.72)
    square = draw.uniform(0.6, 1.0)
    turn = np.linspace(-0.5 * math.pi, 0.5 * math.pi, 9)
    bow = np.stack([0 * turn, middle + 0.1 * high - tall * np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** square,
                    -0.78 - out * np.cos(turn) ** square], 1)
    return bow, tube(bow, np.full(len(turn), draw.uniform(0.09, 0.13)), colour, "handle", gloss=0.4)
