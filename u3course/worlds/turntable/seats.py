"""Chairs: four legs, a seat, and a back that says where the front is."""

from __future__ import annotations

import math

import numpy as np

from u3course.worlds.turntable.solids import Colour, Draw, Part, Thing, bar, board, box, hull, pick, shade, thing

WOODS = ((0.82, 0.62, 0.40), (0.66, 0.43, 0.25), (0.45, 0.28, 0.18), (0.90, 0.78, 0.58), (0.25, 0.19, 0.17),
         (0.93, 0.92, 0.88), (0.30, 0.52, 0.50), (0.75, 0.26, 0.22), (0.27, 0.38, 0.60), (0.88, 0.68, 0.22))
CLOTHS = ((0.80, 0.25, 0.25), (0.22, 0.42, 0.62), (0.30, 0.55, 0.36), (0.92, 0.80, 0.52), (0.48, 0.32, 0.52),
          (0.35, 0.35, 0.40), (0.90, 0.55, 0.30))
BACKS = ("slats", "ladder", "panel", "arch", "cushion")
POINTS = ("front left seat corner", "front right seat corner", "back right seat corner", "back left seat corner",
          "front left foot", "front right foot", "back right foot", "back left foot", "left top of the back",
          "right top of the back")  # left and right as who sits there has them


def chair(draw: Draw) -> Thing:
    """A chair in decimetres or so: seat about 4.5 above the floor."""
    half, deep, high = draw.uniform(1.9, 2.7), draw.uniform(1.9, 2.5), draw.uniform(3.8, 5.0)
    thick, splay = draw.uniform(0.25, 0.5), draw.uniform(0.0, 0.45)
    wood, cloth = pick(draw, WOODS), pick(draw, CLOTHS)
    seat = cloth if draw.random() < 0.35 else wood
    feet = [(x * (half - 0.3 + splay), 0.0, z * (deep - 0.3 + splay)) for x, z in ((1, 1), (-1, 1), (-1, -1), (1, -1))]
    tops = [(x * (half - 0.3), high, z * (deep - 0.3)) for x, z in ((1, 1), (-1, 1), (-1, -1), (1, -1))]
    board_, corners = _seat(draw, half, deep, (high, high + thick), seat)
    parts = [*_legs(draw, feet, tops, wood), board_]
    top = high + thick + draw.uniform(3.4, 5.6)
    lean = -draw.uniform(0.3, 1.3)
    style = pick(draw, BACKS)
    parts += _back(style, half, -deep + 0.2, (high + thick, top), lean, (wood, cloth))
    if draw.random() < 0.35:
        parts += _arms(half, deep, high + thick, draw.uniform(1.7, 2.3), lean / (top - high - thick), wood)
    across, up = (0.69, 0.89) if style == "arch" else (0.94, 0.98)
    ears = [(x * across * half, high + thick + up * (top - high - thick), -deep + 0.2 + up * lean) for x in (1, -1)]
    return thing(parts, corners + feet + ears)


def _legs(draw: Draw, feet: list, tops: list, wood: Colour) -> list[Part]:
    """Four legs, in half of the chairs with rails between them."""
    low, wide, sides = draw.uniform(0.14, 0.24), draw.uniform(0.2, 0.3), int(draw.choice((4, 12)))
    legs = [bar(foot, top, (low, wide), wood, f"leg {n}", sides) for n, (foot, top) in
            enumerate(zip(feet, tops, strict=True))]
    if draw.random() < 0.5:
        share = draw.uniform(0.25, 0.5)
        at = [np.asarray(foot) * (1 - share) + np.asarray(top) * share for foot, top in zip(feet, tops, strict=True)]
        legs += [bar(at[a], at[b], (0.12, 0.12), shade(wood, 0.92), f"rail {a}", 6)
                 for a, b in ((1, 2), (0, 3), (2, 3))]
    return legs


def _seat(draw: Draw, half: float, deep: float, span: tuple[float, float], colour: Colour) -> tuple[Part, list]:
    """Square, narrower at the back, or round in front; and its corners, or what comes nearest to them."""
    back = half * draw.uniform(0.82, 1.0)
    front = [(half, deep), (-half, deep)]
    if draw.random() < 0.35:
        turn = np.linspace(0, math.pi, 13)
        front = np.stack([half * np.cos(turn), deep * (0.25 + 0.75 * np.sin(turn))], 1).tolist()
    outline = [(back, -deep), *front, (-back, -deep)]
    corners = [front[len(front) // 4], front[-1 - len(front) // 4], outline[-1], outline[0]]
    return board(np.array(outline), 1, *span, colour, "seat"), [(x, span[1], z) for x, z in corners]


def _back(style: str, half: float, z: float, span: tuple[float, float], lean: float,
          colours: tuple[Colour, Colour]) -> list[Part]:
    """What one leans on: two posts and what is between them, or one board; it leans backwards by ``lean``."""
    (low, top), (wood, cloth) = span, colours

    def at(x: float, share: float, off: float = 0.0) -> tuple[float, float, float]:
        return x * half, low + share * (top - low), z + share * lean + off

    if style in ("panel", "arch", "cushion"):
        start = 0.0 if style == "panel" else 0.12
        rise = np.linspace(0, math.pi, 13)
        crown = ([(0.97, 1.0), (-0.97, 1.0)] if style != "arch" else
                 [(0.97 * math.cos(a), 0.62 + 0.38 * math.sin(a)) for a in rise])
        outline = [(0.9, start), *crown, (-0.9, start)]
        points = [at(x, share, off) for x, share in outline for off in (-0.16, 0.16)]
        board_ = [hull(points, cloth if style == "cushion" else wood, "back")]
        posts = [bar(at(x, -0.04), at(x, 0.4), (0.12, 0.12), wood, f"post {x}") for x in (-0.6, 0.6)]
        return board_ + (posts if style != "panel" else [])
    parts = [bar(at(x, -0.04), at(x, 1.0), (0.24, 0.2), wood, f"post {x}", 8) for x in (-0.92, 0.92)]
    rails = (0.94,) if style == "slats" else (0.42, 0.68, 0.94)
    for n, share in enumerate(rails):
        points = [at(x, share + up, off) for x in (-0.92, 0.92) for up in (-0.09, 0.07) for off in (-0.13, 0.13)]
        parts.append(hull(points, shade(wood, 1.05), f"rail of the back {n}"))
    if style == "slats":
        for n, x in enumerate(np.linspace(-0.6, 0.6, 4)):
            points = [at(x + dx, share, off) for dx in (-0.09, 0.09) for share in (-0.02, 0.9) for off in (-0.07, 0.07)]
            parts.append(hull(points, shade(wood, 0.95), f"slat {n}"))
    return parts


def _arms(half: float, deep: float, rim: float, above: float, lean: float, wood: Colour) -> list[Part]:
    """Arm rests on one post each, back to where the back is at that height."""
    parts = []
    for n, x in enumerate((half, -half)):
        parts.append(bar((x * 0.95, rim - 0.1, deep * 0.6), (x * 1.05, rim + above, deep * 0.6), (0.18, 0.18), wood,
                         f"post of arm {n}"))
        parts.append(box((x * 1.05 - 0.28, rim + above, -deep + above * lean), (x * 1.05 + 0.28, rim + above + 0.25,
                                                                              deep * 0.8), wood, f"arm {n}"))
    return parts
