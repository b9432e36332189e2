"""Notebook 03b: views of things on a turntable, of which only the turns between them are told; dials and small shapes.

``python -m evidence poses`` makes the shipped table and the shipped network.
"""

from functools import cache

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor

from u3course.worlds import turntable
from u3course.worlds.turntable import Turntable
from u3lab import images
from u3lab.datasets import scans
from u3lab.landmarks import pose_encoder
from u3lab.landmarks.posing import Pair, Pairs, plane  # noqa: F401 — the notebook draws with it
from u3lab.nets import Classifier, checkpoints
from u3lab.pixels import eight_bit

HELD_OUT, VIEWS = 40, 400  # to test on: other things, and views of all of them
LIGHT, SIZE, SHIFT = 0.15, 0.12, 0.08  # of either picture of a pair: ± in each colour, ± in size, ± in half pictures
MIRROR = torch.diag(torch.tensor([-1.0, 1.0, 1.0]))  # left and right exchanged


@cache
def tests(tested: str, count: int | None = None) -> Turntable:
    """Views of "known" or "unknown" chairs, the same for all trainings; ``VIEWS``, or the first of them."""
    split, things = ("train", 22) if tested == "known" else ("test", HELD_OUT)
    return turntable.draw("chair", count or VIEWS, each=1, things=things, split=split, seed=999)


def varied(pairs: Pairs, *, mirrored: bool = True) -> Pairs:
    """The same pairs, but each picture in another light, larger or smaller and shifted; and half of the pairs mirrored.

    A mirrored thing is turned the other way: its g is M g M. It is a new thing, whose pose nobody has told. With
    ``mirrored=False`` there is none.
    """
    def changed(count: int, generator: torch.Generator) -> Pair:
        x, moved, *turns = pairs(count, generator)
        mirror = MIRROR[:turns[0].shape[1], :turns[0].shape[1]]
        x, moved = (_seen_otherwise(one, generator) for one in (x, moved))
        flip = (torch.rand(count, generator=generator) < 0.5 * mirrored)[:, None, None]
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


STEPS, BATCH, RATE = 400, 32, 0.005  # for what is turned in its plane


def slices(name: str) -> Tensor:
    """The ten slices of a patient's scan, made square: (10,3,64,64)."""
    x = scans.load(name).images
    missing = x.shape[2] - x.shape[3]
    return F.interpolate(F.pad(x, (missing // 2, missing - missing // 2)), size=(64, 64), mode="area")


FILMED, FILM, HIGH = (22, 23, 25, 27), 24, 25.0  # chairs that are held out; views of each; degrees above the table


@cache
def films() -> tuple[Turntable, ...]:
    """Four chairs that no training has seen, each once around, in pictures of 128 pixels. Each begins anywhere."""
    begins = 360 * torch.rand(len(FILMED), generator=torch.Generator().manual_seed(7))
    around, high = 360 * torch.arange(FILM) / FILM, torch.full((FILM,), HIGH)
    return tuple(turntable.views("chair", number, begin + way * around, high, size=128, seed=n)
                 for n, (number, begin, way) in enumerate(zip(FILMED, begins, (1, -1, 1, -1), strict=True)))


AXES = ((0.60, 0.60, 0.60), (0.16, 0.36, 0.66), (0.85, 0.37, 0.05))  # to its left, up, to its front
REACH, WIDE = (0.45, 0.6, 0.75), 8  # of each, in half pictures; pixels of a line


def pinned(pictures: Tensor, R: Tensor, *, size: int = 192) -> Tensor:
    """Pictures (N,3,S,S) with the axes of a thing as pins in them, as a pose R (N,3,3) says: (N,3,size,size).

    Grey is to its left, blue up, orange to its front; what points away from us is drawn first.
    """
    sheets = []  # drawn at twice the size, so that lines are smooth
    for picture, pose in zip(F.interpolate(pictures, size=(2 * size,) * 2, mode="bilinear"), R.detach(), strict=True):
        sheet = Image.fromarray(eight_bit(picture[None]))
        draw = ImageDraw.Draw(sheet)
        for axis in pose[2].argsort().tolist():
            x, y = (size * (1 + REACH[axis] * torch.stack([pose[0, axis], -pose[1, axis]]))).tolist()
            ink = tuple(round(255 * one) for one in AXES[axis])
            draw.line([(size, size), (x, y)], ink, WIDE)
            draw.ellipse([x - 1.4 * WIDE, y - 1.4 * WIDE, x + 1.4 * WIDE, y + 1.4 * WIDE], ink)
        sheets.append(images.load(sheet))
    return F.interpolate(torch.cat(sheets), size=(size, size), mode="area")


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
    pictures = _blend(torch.ones(len(degrees), 3, size, size), _coverage(0.94 - radius, size), RIM)
    pictures = _blend(pictures, _coverage(0.88 - radius, size), FACE)
    pictures = _blend(pictures, _hand(degrees, 0.72, 0.085, size), HAND)
    if found is not None:
        pictures = _blend(pictures, _hand(found, 0.56, 0.05, size), FOUND)
    return pictures


def shapes(*, size: int = SIDE) -> dict[str, Tensor]:
    """Four upright pictures (1,3,size,size) by name, with a blue thing on grey: see ``SHAPES``."""
    x, y = _places(size)
    up, out, thin = -y, torch.maximum(x.abs(), y.abs()), torch.minimum(x.abs(), y.abs())
    inside = {"hand": torch.minimum(torch.minimum(0.16 - x.abs(), 0.75 - up), up + 0.16),
              "bar": torch.minimum(0.16 - x.abs(), 0.75 - y.abs()),
              "cross": torch.minimum(0.16 - thin, 0.75 - out), "disc": 0.6 - (x.square() + y.square()).sqrt()}
    ground = torch.tensor(GROUND).view(1, 3, 1, 1).expand(1, 3, size, size)
    return {name: _blend(ground, _coverage(inside[name], size), INK) for name in SHAPES}


def degrees(turns: Tensor) -> Tensor:
    """The angles (N), from −180 to 180, of turns (N,2,2)."""
    return torch.atan2(turns[:, 1, 0], turns[:, 0, 0]).rad2deg()


def _places(size: int) -> tuple[Tensor, Tensor]:
    along = (2 * torch.arange(size) + 1) / size - 1
    return along.expand(size, size), along[:, None].expand(size, size)


def _coverage(distance: Tensor, size: int) -> Tensor:
    """How much of each pixel is inside, given the distance to the border, positive inside, in half pictures."""
    return (0.5 + distance * size / 2).clamp(0, 1)


def _hand(degrees: Tensor, length: float, half: float, size: int) -> Tensor:
    """(N,1,size,size): a hand from the middle, with round ends."""
    x, y = _places(size)
    a = degrees.float().deg2rad()[:, None, None]
    along = (-a.sin() * x - a.cos() * y).clamp(0, length)
    return _coverage(half - ((x + a.sin() * along).square() + (y + a.cos() * along).square()).sqrt(), size)[:, None]


def _blend(pictures: Tensor, share: Tensor, colour: tuple[float, float, float]) -> Tensor:
    return pictures * (1 - share) + share * torch.tensor(colour).view(3, 1, 1)
