"""Notebook 03b: views of things on a turntable, of which only the turns between them are told; dials and small shapes.

``python -m u3lab.experiments poses`` makes the shipped table and the shipped network.
"""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.landmarks import as_rotation, pose_encoder
from u3lab.landmarks.posing import Pair, Pairs
from u3lab.nets import Classifier, checkpoints
from u3lab.worlds import turntable
from u3lab.worlds.turntable import Turntable

HELD_OUT, VIEWS = 40, 400  # to test on: other things, and views of all of them
LIGHT, SIZE, SHIFT = 0.15, 0.12, 0.08  # of either picture of a pair: ± in each colour, ± in size, ± in half pictures
MIRROR = torch.diag(torch.tensor([-1.0, 1.0, 1.0]))  # left and right exchanged


@cache
def tests(tested: str, count: int | None = None) -> Turntable:
    """Views of "known" or "unknown" chairs, the same for all trainings; ``VIEWS``, or the first of them."""
    split, things = ("train", 22) if tested == "known" else ("test", HELD_OUT)
    return turntable.draw("chair", count or VIEWS, each=1, things=things, split=split, seed=999)


def varied(pairs: Pairs) -> Pairs:
    """The same pairs, but each picture in another light, larger or smaller and shifted; and half of the pairs mirrored.

    A mirrored thing is turned the other way: its g is M g M. It is a new thing, whose pose nobody has told.
    """
    def changed(count: int, generator: torch.Generator) -> Pair:
        x, moved, *turns = pairs(count, generator)
        mirror = MIRROR[:turns[0].shape[1], :turns[0].shape[1]]
        x, moved = (_seen_otherwise(one, generator) for one in (x, moved))
        flip = (torch.rand(count, generator=generator) < 0.5)[:, None, None]
        x, moved = (torch.where(flip[..., None], one.flip(-1), one) for one in (x, moved))
        return x, moved, *(torch.where(flip, mirror @ g @ mirror, g) for g in turns)

    return changed


def _seen_otherwise(x: Tensor, generator: torch.Generator) -> Tensor:
    """Pictures (N,3,H,W) in another light, at another size and place; their border goes on outside."""
    size, shift = (1 + SIZE * _even(len(x), 1, generator))[:, :, None], SHIFT * _even(len(x), 2, generator)[:, :, None]
    grid = F.affine_grid(torch.cat([size * torch.eye(2), shift], 2), list(x.shape), align_corners=False)
    light = 1 + LIGHT * _even(len(x), 3, generator)[..., None, None]
    return F.grid_sample((x * light).clamp(0, 1), grid, align_corners=False, padding_mode="border")


def _even(count: int, width: int, generator: torch.Generator) -> Tensor:
    """(N,width) from −1 to 1."""
    return 2 * torch.rand(count, width, generator=generator) - 1


def shipped(kind: str) -> Classifier:
    """The trained network of a kind."""
    net = pose_encoder()
    checkpoints.restore(net.module, f"pose-{kind}")
    return net


SIDE = 64
FACE, RIM, HAND, FOUND = (0.96, 0.95, 0.92), (0.35, 0.35, 0.35), (0.20, 0.25, 0.35), (0.85, 0.37, 0.05)
GROUND, INK = (0.93, 0.93, 0.91), (0.16, 0.36, 0.66)
SHAPES = ("hand", "bar", "cross", "disc")  # look alike after a whole turn, half of one, a quarter, any part


def dials(degrees: Tensor, found: Tensor | None = None, *, size: int = SIDE) -> Tensor:
    """Round dials (N,3,size,size) with a dark hand each, counter-clockwise from the top by so many degrees (N).

    ``found`` (N) is shown by an orange hand, which is thinner and shorter.
    """
    x, y = _places(size)
    radius = (x.square() + y.square()).sqrt()
    pictures = _laid(torch.ones(len(degrees), 3, size, size), _inside(0.94 - radius, size), RIM)
    pictures = _laid(pictures, _inside(0.88 - radius, size), FACE)
    pictures = _laid(pictures, _hand(degrees, 0.72, 0.085, size), HAND)
    if found is not None:
        pictures = _laid(pictures, _hand(found, 0.56, 0.05, size), FOUND)
    return pictures


def shapes(*, size: int = SIDE) -> dict[str, Tensor]:
    """Four upright pictures (1,3,size,size) by name, with a blue thing on grey: see ``SHAPES``."""
    x, y = _places(size)
    up, out, thin = -y, torch.maximum(x.abs(), y.abs()), torch.minimum(x.abs(), y.abs())
    inside = {"hand": torch.minimum(torch.minimum(0.16 - x.abs(), 0.75 - up), up + 0.16),
              "bar": torch.minimum(0.16 - x.abs(), 0.75 - y.abs()),
              "cross": torch.minimum(0.16 - thin, 0.75 - out), "disc": 0.6 - (x.square() + y.square()).sqrt()}
    ground = torch.tensor(GROUND).view(1, 3, 1, 1).expand(1, 3, size, size)
    return {name: _laid(ground, _inside(inside[name], size), INK) for name in SHAPES}


def plane(degrees: Tensor) -> Tensor:
    """Turns of the plane by angles in degrees (N), as matrices (N,2,2)."""
    a = degrees.deg2rad()
    return as_rotation(torch.stack([a.cos(), a.sin()], 1))


def degrees(turns: Tensor) -> Tensor:
    """The angles (N), from −180 to 180, of turns (N,2,2)."""
    return torch.atan2(turns[:, 1, 0], turns[:, 0, 0]).rad2deg()


def _places(size: int) -> tuple[Tensor, Tensor]:
    along = (2 * torch.arange(size) + 1) / size - 1
    return along.expand(size, size), along[:, None].expand(size, size)


def _inside(distance: Tensor, size: int) -> Tensor:
    """How much of each pixel is inside, given the distance to the border, positive inside, in half pictures."""
    return (0.5 + distance * size / 2).clamp(0, 1)


def _hand(degrees: Tensor, length: float, half: float, size: int) -> Tensor:
    """(N,1,size,size): a hand from the middle, with round ends."""
    x, y = _places(size)
    a = degrees.float().deg2rad()[:, None, None]
    along = (-a.sin() * x - a.cos() * y).clamp(0, length)
    away = ((x + a.sin() * along).square() + (y + a.cos() * along).square()).sqrt()
    return _inside(half - away, size)[:, None]


def _laid(pictures: Tensor, share: Tensor, colour: tuple[float, float, float]) -> Tensor:
    return pictures * (1 - share) + share * torch.tensor(colour).view(3, 1, 1)
