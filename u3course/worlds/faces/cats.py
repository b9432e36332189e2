"""Cats: which is drawn, how it looks this time, and how an illustrator draws it, in the way of ``people``."""

import math

import numpy as np

from u3course.worlds.faces.drawn import DARK, WHITE, Draw, Held, Sheet, far, mix
from u3course.worlds.faces.head import Being, Head, Points, both, lit, oval, placed, smooth, symmetric

CAT_POINTS = ("left eye", "right eye", "left ear", "right ear", "nose", "left mouth corner", "right mouth corner",
              "chin")
PINK = (226, 158, 150)
FURS = ((58, 54, 56), (96, 88, 84), (128, 122, 124), (168, 164, 162), (214, 140, 72), (188, 108, 52), (236, 204, 160),
        (150, 110, 78), (112, 76, 52), (242, 236, 226))
IRISES = ((122, 168, 74), (204, 182, 62), (222, 146, 40), (92, 150, 190), (150, 190, 120))
NOSES = ((224, 140, 140), (188, 100, 96), (72, 54, 56))
COLLARS = ((196, 48, 56), (48, 96, 176), (48, 140, 96), (226, 172, 40), (140, 72, 150))
WHITE_FUR = (248, 244, 238)
CHANCE = {"stripes": 0.4, "patches": 0.35, "white muzzle": 0.5, "long fur": 0.4, "collar": 0.45, "open mouth": 0.35}
PLAIN = 70.0  # how far, of 442, a second colour is from the first


class Cat(Being):
    """What stays of a cat."""

    half_head, middle = 0.245, 0.55  # the ears want their place

    def __init__(self, identity: int) -> None:
        draw = Draw(identity, 11)
        between = draw.between
        self.fur = mix(draw.of(FURS), draw.of(FURS), between(0, 0.25))
        self.second = self.fur  # of the patches
        while far(self.second, self.fur) < PLAIN:
            self.second = draw.of(FURS)
        side = 1 if draw.yes(0.5) else -1  # on which the large patch is
        self.spots = ((0.55 * side, between(-0.35, -0.1), between(0.42, 0.55)),  # patches: x, y, radius
                      (-0.7 * side, between(0.15, 0.5), between(0.28, 0.4)),
                      (-0.3 * side, between(-0.95, -0.7), between(0.25, 0.4)))
        self.stripes, self.patches, self.white_muzzle, self.long_fur, self.collar = map(
            draw.yes, list(CHANCE.values())[:5])
        self.iris, self.nose, self.collar_colour = draw.of(IRISES), draw.of(NOSES), draw.of(COLLARS)
        self.width, self.jaw, self.taper = between(1.04, 1.2), between(1.9, 2.6), between(0.08, 0.22)
        self.eyes = between(0.43, 0.50), between(-0.10, 0.03), between(0.22, 0.27)  # aside, below, half their width
        self.slant = between(4, 20)  # degrees by which the outer corners of the eyes are higher
        self.muzzle = between(0.28, 0.38), between(0.22, 0.28)  # where the nose is, half the width of the pads
        self.ears = between(1.42, 1.72), between(0.80, 0.98)  # how high, how far out

    def at_rest(self) -> np.ndarray:
        """Where on the front of the head the CAT_POINTS are while nothing in the face moves, (8,2); ears are beyond."""
        apart, down, _ = self.eyes
        (high, out), (tip, half) = self.ears, self.muzzle
        ear, corner = out * self.width / 1.12, 1.25 * half
        return np.array([(-apart, down), (apart, down), (-ear, -high), (ear, -high), (0.0, tip), (-corner, tip + 0.33),
                         (corner, tip + 0.33), (0.0, min(tip + 0.52, 0.97))])


class Mood(Held):
    """How a cat looks in one of its pictures, turned by at most ``yaw`` degrees."""

    def __init__(self, identity: int, number: int, yaw: float) -> None:
        draw = Draw(identity, 12, number)
        super().__init__(draw, yaw)
        self.open_mouth, self.strength = draw.yes(CHANCE["open mouth"]), draw.between(0.7, 1)
        self.pupils = draw.between(0.22, 0.75)  # their width as a share of their height
        self.lids = draw.between(0, 0.35)  # how far the upper ones hang
        self.place(draw, 0.05)


