"""Who is drawn, and how they look this time: colours and shapes of a person, pose and expression of a picture."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

from u3lab.worlds.faces.drawn import YAW, Colour, Draw, Held, far, mix

SKINS = ((255, 224, 205), (246, 205, 176), (229, 180, 143), (198, 142, 104), (150, 98, 67), (98, 62, 44))
HAIRS = ((28, 24, 26), (58, 38, 28), (104, 66, 40), (150, 84, 42), (214, 172, 104), (176, 72, 36), (168, 166, 168))
IRISES = ((74, 110, 150), (88, 60, 36), (60, 42, 30), (86, 120, 80), (120, 130, 138))
CHANCE = {"glasses": 0.45, "beard": 0.4, "hat": 0.35, "long hair": 0.45, "smile": 0.5, "open mouth": 0.4}
PLAIN = {"hair": 78.0, "frame": 110.0}  # how far, of 442, they are from the skin: beard and glasses are to be seen


@dataclass(frozen=True)
class Person:
    """What stays: the number of an identity decides it. Lengths are in half heads (chin to crown is 2)."""

    glasses: bool
    beard: bool
    hat: bool
    long_hair: bool
    skin: Colour
    hair: Colour
    iris: Colour
    lips: Colour
    shirt: Colour
    hat_colour: Colour
    frame: Colour
    width: float
    jaw: float  # exponent of its outline: the larger, the squarer
    taper: float
    eyes: tuple[float, float, float]  # from the middle, below it, half their width
    brow: tuple[float, float]  # above the eye, thickness
    nose: tuple[float, float]  # where its tip is, half its width
    mouth: tuple[float, float, float]  # half its width, where it is, thickness of the lips
    hairline: tuple[float, float, float]  # where it is in the middle, its slant, how much lower at the temples
    volume: float
    curls: bool
    peaked: bool  # a hat with a peak, else a woollen one
    round_glasses: float  # exponent of their outline


@dataclass(frozen=True, kw_only=True)
class Moment(Held):
    """How a person looks in a picture."""

    smile: bool
    brows: float


def person(identity: int) -> Person:
    """The person of a number."""
    draw = Draw(identity, 1)
    between = draw.between

    def vivid(saturation: tuple[float, float], value: tuple[float, float]) -> Colour:
        made = colorsys.hsv_to_rgb(between(0, 1), between(*saturation), between(*value))
        return tuple(255 * one for one in made)

    tone = between(0, len(SKINS) - 1.001)
    skin = mix(SKINS[int(tone)], SKINS[int(tone) + 1], tone % 1)
    hair, frame = skin, skin
    while far(hair, skin) < PLAIN["hair"]:
        hair = mix(draw.of(HAIRS), vivid((0, 0.2), (0.2, 0.8)), 0.12)
    while far(frame, skin) < PLAIN["frame"]:
        frame = (30, 28, 34) if draw.yes(0.6) else vivid((0.3, 0.9), (0.3, 0.95))
    return Person(
        glasses=draw.yes(CHANCE["glasses"]), beard=draw.yes(CHANCE["beard"]), hat=draw.yes(CHANCE["hat"]),
        long_hair=draw.yes(CHANCE["long hair"]), skin=skin, hair=hair, iris=draw.of(IRISES),
        lips=mix(mix(skin, (186, 52, 62), between(0.35, 0.7)), (0, 0, 0), 0.05), shirt=vivid((0.2, 0.8), (0.3, 0.9)),
        hat_colour=vivid((0.5, 0.95), (0.35, 0.95)), frame=frame, width=between(0.70, 0.82), jaw=between(2.0, 3.0),
        taper=between(0.10, 0.30), eyes=(between(0.30, 0.37), between(-0.08, 0.03), between(0.155, 0.19)),
        brow=(between(0.18, 0.25), between(0.035, 0.075)), nose=(between(0.27, 0.36), between(0.09, 0.14)),
        mouth=(between(0.24, 0.31), between(0.55, 0.62), between(0.05, 0.085)),
        hairline=(between(-0.72, -0.42), between(-0.18, 0.18), between(0.05, 0.35)), volume=between(1.06, 1.2),
        curls=draw.yes(0.3), peaked=draw.yes(0.5), round_glasses=between(2, 5))


def moment(identity: int, number: int, yaw: float = YAW) -> Moment:
    """How that person looks in one of their pictures, turned by at most ``yaw`` degrees."""
    draw = Draw(identity, 2, number)
    return Moment(**draw.turned(yaw), smile=draw.yes(CHANCE["smile"]), open_mouth=draw.yes(CHANCE["open mouth"]),
                  strength=draw.between(0.7, 1), brows=draw.between(-1, 1), **draw.placed(0.06))


def at_rest(who: Person) -> np.ndarray:
    """Where on the front of the head the POINTS of a person are while nothing in the face moves, (8,2)."""
    apart, down, _ = who.eyes
    wide, low, _ = who.mouth
    high = down - who.brow[0]
    return np.array([(-apart, down), (apart, down), (-apart, high), (apart, high), (0.0, who.nose[0]), (-wide, low),
                     (wide, low), (0.0, 0.97)])
