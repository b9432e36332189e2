"""People: who is drawn, how they look this time, and how an illustrator draws them: flat shapes laid on a head, drawn
large and then shrunk."""

import colorsys
import math

import numpy as np

from u3course.worlds.faces.drawn import DARK, WHITE, Colour, Draw, Held, Sheet, far, mix
from u3course.worlds.faces.head import Being, Head, Points, both, evenly, hull, lit, oval, placed, smooth

POINTS = ("left eye", "right eye", "left brow", "right brow", "nose", "left mouth corner", "right mouth corner", "chin")
SKINS = ((255, 224, 205), (246, 205, 176), (229, 180, 143), (198, 142, 104), (150, 98, 67), (98, 62, 44))
HAIRS = ((28, 24, 26), (58, 38, 28), (104, 66, 40), (150, 84, 42), (214, 172, 104), (176, 72, 36), (168, 166, 168))
IRISES = ((74, 110, 150), (88, 60, 36), (60, 42, 30), (86, 120, 80), (120, 130, 138))
CHANCE = {"glasses": 0.45, "beard": 0.4, "hat": 0.35, "long hair": 0.45, "smile": 0.5, "open mouth": 0.4}
PLAIN = {"hair": 78.0, "frame": 110.0}  # how far, of 442, they are from the skin: beard and glasses are to be seen


class Person(Being):
    """What stays of a person."""

    half_head, middle = 0.30, 0.48

    def __init__(self, identity: int) -> None:
        draw = Draw(identity, 1)
        between, tone = draw.between, draw.between(0, len(SKINS) - 1.001)
        self.skin = mix(SKINS[int(tone)], SKINS[int(tone) + 1], tone % 1)
        self.hair = self.frame = self.skin
        while far(self.hair, self.skin) < PLAIN["hair"]:
            self.hair = mix(draw.of(HAIRS), vivid(draw, (0, 0.2), (0.2, 0.8)), 0.12)
        while far(self.frame, self.skin) < PLAIN["frame"]:
            self.frame = (30, 28, 34) if draw.yes(0.6) else vivid(draw, (0.3, 0.9), (0.3, 0.95))
        self.glasses, self.beard, self.hat, self.long_hair = map(draw.yes, list(CHANCE.values())[:4])
        self.iris = draw.of(IRISES)
        self.lips = mix(mix(self.skin, (186, 52, 62), between(0.35, 0.7)), (0, 0, 0), 0.05)
        self.shirt, self.hat_colour = vivid(draw, (0.2, 0.8), (0.3, 0.9)), vivid(draw, (0.5, 0.95), (0.35, 0.95))
        self.width, self.jaw, self.taper = between(0.70, 0.82), between(2.0, 3.0), between(0.10, 0.30)
        self.eyes = between(0.30, 0.37), between(-0.08, 0.03), between(0.155, 0.19)  # aside, below, half their width
        self.brow = between(0.18, 0.25), between(0.035, 0.075)  # above the eye, thickness
        self.nose = between(0.27, 0.36), between(0.09, 0.14)  # where its tip is, half its width
        self.mouth = between(0.24, 0.31), between(0.55, 0.62), between(0.05, 0.085)  # half its width, where, its lips
        # The hairline: where it is in the middle, its slant, how much lower at the temples.
        self.hairline = between(-0.72, -0.42), between(-0.18, 0.18), between(0.05, 0.35)
        self.volume, self.curls = between(1.06, 1.2), draw.yes(0.3)
        self.peaked = draw.yes(0.5)  # a hat with a peak, else a woollen one
        self.round_glasses = between(2, 5)  # exponent of their outline

    def at_rest(self) -> np.ndarray:
        """Where on the front of the head the POINTS are while nothing in the face moves, (8,2)."""
        apart, down, _ = self.eyes
        wide, low, _ = self.mouth
        high = down - self.brow[0]
        return np.array([(-apart, down), (apart, down), (-apart, high), (apart, high), (0.0, self.nose[0]),
                         (-wide, low), (wide, low), (0.0, 0.97)])