def cat_face(cat: Cat, mood: Mood, size: int, margin: int) -> tuple[np.ndarray, np.ndarray]:
    """A cat's head and chest, (S+2m,S+2m,4), and where its CAT_POINTS are, (L,2), in pixels from the upper left."""
    head, sheet = placed(cat, mood, size, margin), Sheet(size + 2 * margin)
    _body(sheet, head, cat)
    tips = _ears(sheet, head, cat)
    _fur(sheet, head, cat)
    eyes, rest = _eyes(sheet, head, cat, mood), _muzzle(sheet, head, cat, mood)
    return lit(sheet, head, mood.light), head.seen(np.concatenate([eyes, tips, rest]))


def _body(sheet: Sheet, head: Head, cat: Cat) -> None:
    """Chest, collar, and the ruff behind the cheeks."""
    s, shade = head.scale, mix(cat.fur, DARK, 0.16)
    x, y = head.seen(np.array([(0.0, 0.55, -0.35)]))[0]
    chest = np.array([(-0.62, -0.2), (0.62, -0.2), (0.86, 0.75), (1.15, 1.5), (1.25, 40), (-1.25, 40), (-1.15, 1.5),
                      (-0.86, 0.75)]) * s + (x, y)
    sheet.fill(smooth(chest, 2), shade)
    if cat.white_muzzle:
        bib = np.array([(-0.42, 0.2), (0.42, 0.2), (0.5, 0.9), (0.2, 1.7), (0.0, 2.1), (-0.2, 1.7), (-0.5, 0.9)])
        sheet.fill(smooth(bib * s + (x, y), 2), mix(WHITE_FUR, DARK, 0.08))
    if cat.collar:
        u = np.linspace(-1, 1, 11)
        band = np.stack([0.84 * u, 0.72 - 0.16 * u**2], 1)
        sheet.fill(np.concatenate([band - (0, 0.10), (band + (0, 0.12))[::-1]]) * s + (x, y), cat.collar_colour)
        sheet.fill(oval(x, y + 0.93 * s, 0.13 * s, 0.13 * s), (232, 190, 70))
        sheet.line(np.array([(-0.09, 0.95), (0.09, 0.95)]) * s + (x, y), (120, 84, 30), 0.045 * s)
    tufts = [(0.90, 0.02), (1.13, 0.28), (0.97, 0.30), (1.12, 0.56), (0.88, 0.54), (0.90, 0.80), (0.62, 0.74),
             (0.52, 0.96), (0.2, 0.86)]
    ruff = symmetric(tufts) * (cat.width * (1.14 if cat.long_fur else 0.96), 1.1 if cat.long_fur else 1.0)
    sheet.fill(head.seen(np.insert(ruff, 2, 0.1, axis=1)), mix(cat.fur, DARK, 0.07))


def _ears(sheet: Sheet, head: Head, cat: Cat) -> Points:
    """Two triangles with bowed sides, pink within; where their tips are, in space."""
    (high, out), wide = cat.ears, cat.width / 1.12
    tip = (out * wide, -high, 0.05)
    outer = _bowed((0.22 * wide, -0.86, 0.25), tip, (1.02 * wide, -0.34, 0.0), 0.13)
    inner = _bowed((0.42 * wide, -0.84, 0.30), (tip[0] - 0.02, -high + 0.17, 0.12), (0.92 * wide, -0.50, 0.1), 0.10)
    for number, (ear, within) in enumerate(zip(both(outer), both(inner), strict=True)):
        colour = mix(cat.second if cat.patches and (number == 1) == (cat.spots[0][0] > 0) else cat.fur, DARK, 0.12)
        sheet.fill(head.seen(ear), colour)
        sheet.fill(head.seen(within), mix(PINK, colour, 0.35))
        if cat.long_fur:
            sign = 2 * number - 1
            for a, b in ((0.40, 0.52), (0.53, 0.66), (0.67, 0.80)):
                lock = np.array([(a * wide, -0.66, 0.3), (0.5 * (a + b) * wide, -1.08 + 0.3 * abs(a - 0.53), 0.2),
                                 (b * wide, -0.60, 0.3)])
                sheet.fill(head.seen(lock * (sign, 1, 1)), mix(cat.fur, WHITE_FUR, 0.45))
    return np.array(tip) * np.array([(-1, 1, 1), (1, 1, 1)])


