"""What a thing is made of, to the eye and to the ear: wood, metal, rubber, glass."""

from __future__ import annotations

import colorsys
import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.worlds.scenery import between

FPS, RATE = 16, 8000  # frames of a film, samples of a sound, a second
SHAPES = ("ball", "block")
POWERS = (2.0, 7.0)  # p of |u|ᵖ + |v|ᵖ ≤ 1: a disc, and a square with round corners
LIGHT = F.normalize(torch.tensor([-0.5, -0.65, 0.6]), dim=0)  # from the left, above, in front


class Material(NamedTuple):
    """``pitch`` in hertz of a thing of 10 cm radius, ``decay`` in seconds, ``partials`` as in :func:`tone`."""

    pitch: float
    decay: float
    partials: tuple[tuple[float, float], ...]


# A bar's partials are at 1, 2.76, 5.40; a membrane's at 1, 1.59, 2.14; a glass bowl's at about 1, 2.32, 4.25.
KNOWN = {"wood": Material(420.0, 0.06, ((1.0, 0.6), (2.76, 0.3), (5.40, 0.1))),
         "metal": Material(760.0, 0.45, ((1.0, 0.4), (2.76, 0.4), (5.40, 0.2))),
         "rubber": Material(130.0, 0.05, ((1.0, 0.7), (1.59, 0.2), (2.14, 0.1))),
         "glass": Material(1250.0, 0.22, ((1.0, 0.6), (2.32, 0.3), (4.25, 0.1)))}
MATERIALS = tuple(KNOWN)
PITCHES = (0.06, 0.10, 0.15)  # radii in metres: smallest, that of the table, largest
RISE = 0.002  # seconds that an impact takes to be loudest


def tone(time: Tensor, pitch: float, decay: float, partials: tuple[tuple[float, float], ...]) -> Tensor:
    """What is heard of an impact at time 0: Σᵢ aᵢ sin(2π rᵢ f t) · exp(−rᵢ t/τ), at times in seconds.

    ``pitch`` is f in hertz, ``decay`` τ in seconds. ``partials`` are pairs (rᵢ, aᵢ): each partial's pitch as a multiple
    of f, and its strength. High ones die sooner; above nine tenths of what RATE can tell they are left out.
    """
    since = time.clamp_min(0)
    found = torch.zeros_like(since)
    for ratio, strength in partials:
        if ratio * pitch < 0.45 * RATE:
            found += strength * torch.sin(2 * math.pi * ratio * pitch * since) * torch.exp(-ratio * since / decay)
    return found * (since / RISE).clamp_max(1)


class Look(NamedTuple):
    """One thing's own colour (3) and the angle of its grain."""

    colour: Tensor
    angle: float


def look(material: str, draw: torch.Generator) -> Look:
    """A colour that the material can have, and a direction."""
    hues = {"wood": (0.06, 0.10, 0.45, 0.7, 0.45, 0.8), "metal": (0.5, 0.65, 0.02, 0.12, 0.75, 0.95),
            "rubber": (0.0, 1.0, 0.75, 0.95, 0.6, 0.9), "glass": (0.4, 0.58, 0.1, 0.35, 0.9, 1.0)}[material]
    hue, saturation, value = (between(draw, *hues[n : n + 2]) for n in (0, 2, 4))
    return Look(torch.tensor(colorsys.hsv_to_rgb(hue, saturation, value)), between(draw, 0, math.pi))