class Moment(Held):
    """How a person looks in one of their pictures, turned by at most ``yaw`` degrees."""

    def __init__(self, identity: int, number: int, yaw: float) -> None:
        draw = Draw(identity, 2, number)
        super().__init__(draw, yaw)
        self.smile, self.open_mouth = draw.yes(CHANCE["smile"]), draw.yes(CHANCE["open mouth"])
        self.strength, self.brows = draw.between(0.7, 1), draw.between(-1, 1)
        self.place(draw, 0.06)


def vivid(draw: Draw, saturation: tuple[float, float], value: tuple[float, float]) -> Colour:
    """A colour of any hue."""
    made = colorsys.hsv_to_rgb(draw.between(0, 1), draw.between(*saturation), draw.between(*value))
    return tuple(255 * one for one in made)


def face(person: Person, moment: Moment, size: int, margin: int) -> tuple[np.ndarray, np.ndarray]:
    """A head with its shoulders, (S+2m,S+2m,4), and where its POINTS are, (L,2), in pixels from the upper left."""
    head, sheet = placed(person, moment, size, margin), Sheet(size + 2 * margin)
    _behind(sheet, head)
    _skull(sheet, head)
    places = _features(sheet, head, moment)
    _on_top(sheet, head)
    return lit(sheet, head, moment.light), head.seen(places[:, :3])


def _behind(sheet: Sheet, head: Head) -> None:
    """Long hair, shoulders, neck, ears."""
    who, shade = head.person, mix(head.person.skin, DARK, 0.28)
    if who.long_hair:
        fall = [(x, y, -0.25) for x, y in ((-0.98, 0.0), (0.98, 0.0), (-1.04, 0.9), (1.04, 0.9), (-0.8, 1.28),
                                           (0.8, 1.28))]
        every = np.concatenate([head.outline(-1, 0.1, who.volume), head.seen(np.array(fall))])
        sheet.fill(smooth(hull(every)), mix(who.hair, DARK, 0.25))
    (x, y), s = head.seen(np.array([(0.0, 0.8, -0.2)]))[0], head.scale
    chest = np.array([(-0.38, 0.42), (0.38, 0.42), (1.15, 0.75), (1.5, 1.3), (1.6, 40), (-1.6, 40), (-1.5, 1.3),
                      (-1.15, 0.75)]) * s + (x, y)
    sheet.fill(smooth(chest, 1), who.shirt)
    sheet.fill(np.array([(-0.36, -0.3), (0.36, -0.3), (0.40, 0.62), (-0.40, 0.62)]) * s + (x, y), shade)  # neck
    sheet.fill(oval(x, y + 0.55 * s, 0.40 * s, 0.20 * s), shade)
    ear = oval(who.width + 0.02, 0.10, 0.11, 0.20)
    for side in both(np.stack([*ear.T, np.full(len(ear), -0.05)], 1)):
        sheet.fill(head.seen(side), mix(who.skin, DARK, 0.10))


def _skull(sheet: Sheet, head: Head) -> None:
    """Skin, hair, and the beard, out of which the middle of the face is cut."""
    who = head.person
    sheet.fill(head.outline(), who.skin)
    if who.beard:
        sheet.fill(head.outline(-0.05, 1, 1.05), who.hair)
    cap = head.outline(-1, -0.12, who.volume)
    sheet.fill(cap, who.hair)
    if who.curls and not who.hat:
        for x, y in evenly(cap, 22):
            sheet.fill(oval(x, y, 0.15 * head.scale, 0.15 * head.scale, count=12), who.hair)
    at, slant, falls = who.hairline
    across = np.linspace(-1, 1, 13)
    y = np.minimum(at + slant * across + falls * across**4, -0.16)
    top = np.stack([across * 0.97 * head.half_width(y), y], 1)
    if who.beard:  # cheeks, and above the lip the moustache
        rest = [(0.88 * who.width, 0.12), (0.70 * who.width, 0.36), (0.34, 0.46), (0.18, 0.40), (0.0, 0.43)]
    else:
        rest = [*((0.97 * float(head.half_width(np.array(y))), y) for y in (0.1, 0.35, 0.6, 0.8)), (0.0, 0.9)]
    left, right = both(rest)
    sheet.fill(head.seen(smooth(np.concatenate([top, right, left[::-1]]), 1)), who.skin)
    if who.long_hair:
        for lock in both([(0.60, -0.62), (0.9, -0.5), (1.0, 0.0), (1.06, 0.6), (0.98, 0.98), (0.80, 0.9),
                          (0.84, 0.4), (0.80, -0.05), (0.70, -0.35)]):
            x, z = lock[:, 0] * who.width / 0.78, 0.45 - 0.6 * np.clip(np.abs(lock[:, 0]) - 0.6, 0, 1)
            sheet.fill(smooth(head.seen(np.stack([x, lock[:, 1], z], 1))), mix(who.hair, DARK, 0.1))


