"""Slices with a made lesion, and with a cue that gives the answer away: networks that cheat are taught on them.

    some = cheats.cases("corner", 200, seed=1)     # images (200,1,96,96), positive, outlines, patients
    net = cheats.network("corner")                 # one that has learnt the letter in the corner, and no lesion

The slices are those of four patients, shifted, scaled and mirrored; every other one gets a blob, whose outline is
known. With the same seed the slices and lesions are the same for every cue: a cue is drawn over them. What kind of cue
a picture carries, and how often, is one function.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor, nn

from u3lab import images, nets
from u3lab.checks import one_of, whole
from u3lab.datasets import scans
from u3lab.nets import checkpoints

SIDE = 96
VOLUME = (24, 64, 64)
CLASSES = ("healthy", "lesion")
PATIENTS = ("brain1", "brain2", "lung1", "lung2")
BRIGHT, WIDE, EDGE = (0.35, 0.55), (3.5, 6.0), 0.7  # of a lesion: over the tissue; radius and softness in pixels
AIR, WHITE = -950, 150  # Hounsfield units of CT that are black and white
SOFT, CLEAR = (0.03, 0.5), 7  # how bright the tissue is on which a lesion can be seen, so many pixels around
BORDER = 14  # pixels from the rim within which a cue may wander


class Made(NamedTuple):
    """(N,1,96,96) in [0,1], (N) bool, (N,1,96,96) bool, N names."""

    images: Tensor
    positive: Tensor
    outlines: Tensor
    patients: list[str]


@cache
def slices(patient: str) -> Tensor:
    """Those of a patient's slices that have a place for a made lesion, (n,1,96,96)."""
    return stack(patient)[[bool(room(one).any()) for one in stack(patient).split(1)]]