def _bowed(start: tuple, tip: tuple, end: tuple, bow: float) -> Points:
    """Two sides of a triangle in space, each bowed outwards; the tip stays a tip."""
    a, b, c = (np.array(one) for one in (start, tip, end))
    u = np.linspace(0, 1, 7)[:, None]
    bulge = bow * 4 * u * (1 - u)
    first = a + u * (b - a) + bulge * (-0.5, -0.35, 0)
    return np.concatenate([first, (b + u * (c - b) + bulge * (0.7, 0.0, 0))[1:]])


def _fur(sheet: Sheet, head: Head, cat: Cat) -> None:
    """The head, its patches, stripes and blaze."""
    sheet.fill(head.outline(), cat.fur)
    if cat.patches:
        for x, y, radius in cat.spots:
            sheet.fill(head.seen(_within(head, oval(x, y, radius, 1.1 * radius))), cat.second)
    if cat.stripes:
        dark = mix(cat.fur, DARK, 0.55 if sum(cat.fur) > 260 else 0.75)
        for x, top, low in ((0.0, -0.97, -0.48), (0.24, -0.93, -0.52), (-0.24, -0.93, -0.52), (0.47, -0.85, -0.5),
                            (-0.47, -0.85, -0.5)):
            streak = [(1.1 * x - 0.05, top), (1.1 * x + 0.05, top), (x + 0.045, -0.7), (0.8 * x, low),
                      (x - 0.045, -0.7)]
            sheet.fill(head.seen(_within(head, streak)), dark)
        for y in (0.06, 0.27, 0.47):
            edge = float(head.half_width(np.array(y)))
            streak = [(edge, y - 0.02), (0.9 * edge, y - 0.03), (0.66 * edge, y + 0.10), (0.9 * edge, y + 0.06),
                      (edge, y + 0.10)]
            for one in both(streak):
                sheet.fill(head.seen(_within(head, one)), dark)
    if cat.white_muzzle:
        blaze = [(0.0, -0.62), (0.08, -0.3), (0.16, 0.1), (0.50, 0.42), (0.58, 0.66), (0.38, 0.88), (0.0, 0.97)]
        sheet.fill(head.seen(smooth(symmetric(blaze), 2)), WHITE_FUR)


def _within(head: Head, shape: Points) -> Points:
    """A shape on the front with what would stick out of the head drawn in to its edge."""
    x, y = np.asarray(shape, float).T
    y = np.clip(y, -0.98, 0.98)
    edge = 0.985 * head.half_width(y)
    return np.stack([np.clip(x, -edge, edge), y], 1)


def _eyes(sheet: Sheet, head: Head, cat: Cat, mood: Mood) -> Points:
    """Almonds, all iris, with an upright pupil; where they are, in space."""
    apart, down, half = cat.eyes
    s, u = head.scale, np.linspace(-1, 1, 11)
    bow = np.sqrt(1 - np.abs(u) ** 2.2)
    upper, lower = -(0.86 - mood.lids) * half * bow, 0.80 * half * bow
    for sign in (-1, 1):
        tilt = -math.tan(math.radians(cat.slant)) * half * u * 0.7

        def placed(height: np.ndarray, grown: float = 1.0, sign: int = sign, tilt: np.ndarray = tilt) -> Points:
            return np.stack([sign * (apart + grown * half * u), down + grown * (height + tilt)], 1)

        sheet.fill(head.seen(np.concatenate([placed(upper, 1.2), placed(lower, 1.15)[::-1]])), mix(DARK, cat.fur, 0.15))
        sheet.fill(head.seen(np.concatenate([placed(upper), placed(lower)[::-1]])), cat.iris)
        glow = np.concatenate([placed(0.45 * lower, 0.9), placed(lower, 0.9)[::-1]])
        sheet.fill(head.seen(glow), mix(cat.iris, WHITE, 0.3))
        at = np.array([sign * apart + 0.10 * half * mood.gaze[0], down + 0.05 * half * mood.gaze[1]])
        pupil = oval(*at, 0.62 * half * mood.pupils, 0.70 * half)
        top = np.interp(sign * (pupil[:, 0] - sign * apart), half * u, upper + tilt)
        pupil[:, 1] = np.maximum(pupil[:, 1], down + top)
        sheet.fill(head.seen(pupil), (16, 14, 18))
        sheet.fill(head.seen(oval(at[0] - 0.16 * half, at[1] - 0.22 * half, 0.14 * half, 0.14 * half, count=8)), WHITE)
        sheet.line(head.seen(placed(upper, 1.08)), DARK, 0.05 * s)
    return head.lifted([(-apart, down), (apart, down)])


