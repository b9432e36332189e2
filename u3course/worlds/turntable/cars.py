"""Cars: a body with a bonnet in front, so that both ends differ, and lamps that are white in front and red behind."""

from __future__ import annotations

import numpy as np

from u3course.worlds.turntable.solids import ROUND, Colour, Draw, Part, Thing, bar, box, hull, pick, shade, thing

PAINTS = ((0.80, 0.16, 0.16), (0.16, 0.36, 0.66), (0.95, 0.76, 0.16), (0.22, 0.52, 0.34), (0.92, 0.92, 0.90),
          (0.30, 0.31, 0.34), (0.95, 0.50, 0.15), (0.55, 0.75, 0.85), (0.50, 0.20, 0.35), (0.62, 0.60, 0.55))
GLASS, TYRE, HUB, TRIM = (0.22, 0.30, 0.38), (0.13, 0.13, 0.14), (0.78, 0.79, 0.80), (0.24, 0.24, 0.25)
LAMP, TAIL = (1.0, 0.96, 0.78), (0.86, 0.08, 0.10)
BUILDS = ("saloon", "hatchback", "estate", "van", "pickup", "coupe")
# Of the length, from the rear: where the glass begins and ends at the belt line, and where the roof does.
CABINS = {"saloon": (0.14, 0.72, 0.30, 0.56), "hatchback": (0.03, 0.70, 0.14, 0.54), "estate": (0.02, 0.71, 0.08, 0.56),
          "van": (0.01, 0.86, 0.03, 0.70), "pickup": (0.42, 0.74, 0.46, 0.60), "coupe": (0.06, 0.66, 0.34, 0.50)}
POINTS = ("front left wheel", "front right wheel", "rear right wheel", "rear left wheel", "left head lamp",
          "right head lamp", "right tail lamp", "left tail lamp", "front left of the roof", "front right of the roof",
          "rear right of the roof", "rear left of the roof")  # left and right as the driver has them


def car(draw: Draw) -> Thing:
    """A car, about four metres long."""
    build, paint = pick(draw, BUILDS), pick(draw, PAINTS)
    half = draw.uniform(1.75, 2.3) if build != "coupe" else draw.uniform(2.0, 2.3)
    wide, wheel = draw.uniform(0.78, 0.92), draw.uniform(0.29, 0.37)
    floor = 0.7 * wheel
    belt = floor + draw.uniform(0.60, 0.72) + (0.15 if build == "van" else 0)
    roof = belt + (draw.uniform(0.6, 0.85) if build == "van" else draw.uniform(0.40, 0.58))
    bonnet = max(belt - draw.uniform(0.04, 0.16), 2 * wheel + 0.1)  # over the wheels
    rear, front, roof_rear, roof_front = (half * (2 * share - 1) for share in CABINS[build])
    parts = [_body(half, wide, (floor, bonnet, belt), (rear, front), paint)]
    cabin = np.array([(rear, belt), (front, bonnet), (roof_front, roof), (roof_rear, roof)])
    parts += _cabin(cabin, wide, draw, paint)
    if build == "pickup":
        parts.append(box((-wide * 0.84, belt, -half * 0.97), (wide * 0.84, belt + 0.02, rear - 0.05), TRIM, "bed"))
        for side in (1, -1):
            low, high = sorted((side * wide * 0.86, side * wide * 0.99))
            parts.append(box((low, belt - 0.02, -half), (high, belt + 0.16, rear), paint, "rail", gloss=0.3))
    axles = (half * draw.uniform(0.56, 0.64), -half * draw.uniform(0.54, 0.64))
    for z in axles:
        for side in (1, -1):
            parts += _wheel((side * wide, wheel, z), side, wheel)
    lamp = floor + (bonnet - floor) * 0.52
    parts += _ends(half, wide, (floor, lamp), draw)
    rows = (wide + 0.16, wheel, axles), (0.74 * wide, lamp, (half, -half)), (0.74 * wide, roof, (roof_front, roof_rear))
    points = [(side * x, y, z[end]) for x, y, z in rows for end, side in ((0, 1), (0, -1), (1, -1), (1, 1))]
    return thing(parts, points)  # hubs, lamps, corners of the roof


