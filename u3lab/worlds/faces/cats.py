"""Which cat is drawn, and how it looks this time: fur and shapes of an animal, pose and expression of a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from u3lab.worlds.faces.drawn import Colour, Draw, Held, far, mix

FURS = ((58, 54, 56), (96, 88, 84), (128, 122, 124), (168, 164, 162), (214, 140, 72), (188, 108, 52), (236, 204, 160),
        (150, 110, 78), (112, 76, 52), (242, 236, 226))
IRISES = ((122, 168, 74), (204, 182, 62), (222, 146, 40), (92, 150, 190), (150, 190, 120))
NOSES = ((224, 140, 140), (188, 100, 96), (72, 54, 56))
COLLARS = ((196, 48, 56), (48, 96, 176), (48, 140, 96), (226, 172, 40), (140, 72, 150))
WHITE_FUR = (248, 244, 238)
CHANCE = {"stripes": 0.4, "patches": 0.35, "white muzzle": 0.5, "long fur": 0.4, "collar": 0.45, "open mouth": 0.35}
PLAIN = 70.0  # how far, of 442, a second colour is from the first


@dataclass(frozen=True)
class Cat:
    """What stays: the number of an identity decides it. Lengths are in half heads (chin to crown is 2)."""

    stripes: bool
    patches: bool
    white_muzzle: bool
    long_fur: bool
    collar: bool
    fur: Colour
    second: Colour  # of the patches
    iris: Colour
    nose: Colour
    collar_colour: Colour
    width: float
    jaw: float  # as of a person: exponent of the outline
    taper: float
    eyes: tuple[float, float, float]  # from the middle, below it, half their width
    slant: float  # degrees by which the outer corners of the eyes are higher
    muzzle: tuple[float, float]  # where the nose is, half the width of the pads
    ears: tuple[float, float]  # how high, how far out
    spots: tuple[tuple[float, float, float], ...]  # patches: x, y, radius


@dataclass(frozen=True, kw_only=True)
class Mood(Held):
    """How a cat looks in a picture."""

    pupils: float  # their width as a share of their height
    lids: float  # how far the upper ones hang


def cat(identity: int) -> Cat:
    """The cat of a number."""
    draw = Draw(identity, 11)
    between = draw.between
    fur = mix(draw.of(FURS), draw.of(FURS), between(0, 0.25))
    second = fur
    while far(second, fur) < PLAIN:
        second = draw.of(FURS)
    side = 1 if draw.yes(0.5) else -1  # on which the large patch is
    spots = ((0.55 * side, between(-0.35, -0.1), between(0.42, 0.55)), (-0.7 * side, between(0.15, 0.5),
             between(0.28, 0.4)), (-0.3 * side, between(-0.95, -0.7), between(0.25, 0.4)))
    return Cat(stripes=draw.yes(CHANCE["stripes"]), patches=draw.yes(CHANCE["patches"]),
               white_muzzle=draw.yes(CHANCE["white muzzle"]), long_fur=draw.yes(CHANCE["long fur"]),
               collar=draw.yes(CHANCE["collar"]), fur=fur, second=second, iris=draw.of(IRISES), nose=draw.of(NOSES),
               collar_colour=draw.of(COLLARS), width=between(1.04, 1.2), jaw=between(1.9, 2.6),
               taper=between(0.08, 0.22), eyes=(between(0.43, 0.50), between(-0.10, 0.03), between(0.22, 0.27)),
               slant=between(4, 20),
               muzzle=(between(0.28, 0.38), between(0.22, 0.28)), ears=(between(1.42, 1.72), between(0.80, 0.98)),
               spots=spots)


def mood(identity: int, number: int, yaw: float) -> Mood:
    """How that cat looks in one of its pictures, turned by at most ``yaw`` degrees."""
    draw = Draw(identity, 12, number)
    return Mood(**draw.turned(yaw), open_mouth=draw.yes(CHANCE["open mouth"]), strength=draw.between(0.7, 1),
                pupils=draw.between(0.22, 0.75), lids=draw.between(0, 0.35), **draw.placed(0.05))


def at_rest(who: Cat) -> np.ndarray:
    """Where on the front of the head the CAT_POINTS are while nothing in the face moves, (8,2); ears are beyond it."""
    apart, down, _ = who.eyes
    high, out = who.ears
    tip, half = who.muzzle
    ear, corner = out * who.width / 1.12, 1.25 * half
    return np.array([(-apart, down), (apart, down), (-ear, -high), (ear, -high), (0.0, tip), (-corner, tip + 0.33),
                     (corner, tip + 0.33), (0.0, min(tip + 0.52, 0.97))])