def _muzzle(sheet: Sheet, head: Head, cat: Cat, mood: Mood) -> Points:
    """Nose, pads, mouth and whiskers; where nose, corners of the mouth and chin are, in space."""
    s, (tip, half) = head.scale, cat.muzzle
    base = WHITE_FUR if cat.white_muzzle else mix(cat.fur, WHITE_FUR, 0.38)
    gap = 0.26 * mood.strength * mood.open_mouth
    y = tip + 0.20  # where the pads are
    low = y + 0.32 + gap
    sheet.fill(head.seen(oval(0.0, low - 0.08, 0.22, 0.17), 0.14), mix(base, DARK, 0.06))  # chin
    corners = head.lifted([(-1.25 * half, y + 0.13), (1.25 * half, y + 0.13)], 0.12)
    if gap:
        u = np.linspace(-1, 1, 11)
        mouth = np.stack([0.95 * half * u, y + 0.13 + (gap + 0.08) * (1 - u**2)], 1)
        sheet.fill(head.seen(np.concatenate([mouth, mouth[[-1, 0]] - (0, 0.15)]), 0.16), (92, 30, 38))
        sheet.fill(head.seen(oval(0.0, y + 0.12 + 0.85 * gap, 0.13, 0.5 * gap), 0.16), (226, 120, 124))
    for pad in both(oval(0.86 * half, y, half, 0.185, 2.3)):
        sheet.fill(head.seen(pad, 0.17), base)
    bridge = [(0.10, tip - 0.32), (0.15, tip - 0.02), (0.0, tip + 0.1)]
    sheet.fill(head.seen(smooth(symmetric(bridge), 1), 0.12),
               base if cat.white_muzzle else mix(cat.fur, WHITE_FUR, 0.12))
    nose = [(-0.13, tip - 0.06), (0.0, tip - 0.085), (0.13, tip - 0.06), (0.12, tip), (0.0, tip + 0.10), (-0.12, tip)]
    sheet.fill(head.seen(smooth(nose, 1), 0.26), cat.nose if far(cat.nose, base) > 60 else mix(cat.nose, DARK, 0.5))
    lips = [(0.0, y - 0.08), (0.02, y + 0.08), (0.35 * half, y + 0.18), (0.9 * half, y + 0.19), (1.25 * half, y + 0.13)]
    for lip in both(lips):
        places = np.concatenate([head.lifted(lip[:-1], 0.19), corners[[0 if lip[-1, 0] < 0 else 1]]])
        sheet.line(head.seen(places), mix(base, DARK, 0.72), 0.05 * s)
    hairs = WHITE if far(mix(cat.fur, DARK, 0.1), WHITE) > 140 else mix(DARK, cat.fur, 0.3)
    for end in (0.20, 0.46, 0.72):
        for whisker in both([(0.9 * half, y - 0.02 + 0.12 * (end - 0.46), 1.20), (0.95, 0.35 * y + 0.65 * end, 0.85),
                             (1.55, end + 0.04, 0.35)]):
            sheet.line(head.seen(np.concatenate([head.lifted(whisker[:1, :2], 0.17), whisker[1:]])), hairs, 0.022 * s)
    return np.concatenate([head.lifted([(0.0, tip)], 0.26), corners, head.lifted([(0.0, min(low, 0.97))], 0.14)])