def _body(half: float, wide: float, heights: tuple[float, float, float], glass: tuple[float, float],
          paint: Colour) -> Part:
    """Up to the belt line: the bonnet falls to the front, the nose and the tail are rounded, the sides lean inwards."""
    (floor, bonnet, belt), (rear, front) = heights, glass
    profile = [(-half * 0.97, floor), (half * 0.97, floor), (half, floor + 0.14), (half * 0.985, bonnet - 0.16),
               (half * 0.93, bonnet - 0.05), (front, bonnet), (rear, belt), (-half * 0.97, belt - 0.01),
               (-half, belt - 0.12), (-half, floor + 0.14)]
    points = [(side * wide * (1.0 if y < belt - 0.2 else 0.95), y, z) for z, y in profile for side in (1, -1)]
    points += [(side * wide, (floor + belt) / 2, z) for z in (-half * 0.9, half * 0.9) for side in (1, -1)]
    return hull(points, paint, "body", gloss=0.35)


def _cabin(profile: np.ndarray, wide: float, draw: Draw, paint: Colour) -> list[Part]:
    """Glass all round, a roof on it, and pillars at the doors."""
    (rear, belt), (front, bonnet), (roof_front, roof), (roof_rear, _) = profile
    low, high = 0.93 * wide, 0.74 * wide

    def ring(points: list[tuple[float, float]], out: float = 0.0) -> list[tuple[float, float, float]]:
        slope = (low - high) / (roof - belt)
        return [(side * (low - slope * max(y - belt, 0) + out), y, z) for z, y in points for side in (1, -1)]

    parts = [hull(ring([(rear, belt), (front, bonnet), (roof_front, roof), (roof_rear, roof)]), GLASS, "glass",
                  gloss=0.5)]
    top = roof - 0.07
    back, ahead = (a + (b - a) * (top - belt) / (roof - belt) for a, b in ((rear, roof_rear), (front, roof_front)))
    lid = ring([(back, top), (ahead, top), (roof_front, roof + 0.015), (roof_rear, roof + 0.015)], 0.012)
    parts.append(hull(lid, paint, "roof", gloss=0.35))
    middle = (roof_rear + roof_front) / 2 + draw.uniform(-0.05, 0.1)
    pillars = [((rear, back), 0.13), ((front, ahead), 0.09)]
    if roof_front - roof_rear > 0.6:
        pillars.append(((middle, middle), 0.08))
    for n, ((below, above), thick) in enumerate(pillars):
        inward = -1 if n == 1 else 1 if n == 0 else 0
        lines = [(below, belt - 0.02), (below + (inward or 1) * thick, belt - 0.02), (above, top + 0.01),
                 (above + (inward or 1) * thick, top + 0.01)]
        parts += [hull([(side * (x + 0.012 - dx), y, z) for x, y, z in ring(lines)[::2] for dx in (0, 0.06)], paint,
                       "roof", gloss=0.35, casts=False) for side in (1, -1)]
    return parts


def _wheel(at: tuple[float, float, float], side: int, radius: float) -> list[Part]:
    x, y, z = at
    sizes = ((-0.09, 0.15, radius, TYRE, {}), (0.0, 0.16, 0.6 * radius, HUB, {"gloss": 0.3, "casts": False}))
    return [bar((x + side * low, y, z), (x + side * high, y, z), (size, size), colour, f"{colour} {side} {z}", ROUND,
                **look) for low, high, size, colour, look in sizes]


def _ends(half: float, wide: float, heights: tuple[float, float], draw: Draw) -> list[Part]:
    """Lamps, bumpers, a grille in front and a number plate behind."""
    (floor, lamp), size = heights, draw.uniform(0.09, 0.13)
    parts = []
    for side in (1, -1):
        x = side * 0.74 * wide
        parts.append(bar((x, lamp, half * 0.9), (x, lamp, half + 0.03), (size, size), LAMP, f"lamp {side}", ROUND,
                         gloss=0.6, casts=False))
        parts.append(box((x - 0.10, lamp - 0.10, -half - 0.03), (x + 0.10, lamp + 0.12, -half * 0.96), TAIL,
                         f"tail {side}", gloss=0.4, casts=False))
    boxes = [(0.46 * wide, lamp - 0.10, lamp + 0.05, half * 0.94, half + 0.02, TRIM, "grille"),
             (0.24, lamp - 0.16, lamp - 0.02, -half - 0.02, -half * 0.96, (0.92, 0.92, 0.86), "plate"),
             *((0.97 * wide, floor + 0.02, floor + 0.16, *sorted((z * half * 0.93, z * (half + 0.06))),
                shade(TRIM, 1.3), f"bumper {z}") for z in (1, -1))]
    return parts + [box((-x, low, rear), (x, high, front), colour, skin, casts=False)
                    for x, low, high, rear, front, colour, skin in boxes]