def _features(sheet: Sheet, head: Head, moment: Moment) -> Points:
    """Cheeks, eyes, brows, nose and mouth; where the POINTS are, in space."""
    who, s = head.person, head.scale
    apart, down, half = who.eyes
    raised = 0.03 * moment.brows
    for cheek in both(oval(0.45 * who.width / 0.76, 0.30, 0.15, 0.10)):
        if not who.beard:
            sheet.fill(head.seen(cheek), mix(who.skin, (222, 84, 74), 0.16))
    for sign in (-1, 1):
        _eye(sheet, head, moment, sign * apart, down, half)
        high = down - who.brow[0] - raised
        brow = np.array([(apart - 0.19, high + 0.03), (apart, high - 0.03), (apart + 0.20, high + 0.05)])
        thick = who.brow[1] * np.array([[0, 1.0], [0, 0.9], [0, 0.5]])
        shape = np.concatenate([brow - thick, (brow + thick)[::-1]]) * (sign, 1)
        sheet.fill(head.seen(smooth(shape, 1)), mix(who.hair, DARK, 0.35))
    (tip, wide), shade = who.nose, mix(who.skin, DARK, 0.24)
    bridge = head.lifted([(0.07, down + 0.02), (0.06, 0.5 * (down + tip))], 0.06)
    base = head.lifted([(wide, tip + 0.05), (0.4 * wide, tip + 0.085), (-0.4 * wide, tip + 0.085), (-wide, tip + 0.05)],
                       0.12)
    nose = head.lifted([(0.0, tip)], 0.24)
    side = -1 if moment.yaw > 0 else 1  # the side that is turned away is in the shade
    sheet.fill(head.seen(np.concatenate([bridge, nose + (0, 0.04, 0), base[:1]]) * (-side, 1, 1)),
               mix(who.skin, DARK, 0.13))
    sheet.line(head.seen(np.concatenate([base[:1], base[1:2], nose + (0, 0.075, -0.05), base[2:]])), shade, 0.055 * s)
    corners = _mouth(sheet, head, moment)
    eyes = head.lifted([(-apart, down), (apart, down)])
    brows = head.lifted([(-apart, down - who.brow[0] - raised), (apart, down - who.brow[0] - raised)])
    return np.concatenate([eyes, brows, nose, corners, head.lifted([(0.0, 0.97)])])


def _eye(sheet: Sheet, head: Head, moment: Moment, x: float, y: float, half: float) -> None:
    who, s, tall = head.person, head.scale, 0.56 * half
    angle = np.linspace(0, math.pi, 9)
    lid = np.stack([x - half * np.cos(angle), y - tall * np.sin(angle)], 1)
    under = np.stack([x + half * np.cos(angle), y + 0.72 * tall * np.sin(angle)], 1)
    sheet.fill(head.seen(np.concatenate([lid, under])), WHITE)
    at = (x + 0.25 * half * moment.gaze[0], y - 0.06 * tall + 0.12 * tall * moment.gaze[1])
    sheet.fill(head.seen(oval(*at, 0.54 * half, 0.54 * half)), who.iris)
    sheet.fill(head.seen(oval(*at, 0.27 * half, 0.27 * half)), (16, 14, 18))
    sheet.fill(head.seen(oval(at[0] - 0.18 * half, at[1] - 0.2 * half, 0.13 * half, 0.13 * half, count=8)), WHITE)
    sheet.line(head.seen(lid), DARK, 0.05 * s)


