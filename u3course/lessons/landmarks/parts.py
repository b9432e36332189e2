"""Notebook 03c: keypoints learnt by drawing one picture from another, and what is measured of them.

Of faces, the source x and the target x′ show one person, in two moments and two warps, before a plain wall. ``python -m
evidence keypoints`` has taught the network that ships.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.lessons.landmarks.pairs import floating
from u3course.lessons.landmarks.trials import YAW
from u3course.worlds import faces
from u3course.worlds.faces import Faces, Layers
from u3course.worlds.faces.made import composite
from u3lab.landmarks import KeypointAutoencoder
from u3lab.nets import checkpoints

SIDE = 96  # pixels of a picture of a face
DRAWN, MARGIN = 128, 20  # of which the picture is the middle; and what the canvas to learn from has around that
K, WIDTH, SIGMA = 10, 16, 0.15
CHIN = -1  # the last of a face's landmarks


def before_a_wall(made: Layers, *, each: int = 1) -> Tensor:
    """Faces before a wall that has the mean colour of their photo, or of the first of ``each`` in a row, (N,3,H,W)."""
    wall = floating(made.background).mean((2, 3), keepdim=True)[::each].repeat_interleave(each, 0)
    return composite(floating(made.face), wall.expand_as(made.background))


def drawn(count: int, split: str, seed: int, each: int = 1) -> tuple[Faces, Tensor]:
    """Faces before a wall, and what is true about them; and their heads, (N,96,96) bool: what the program draws of a
    person above the chin."""
    made, rim = faces.layers(count, split=split, seed=seed, size=DRAWN, each=each, yaw=YAW), (DRAWN - SIDE) // 2
    images, face = (one[..., rim:-rim, rim:-rim] for one in (before_a_wall(made, each=each), made.face))
    points = made.points - rim
    above = torch.arange(SIDE)[:, None] < points[:, CHIN, 1, None, None]
    return Faces(images, *made[2:])._replace(points=points), (face[:, 3] > 0.5) & above


def middles(heads: Tensor) -> Tensor:
    """The middle of the box around each head, (N,1,2), (x, y) in [−1,1]."""
    found = []
    for axis in (1, 2):
        seen = heads.any(axis).double()
        first, last = seen.argmax(1), SIDE - 1 - seen.flip(1).argmax(1)
        found.append((first + last + 1) / SIDE - 1)
    return torch.stack(found, 1)[:, None]


def untaught(seed: int = 0) -> KeypointAutoencoder:
    """The network for faces, with random weights."""
    return KeypointAutoencoder(K, width=WIDTH, sigma=SIGMA, deep=True, seed=seed)


def shipped() -> KeypointAutoencoder:
    """The trained network of the first seed."""
    return checkpoints.restore(untaught(), "keypoints")


COLOURS = torch.tensor([[0.9, 0.2, 0.15], [0.2, 0.8, 0.25], [0.2, 0.3, 0.95]])
RADIUS = 0.22  # in half sides
CORNERS = torch.tensor([0.0, 2.1, 4.2])  # of a triangle, as angles
FAR = 0.38  # from its middle
DARK, BRIGHT = 0.15, 0.85  # of a plain wall
JUDGED, PLACES = 200, (100, 101)  # pictures to fit a linear map on, and to judge it: how many, and their seeds


def discs(count: int, generator: torch.Generator, *, walls: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures (count,3,32,32), the same thing elsewhere on the same texture, and its discs there, (count,3,2).

    The discs are the corners of a triangle that is moved, turned by any angle, and bent, each corner a little. Their
    colours vary from pair to pair, and so does the texture. With ``walls`` = 1 it is a plain grey instead, and with 2
    either picture has a grey of its own.
    """
    side = 32
    coarse = torch.rand(count, 3, side // 4, side // 4, generator=generator)
    colours = (COLOURS + 0.25 * (torch.rand(count, 3, 3, generator=generator) - 0.5)).clamp(0, 1)
    grounds = 2 * (0.25 + 0.5 * F.interpolate(coarse, size=(side, side), mode="bilinear", align_corners=False),)
    if walls:
        grey = DARK + (BRIGHT - DARK) * torch.rand(count, walls, 1, 1, 1, generator=generator)
        grounds = [grey[:, n].expand(-1, 3, side, side) for n in (0, walls - 1)]
    both = []
    for ground in grounds:
        angle = CORNERS + 2 * torch.pi * torch.rand(count, 1, generator=generator)
        corners = FAR * torch.stack([angle.cos(), angle.sin()], -1)
        moved, bent = (2 * torch.rand(count, n, 2, generator=generator) - 1 for n in (1, 3))
        middles = corners + 0.35 * moved + 0.12 * bent
        both.append((_with_discs(ground, middles, colours), middles))
    return both[0][0], both[1][0], both[1][1]


def explained(find: Callable[[Tensor, Tensor], Tensor], *, walls: int = 0) -> Tensor:
    """R² of the middle of each disc, (3), by a linear map of what ``find`` says of pictures (N,3,32,32) and the middles
    of their discs (N,3,2): points (N,K,2). The map is fitted on 200 pictures, and judged on 200 others."""
    fitted, judged = (discs(JUDGED, torch.Generator().manual_seed(seed), walls=walls)[1:] for seed in PLACES)
    before, after = (F.pad(find(*one).flatten(1), (0, 1), value=1.0) for one in (fitted, judged))
    true, wanted = fitted[1], judged[1]
    off = wanted.flatten(1) - after @ torch.linalg.lstsq(before, true.flatten(1), driver="gelsd").solution
    return (1 - off.square().sum(0) / (wanted - wanted.mean(0)).flatten(1).square().sum(0)).view(3, 2).mean(1)


def _with_discs(ground: Tensor, middles: Tensor, colours: Tensor) -> Tensor:
    side = ground.shape[-1]
    axis = (2 * torch.arange(side) + 1) / side - 1
    for middle, colour in zip(middles.unbind(1), colours.unbind(1), strict=True):
        x, y = middle[:, :, None, None].unbind(1)
        alpha = (0.5 + (RADIUS - ((axis - x) ** 2 + (axis[:, None] - y) ** 2).sqrt()) * side / 2).clamp(0, 1)[:, None]
        ground = ground * (1 - alpha) + alpha * colour[..., None, None]
    return ground


def pairs(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Sources and targets."""
    return discs(count, generator)[:2]
