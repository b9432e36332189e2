"""Notebook 03b: keypoints learnt by drawing one picture from another, and what is measured of them.

Of faces, the source x and the target x′ show one person, in two moments and two warps, before a plain wall. Of chairs,
a pair is one chair before one wall under one light, seen from two sides at most 40° apart; nothing is warped. Chairs
look at the viewer within 60°: from behind, a linear map could not tell left from right. ``python -m
u3lab.experiments keypoints`` has taught those that ship.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.landmarks import KeypointAutoencoder
from u3lab.lessons.landmarks.pairs import drawn as seen
from u3lab.lessons.landmarks.pairs import floating
from u3lab.lessons.landmarks.trials import TESTED, YAW
from u3lab.nets import checkpoints
from u3lab.warps import warp
from u3lab.worlds import faces, turntable
from u3lab.worlds.faces import Faces, Layers
from u3lab.worlds.faces.made import composite
from u3lab.worlds.faces.people import person

SIDE, MARGIN = 64, 24  # pixels: the pictures, and what their canvas has around them
VIEW = {"shift": 0.1, "scale": 1.1, "turn": 9}  # of either view, in half canvases; times; degrees
BEND = 0.06  # half pictures: how far the control points of the second view go
K, WIDTH, SIGMA = 10, 16, 0.15
LABELLED, TEST = 500, 300  # faces with landmarks, and faces to test on
SWAPS = 100
THINGS = {"person": 1, "person, two walls": 2}  # walls behind the two pictures of a person
NAMES = {"person": "keypoints", "person, two walls": "keypoints-two-walls",  # of the shipped weights
         "chair": "keypoints-chair"}
BINS = 6  # of each colour channel
FINDER = {"faces": 8000, "steps": 3000, "batch": 32, "lr": 0.01}  # a training with labels


def before_a_wall(made: Layers, *, each: int = 1) -> Tensor:
    """Faces before a wall that has the mean colour of their photo, or of the first of ``each`` in a row, (N,3,H,W)."""
    wall = floating(made.background).mean((2, 3), keepdim=True)[::each].repeat_interleave(each, 0)
    return composite(floating(made.face), wall.expand_as(made.background))


def drawn(count: int, split: str, seed: int, each: int = 1) -> Faces:
    """Faces before a wall, and what is true about them."""
    made = faces.layers(count, split=split, seed=seed, size=SIDE, each=each, yaw=YAW)
    return Faces(before_a_wall(made, each=each), *made[2:])


@cache
def marked(part: float = 1.0, role: str = "judge") -> tuple[Faces, Faces]:
    """Faces whose landmarks are known, one of each person: to fit a regression to, and, of other people, to test it; or
    the first part of both. With the ``role`` "choose" the latter are those by whose landmarks pictures were chosen."""
    return drawn(round(part * LABELLED), "train", 9), drawn(round(part * TEST), "test", TESTED[role])


def followed(model: KeypointAutoencoder) -> tuple[Tensor, Tensor]:
    """Between two views of one picture, whose warps are known: how far keypoints are from where the motion has taken
    them, and how far it has taken them, both in pixels, (100,K). The pictures are of held-out people."""
    made = faces.layers(SWAPS, split="test", seed=41, size=SIDE, margin=MARGIN, each=1, yaw=YAW)
    draw = torch.Generator().manual_seed(0)
    before, after = (seen(SWAPS, draw, 0.0, **VIEW) for _ in range(2))
    u, found = (model.keypoints(warp(before_a_wall(made), w, size=SIDE).clamp(0, 1)) for w in (before, after))
    gone = after.inverse()(before(u))
    return tuple(SIDE / 2 * (one - gone).norm(dim=-1) for one in (found, u))


def skin(identities: Tensor) -> Tensor:
    """How bright the skin of people is, (N,) in [0,1]."""
    return torch.tensor([sum(person(number).skin) / (3 * 255) for number in identities.tolist()])


def finder() -> Callable[[Tensor], Tensor]:
    """A network that was taught landmarks by labels, to judge drawn faces: (N,3,64,64) → (N,8,2) in [−1,1].

    It has no part in drawing. ``python -m u3lab.experiments landmark_detector`` has taught it.
    """
    model = KeypointAutoencoder(8, width=WIDTH)
    checkpoints.restore(model.pose_encoder, "landmark_detector")
    return model.eval().keypoints


@cache
def swapped() -> tuple[Faces, Faces, Faces]:
    """100 pairs of held-out people: A, who gives the look; A in another moment; and B, who gives the geometry."""
    made = drawn(4 * SWAPS, "test", 31, each=2)
    return tuple(Faces(*(part[n::4] for part in made)) for n in (0, 1, 2))


def histogram(images: Tensor) -> Tensor:
    """The share of pixels in each of 6×6×6 colours, (N,216)."""
    cell = (images * BINS).long().clamp(max=BINS - 1)
    index = (cell[:, 0] * BINS + cell[:, 1]) * BINS + cell[:, 2]
    index = index.flatten(1)
    share = torch.full(index.shape, 1 / index.shape[1], dtype=torch.float64)
    return torch.zeros(len(images), BINS**3, dtype=torch.float64).scatter_add_(1, index, share)


def recoloured(a: Tensor, b: Tensor) -> Tensor:
    """The share of pixels, in %, whose colour one would have to change for pictures (N,3,H,W) to have the colours of
    others: half the sum of the differences between their histograms. It knows nothing of where colours are."""
    return 50 * (histogram(a) - histogram(b)).abs().sum(1)


def shipped(thing: str = "person") -> KeypointAutoencoder:
    """The trained network, with the one that colours as Γ; with "person, two walls", source and target had each their
    own; of "chair" it is that of the first seed."""
    return checkpoints.restore(KeypointAutoencoder(K, width=WIDTH, sigma=SIGMA), NAMES[thing])


KIND = "chair"
ROUND, APART, LOW, HIGH = 60.0, 40.0, 5.0, 50.0  # degrees: azimuth, how far two views differ, and elevation


class Seats(NamedTuple):
    """``images`` (N,3,64,64), the true places of the chair's points in them, (N,10,2) in [−1,1], which of them are not
    covered, (N,10) bool, and the azimuth (N) in degrees."""

    images: Tensor
    points: Tensor
    visible: Tensor
    azimuth: Tensor


def chairs(count: int, first: int, *, each: int = 1, seed: int = 0) -> Seats:
    """``each`` views in a row of chairs number ``first``, ``first`` + 2, …; odd ones are held out."""
    draw = torch.Generator().manual_seed(seed)
    made = []
    for number in range(first, first + 2 * count, 2):
        middle = ROUND * (2 * torch.rand(1, generator=draw) - 1)
        azimuth = middle + APART / 2 * (2 * torch.rand(each, generator=draw) - 1) * (each > 1)
        height = LOW + (HIGH - LOW) * torch.rand(1, generator=draw)
        made.append(turntable.views(KIND, number, azimuth, height.expand(each), size=SIDE, seed=number + 1000 * seed))
    return Seats(*(torch.cat([getattr(one, name) for one in made]) for name in Seats._fields))


COLOURS = torch.tensor([[0.9, 0.2, 0.15], [0.2, 0.8, 0.25], [0.2, 0.3, 0.95]])
RADIUS = 0.22  # in half sides
CORNERS = torch.tensor([0.0, 2.1, 4.2])  # of a triangle, as angles
FAR = 0.38  # from its middle


def discs(count: int, generator: torch.Generator, side: int = 32) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures (count,3,side,side), the same thing elsewhere on the same texture, and its discs there, (count,3,2).

    The discs are the corners of a triangle that is moved, turned by any angle, and bent, each corner a little. Their
    colours vary from pair to pair, and so does the texture.
    """
    coarse = torch.rand(count, 3, side // 4, side // 4, generator=generator)
    ground = 0.25 + 0.5 * F.interpolate(coarse, size=(side, side), mode="bilinear", align_corners=False)
    shade = 0.25 * (torch.rand(count, 3, 3, generator=generator) - 0.5)
    colours = (COLOURS + shade).clamp(0, 1)
    both = []
    for _ in range(2):
        angle = CORNERS + 2 * torch.pi * torch.rand(count, 1, generator=generator)
        corners = FAR * torch.stack([angle.cos(), angle.sin()], -1)
        moved, bent = (2 * torch.rand(count, n, 2, generator=generator) - 1 for n in (1, 3))
        middles = corners + 0.35 * moved + 0.12 * bent
        both.append((_disced(ground, middles, colours), middles))
    return both[0][0], both[1][0], both[1][1]


def _disced(ground: Tensor, middles: Tensor, colours: Tensor) -> Tensor:
    side = ground.shape[-1]
    axis = (2 * torch.arange(side) + 1) / side - 1
    made = ground
    for k in range(middles.shape[1]):
        x, y = middles[:, k, 0, None, None], middles[:, k, 1, None, None]
        off = ((axis - x) ** 2 + (axis[:, None] - y) ** 2).sqrt()
        alpha = (0.5 + (RADIUS - off) * side / 2).clamp(0, 1)[:, None]
        made = made * (1 - alpha) + alpha * colours[:, k, :, None, None]
    return made


def pairs(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Sources and targets."""
    return discs(count, generator)[:2]