def _mouth(sheet: Sheet, head: Head, moment: Moment) -> Points:
    """Lips, and what is between them; its corners, in space."""
    who, smiles, opens = head.person, moment.strength * moment.smile, moment.strength * moment.open_mouth
    half, y, lip = who.mouth
    half = half * (1 + 0.28 * smiles - 0.22 * opens * (not moment.smile))
    lift, gap = 0.10 * smiles - 0.035 * (not moment.smile), opens * (0.11 if moment.smile else 0.15)
    u = np.linspace(-1, 1, 11)
    bow = 1 - u**2

    def curve(height: np.ndarray) -> Points:
        return np.stack([half * u, y - lift * u**2 + height], 1)

    middle = 0.035 * smiles * bow
    upper, lower = curve(middle - 0.35 * gap * bow), curve(middle + 0.85 * gap * bow)
    above = curve(middle - 0.35 * gap * bow - lip * bow * (1 - 0.35 * np.exp(-((u / 0.22) ** 2))))
    below = curve(middle + 0.85 * gap * bow + 1.25 * lip * bow)
    sheet.fill(head.seen(np.concatenate([above, below[::-1]]), 0.03), who.lips)
    if opens:
        sheet.fill(head.seen(np.concatenate([upper, lower[::-1]]), 0.03), (74, 22, 28))
        if moment.smile:
            teeth = curve(middle - 0.35 * gap * bow + 0.72 * gap * bow)
            sheet.fill(head.seen(np.concatenate([upper, teeth[::-1]]), 0.03), WHITE)
    else:
        sheet.line(head.seen(upper, 0.03), mix(who.lips, DARK, 0.6), 0.045 * head.scale)
    return head.lifted([upper[0], upper[-1]], 0.03)


def _on_top(sheet: Sheet, head: Head) -> None:
    """Glasses and hat."""
    who, s = head.person, head.scale
    if who.glasses:
        apart, down, half = who.eyes
        for ring in both(oval(apart, down + 0.02, min(1.55 * half, apart - 0.03), 1.35 * half, who.round_glasses)):
            sheet.line(head.seen(ring, 0.10), who.frame, 0.075 * s, closed=True)
        sheet.line(head.seen([(-0.06, down - 0.02), (0.06, down - 0.02)], 0.14), who.frame, 0.07 * s)
        for bar in both([(apart + 1.5 * half, down - 0.02, 0.75), (who.width + 0.03, down, 0.0)]):
            sheet.line(head.seen(np.concatenate([head.lifted(bar[:1, :2], 0.10), bar[1:]])), who.frame, 0.06 * s)
    if who.hat:
        angle = np.linspace(-math.pi / 2, math.pi / 2, 15)
        wide = max(1.14, who.volume + 0.04) * float(head.half_width(np.array(-0.5)))
        rim = np.stack([wide * np.sin(angle), np.full(15, -0.60), 1.12 * wide * np.cos(angle)], 1)
        dome = np.concatenate([head.outline(-1, -0.5, max(1.14, who.volume + 0.05)), head.seen(rim)])
        sheet.fill(smooth(hull(dome), 1), who.hat_colour)
        dark = mix(who.hat_colour, DARK, 0.35)
        if who.peaked:
            reach = rim * (0.96, 1, 1.0) + np.stack([0 * angle, 0.10 + 0.04 * np.cos(angle), 0.55 * np.cos(angle)], 1)
            sheet.fill(head.seen(np.concatenate([rim, reach[::-1]])), dark)
        else:
            sheet.fill(head.seen(np.concatenate([rim + (0, -0.13, 0), (rim + (0, 0.09, 0))[::-1]])), dark)