def paint(frames: Tensor, material: str, shape: int, x: Tensor, y: Tensor, radius: float, look: Look) -> None:
    """Draw the thing into the frames (T,3,S,S) with its middle at x, y (T); those and the radius are in pixels.

    A pixel at the rim is covered in part. The surface is lit as a sphere's, or as that of a block with soft edges.
    """
    size, side = frames.shape[-1], min(frames.shape[-1], math.ceil(2 * radius) + 3)  # the square round it
    left, top = ((at - side / 2).round().clamp(0, size - side).long() for at in (x, y))
    columns, rows = (first[:, None] + torch.arange(side) for first in (left, top))
    where = (torch.arange(len(frames)).view(-1, 1, 1), slice(None), rows[:, :, None], columns[:, None, :])
    u = ((columns + 0.5 - x[:, None]) / radius).to(frames)[:, None, :].expand(-1, side, -1)
    v = ((rows + 0.5 - y[:, None]) / radius).to(frames)[:, :, None].expand(-1, -1, side)
    ground = frames[where].permute(0, 3, 1, 2)
    frames[where] = _before(ground, material, shape, u, v, radius, look).permute(0, 2, 3, 1)


def _before(ground: Tensor, material: str, shape: int, u: Tensor, v: Tensor, radius: float, look: Look) -> Tensor:
    """The thing before a ground (T,3,h,w); u, v (T,h,w) are the pixels' places in it, 1 at its rim."""
    power = POWERS[shape]
    far = (u.abs() ** power + v.abs() ** power) ** (1 / power)
    covered = ((1 - far) * radius + 0.5).clamp(0, 1)[:, None]
    slope = torch.stack([u.sign() * u.abs() ** (power - 1), v.sign() * v.abs() ** (power - 1)], 1).clamp(-1, 1)
    normal = F.normalize(torch.cat([slope, (1 - far**2).clamp_min(0.02).sqrt()[:, None]], 1), dim=1)
    lit = (normal * LIGHT.view(3, 1, 1)).sum(1, keepdim=True).clamp_min(0)
    along = u * math.cos(look.angle) + v * math.sin(look.angle)
    across = v * math.cos(look.angle) - u * math.sin(look.angle)
    colour, opaque = SURFACES[material](look.colour.view(3, 1, 1), lit, normal, along[:, None], across[:, None])
    seen = ground + opaque * (colour - ground)
    return ground + covered * (seen.clamp(0, 1) - ground)


Surface = tuple[Tensor, Tensor | float]  # colour, and how much of what is behind it hides


def _wood(colour: Tensor, lit: Tensor, normal: Tensor, along: Tensor, across: Tensor) -> Surface:
    """Dull, with bent year rings."""
    rings = 0.5 + 0.5 * torch.sin(9 * across + 1.6 * torch.sin(2.5 * along))
    return colour * (0.55 + 0.45 * rings) * (0.45 + 0.7 * lit), 1.0


def _metal(colour: Tensor, lit: Tensor, normal: Tensor, along: Tensor, across: Tensor) -> Surface:
    """A mirror of a bright sky and a dark ground, with a small strong highlight."""
    sky = torch.sigmoid(-9 * (normal[:, 1:2] + 0.1)) + 0.5 * torch.sigmoid(14 * (normal[:, 1:2] - 0.65))
    return colour * (0.18 + 0.72 * sky) + 0.9 * lit**40, 1.0


def _rubber(colour: Tensor, lit: Tensor, normal: Tensor, along: Tensor, across: Tensor) -> Surface:
    """Matt and gaudy, with a pale band."""
    band = torch.sigmoid(30 * (0.22 - across.abs()))
    return (colour + band * (0.9 - colour)) * (0.5 + 0.6 * lit), 1.0


def _glass(colour: Tensor, lit: Tensor, normal: Tensor, along: Tensor, across: Tensor) -> Surface:
    """See-through in its middle, bright at its rim and where the lamp is mirrored."""
    rim = (1 - normal[:, 2:]) ** 1.5
    glint = lit**25 + 0.5 * (normal * -LIGHT.view(3, 1, 1) * torch.tensor([1.0, 1.0, -1.0]).view(3, 1, 1)).sum(
        1, keepdim=True).clamp_min(0) ** 20
    return colour * (0.55 + 0.45 * rim) + glint, (0.3 + 0.65 * rim + glint).clamp(0, 1)


SURFACES = {"wood": _wood, "metal": _metal, "rubber": _rubber, "glass": _glass}