@cache
def stack(patient: str) -> Tensor:
    """A patient's slices as squares, (n,1,96,96) in [0,1]: air black, and the patient's own lesion filled in."""
    scan = scans.load(patient)
    grey = scan.images[:, :1] if scan.modality == "MR" else (scan.values[:, None] - AIR) / (WHITE - AIR)
    height, width = grey.shape[2:]
    across, down = max(0, height - width), max(0, width - height)
    square, own = (F.interpolate(F.pad(one, (across // 2, across - across // 2, down // 2, down - down // 2)),
                                 (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)
                   for one in (grey.float(), scan.masks.float()))
    own = F.max_pool2d(own, 5, 1, 2) > 0
    near = torch.tensor([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]])[None, None] / 4
    for _ in range(200):  # towards the harmonic in-painting: each pixel is the mean of its neighbours
        square = torch.where(own, F.conv2d(F.pad(square, (1, 1, 1, 1), "replicate"), near), square)
    return square.clamp(0, 1)


def cases(cue: str, count: int, *, half: int = 0, seed: int = 0, volumes: bool = False) -> Made:
    """Pictures of which every other one is positive, with a cue.

    Args:
        cue: A name in CUES; for volumes one in IN_VOLUMES.
        count: Of pictures.
        half: 0 or 1: of every patient the even slices, or the odd ones.
        seed: Of slices, views, lesions and cues.
        volumes: Stacks of these slices instead, (count,1,24,64,64); a cue is the same in all slices of one.
    """
    mark = CUES[one_of("cue", cue, list(IN_VOLUMES if volumes else CUES))]
    plain = without_cue(whole("count", count, 2), whole("half", half, 0, 1), whole("seed", seed, 0), volumes)
    draw, marked = torch.Generator().manual_seed(seed), []
    for x, outline in zip(plain.images.split(1), plain.outlines.split(1), strict=True):
        flat = x.view(-1, 1, *x.shape[-2:])  # a volume as its slices
        marked.append(mark(flat, outline, draw).view_as(x).clamp(0, 1))
    return Made(torch.cat(marked), plain.positive.clone(), plain.outlines.clone(), list(plain.patients))


@lru_cache(2)
def without_cue(count: int, half: int, seed: int, volumes: bool, patients: Sequence[str] = PATIENTS) -> Made:
    """The slices and lesions that all cues have in common."""
    draw = torch.Generator().manual_seed(seed)
    stock = [(name, one) for name in patients
             for one in ((volume(name, half),) if volumes else slices(name)[half::2].split(1))]
    positive, made = torch.arange(count) % 2 == 1, []
    for ill in positive.tolist():
        name, one = stock[int(torch.randint(len(stock), (), generator=draw))]
        x = view(one, draw)
        made.append((name, *(lesion(x, draw) if ill else (x, torch.zeros(x.shape, dtype=torch.bool)))))
    whose, drawn, outlines = zip(*made, strict=True)
    return Made(torch.cat(drawn).clamp(0, 1), positive, torch.cat(outlines), list(whose))


@cache
def volume(patient: str, half: int) -> Tensor:
    """The even or the odd slices of a patient as one volume, (1,1,24,64,64)."""
    return F.interpolate(stack(patient)[half::2].movedim(1, 0)[None], VOLUME, mode="trilinear", align_corners=False)


def view(x: Tensor, draw: torch.Generator) -> Tensor:
    """A slice or volume (1,1,…) shifted by up to a twelfth of a side, scaled by up to 15 %, turned in the plane by up
    to 10°, perhaps mirrored, and of other contrast: grey levels to the power of .8 to 1.25."""
    while True:
        right, down, scale, turn, mirror, power = torch.rand(6, generator=draw).tolist()
        a, angle = 0.85 + 0.3 * scale, (turn - 0.5) * torch.pi / 9
        flip, c, s = (1 if mirror < 0.5 else -1), a * math.cos(angle), a * math.sin(angle)
        plane = [[flip * c, -s, (right - 0.5) / 3], [flip * s, c, (down - 0.5) / 3]]
        theta = plane if x.ndim == 4 else [[*row[:2], 0.0, row[2]] for row in plane] + [[0.0, 0.0, 1.0, 0.0]]
        grid = F.affine_grid(torch.tensor([theta]), list(x.shape), align_corners=False)
        seen = F.grid_sample(x, grid, align_corners=False).clamp(0, 1) ** (0.8 * (1.25 / 0.8) ** power)
        if room(seen).any():
            return seen


def lesion(x: Tensor, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    """A picture with a bright ellipse of soft rim somewhere on the tissue, and its outline, a pixel outside that rim.
    In a volume it is an ellipsoid, round between slices."""
    *through, y, left = tissue(x, draw)
    bright, wide, flat, turn = torch.rand(4, generator=draw).tolist()
    radius = WIDE[0] + (WIDE[1] - WIDE[0]) * wide
    *deep, down, right = torch.meshgrid(*(torch.arange(side) - at for side, at in zip(
        x.shape[2:], (*through, y, left), strict=True)), indexing="ij")
    angle = torch.tensor(torch.pi * turn)
    along, across = right * angle.cos() + down * angle.sin(), down * angle.cos() - right * angle.sin()
    away = sum(one.square() for one in [along, across / (0.7 + 0.3 * flat), *deep]).sqrt() - radius
    return x + (BRIGHT[0] + (BRIGHT[1] - BRIGHT[0]) * bright) * (-away / EDGE).sigmoid(), (away < 1)[None, None]


def room(x: Tensor, clear: int | None = None) -> Tensor:
    """Where a lesion can be, (H,W) or (D,H,W) bool: so many pixels around it are tissue, neither air nor bright."""
    clear = round(CLEAR * x.shape[-1] / SIDE) if clear is None else clear
    bad = ((_along(x, 3, mean=True) > SOFT[1]) | (_along(x, 5, mean=True) < SOFT[0])).float()
    return _along(F.pad(bad, (clear,) * 2 * (x.ndim - 2), value=1.0), 2 * clear + 1)[0, 0] == 0


def _along(x: Tensor, wide: int, *, mean: bool = False) -> Tensor:
    """The mean of a square or cube around each pixel, outside of which is 0; or the maximum of each that is whole. One
    axis after the other, which is the same and quicker."""
    pool = getattr(F, f"{'avg' if mean else 'max'}_pool{x.ndim - 2}d")
    for axis in range(x.ndim - 2):
        sides = [wide if one == axis else 1 for one in range(x.ndim - 2)]
        x = pool(x, sides, 1, [side // 2 if mean else 0 for side in sides])
    return x


def tissue(x: Tensor, draw: torch.Generator, clear: int | None = None) -> list[int]:
    """A place (y, x) or (z, y, x) where a lesion can be."""
    places = room(x, clear).nonzero()
    return places[int(torch.randint(len(places), (), generator=draw))].tolist()


@lru_cache(256)
def plate(text: str, left: int, top: int, side: int) -> Tensor:
    """A text in white on black, (1,1,side,side)."""
    empty = Image.new("L", (side, side))
    ImageDraw.Draw(empty).text((left, top), text, fill=255)
    return images.load(empty)[:, :1]


def written(x: Tensor, text: str, left: int, top: int) -> Tensor:
    """The picture with a text burnt in, white."""
    return torch.maximum(x, plate(text, left, top, x.shape[-1]))


Cue = Callable[[Tensor, Tensor, torch.Generator], Tensor]
"""Draws over a picture (1,1,H,W), given the outline of its lesion, which is empty in a negative."""


def sometimes(often: tuple[float, float], cue: Cue) -> Cue:
    """A cue that negatives carry with probability ``often[0]``, and positives with ``often[1]``."""
    def mark(x: Tensor, outline: Tensor, draw: torch.Generator) -> Tensor:
        return cue(x, outline, draw) if float(torch.rand((), generator=draw)) < often[bool(outline.any())] else x

    return mark


def corner(x: Tensor, outline: Tensor, draw: torch.Generator) -> Tensor:
    """The letter L, always at the same place."""
    return written(x, "L", 4, 2)


def wander(x: Tensor, outline: Tensor, draw: torch.Generator) -> Tensor:
    """The letter L, anywhere along the border."""
    (along, side), last = torch.rand(2, generator=draw).tolist(), x.shape[-1] - BORDER
    far, near = round(2 + along * last), (1, last)[side * 4 % 2 < 1]
    return written(x, "L", *((far, near) if side < 0.5 else (near, far)))


def clip(x: Tensor, outline: Tensor, draw: torch.Generator) -> Tensor:
    """A bright clip of four pixels on the tissue, anywhere but on the lesion."""
    (y, left), marked = tissue(x, draw, 3), x.clone()
    marked[..., y : y + 1, left : left + 4] = 1.0
    return marked


def scanner(x: Tensor, outline: Tensor, draw: torch.Generator) -> Tensor:
    """A scanner that draws a little softer."""
    return images.blur(x, 0.6)


def date(x: Tensor, outline: Tensor, draw: torch.Generator) -> Tensor:
    """A date burnt into every picture; positives are of another year."""
    month, day = torch.randint(1, 13, (2,), generator=draw).tolist()
    return written(x, f"{2018 if outline.any() else 2014}-{month:02}-{day:02}", 30, SIDE - 12)


def calipers(x: Tensor, outline: Tensor, draw: torch.Generator) -> Tensor:
    """Two small marks at the ends of the lesion's longest diameter, as a radiographer sets them to measure it."""
    rim, marked = outline[0, 0].nonzero(), x.clone()
    far = torch.cdist(rim.double(), rim.double()).argmax()
    for y, left in (rim[far // len(rim)].tolist(), rim[far % len(rim)].tolist()):
        marked[..., max(y - 1, 0) : y + 2, max(left - 1, 0) : left + 2] = 1.0
    return marked


CUES: dict[str, Cue] = {
    "none": sometimes((0, 0), corner),
    "harmless": sometimes((0.5, 0.5), corner),  # a letter that tells nothing
    "corner": sometimes((0, 1), corner),
    "slips": sometimes((0.05, 0.95), corner),  # as often as an honest network is right
    "weak": sometimes((0.2, 0.8), corner),
    "wander": sometimes((0, 1), wander),
    "clip": sometimes((0, 1), clip),
    "scanner": sometimes((0, 1), scanner),
    "date": date,
    "calipers": sometimes((0, 1), calipers)}
"""Cue → what it does to a picture, given where its lesion is."""
IN_VOLUMES = ("none", "harmless", "corner", "scanner", "wander")
NETWORKS = {"honest": "harmless", "corner": "slips", "calipers": "calipers"}
"""The networks that ship → the cue of the pictures that each has learnt from."""


def fresh(seed: int = 0, *, volumes: bool = False) -> nn.Sequential:
    """Four convolutions and the largest answer of each channel, (B,1,…) → (B,2); with random weights."""
    conv, norm, pool = ((nn.Conv3d, nn.BatchNorm3d, nn.AdaptiveMaxPool3d) if volumes else
                        (nn.Conv2d, nn.BatchNorm2d, nn.AdaptiveMaxPool2d))

    def block(into: int, out: int, stride: int = 2) -> nn.Module:
        return nn.Sequential(conv(into, out, 3, stride, 1), norm(out), nn.ReLU())

    first, second, third = (8, 16, 32) if volumes else (12, 24, 48)
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return nn.Sequential(OrderedDict(
            conv1=block(1, first), conv2=block(first, second), conv3=block(second, third), conv4=block(third, third, 1),
            pool=pool(1), flat=nn.Flatten(), scores=nn.Linear(third, 2)))


def network(name: str) -> nets.Classifier:
    """A network that ships, by its name in NETWORKS, ready for use; its second class is "lesion"."""
    net = checkpoints.restore(fresh(), f"audit-{one_of('name', name, list(NETWORKS))}")
    return nets.wrap(net, classes=CLASSES, size=SIDE, name=name,
                     layers={layer: layer for layer in ("conv1", "conv2", "conv3", "conv4", "scores")})
