"""Who walks in a street, found in single frames: the film, its question, the network that ships, and pictures that test
whether it knows walkers or only the street.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3course.worlds.composing import pick
from u3lab import images, selfsup
from u3lab.datasets import clips, packed
from u3lab.nets import Classifier, checkpoints

GAP = 2  # frames, 0.4 s
MOVED = 0.08  # three-frame difference beyond which a pixel has moved
FAR = 0.15  # difference from the empty street beyond which something is before it
EMPTY = 0.02  # share of the training frames in which somebody is at a place where nobody walks
STILL = 0.5  # somebody stands of whom a smaller share of the pixels has moved
SMALLEST = 60  # pixels of a walker that is looked at by itself
PUT = ("a walker", "a walker upside down", "a piece of the street")


class Film(NamedTuple):
    """``frames`` (N,3,192,256); ``moved`` (N,192,256): three-frame difference; ``truth`` (N,192,256) bool."""

    frames: Tensor
    moved: Tensor
    truth: Tensor


@cache
def lesson() -> Film:
    """The frames to learn from. Their truth is automatic: what differs from the empty street."""
    frames = clips.street_frames("train")
    return Film(frames[GAP:-GAP], selfsup.three_frame_difference(frames, gap=GAP), (distance(frames) > FAR)[GAP:-GAP])


@cache
def test() -> Film:
    """The 25 frames that have masks, with the three-frame difference of each and its neighbours."""
    known, shipped = packed.index("clips")["street"], clips.street_masks()
    at = torch.tensor([known["test"].index(number) for number in known["masked"]])
    return Film(shipped.frames, selfsup.three_frame_difference(clips.street_frames("test"), gap=GAP)[at - GAP],
                shipped.masks)


@cache
def empty_street() -> Tensor:
    """The median of every fifth frame to learn from, (3,192,256)."""
    return clips.street_frames("train")[::5].median(0).values


def distance(pictures: Tensor, street: Tensor | None = None) -> Tensor:
    """How far each pixel is from the street's, (N,192,256): the largest difference of a colour, slightly blurred."""
    street = empty_street() if street is None else street
    return images.blur((pictures - street).abs().amax(1, keepdim=True), 0.7)[:, 0]


def network() -> tuple[Classifier, nn.Module]:
    """The U-Net that has watched the street, and its head."""
    net = selfsup.unet()
    head = selfsup.head_of(net, selfsup.MOVED)
    checkpoints.restore(nn.ModuleDict({"net": net.module, "head": head}), "walkers")
    return net, head


def walkers(mask: Tensor) -> list[Tensor]:
    """The connected pieces of a mask (H,W), a mask each; small ones are left out."""
    from scipy import ndimage

    labels, count = ndimage.label(mask.numpy())
    pieces = [torch.from_numpy(labels == number) for number in range(1, count + 1)]
    return [piece for piece in pieces if piece.sum() >= SMALLEST]


def standing(film: Film) -> Tensor:
    """Masks (N,H,W) of those of whom less than half of the pixels have moved."""
    found = torch.zeros_like(film.truth)
    for mask, moved, truth in zip(found, film.moved > MOVED, film.truth, strict=True):
        for piece in walkers(truth):
            mask |= piece & (moved[piece].double().mean() < STILL)
    return found


class Pasted(NamedTuple):
    """``walkers`` and ``street`` (N,3,H,W): the empty street with walkers, or with pieces of the street of the same
    shapes and at the same places; ``masks`` (N,H,W), where they are."""

    walkers: Tensor
    street: Tensor
    masks: Tensor


def elsewhere(film: Film, *, seed: int = 0) -> Pasted:
    """The walkers of each frame, pasted where nobody walked in the frames to learn from; and the control for it."""
    draw, never = torch.Generator().manual_seed(seed), lesson().truth.double().mean(0) < EMPTY
    found = Pasted(*(torch.stack([empty_street()] * len(film.frames)) for _ in range(2)), torch.zeros_like(film.truth))
    for frame, truth, walked, ghost, mask in zip(film.frames, film.truth, *found, strict=True):
        for piece in walkers(truth):
            rows, columns = piece.any(1).nonzero()[:, 0], piece.any(0).nonzero()[:, 0]
            box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
            shape = piece[box]
            free = _fits(never & ~mask, *shape.shape)
            if not len(free):
                continue
            to, source = (_box(pick(places, draw), shape) for places in (free, _fits(torch.ones_like(mask),
                                                                                       *shape.shape)))
            mask[to] |= shape
            walked[:, *to] = torch.where(shape, frame[:, *box], walked[:, *to])
            ghost[:, *to] = torch.where(shape, empty_street()[:, *source], ghost[:, *to])
    return found


def _fits(free: Tensor, height: int, width: int) -> Tensor:
    """Upper left corners (M,2) of the boxes of that size in which all is free."""
    taken = F.max_pool2d((~free).float()[None], (height, width), stride=1)[0]
    return (taken == 0).nonzero()


def _box(corner: Tensor, shape: Tensor) -> tuple[slice, slice]:
    return tuple(slice(int(first), int(first) + side) for first, side in zip(corner, shape.shape, strict=True))


def cut_outs(film: Film) -> list[Tensor]:
    """The largest walker of every third frame: colours and mask, (4,h,w) each."""
    found = []
    for frame, truth in zip(film.frames[::3], film.truth[::3], strict=True):
        piece = max(walkers(truth), key=Tensor.sum)
        box = (slice(int(one[0]), int(one[-1]) + 1) for one in (piece.any(1).nonzero(), piece.any(0).nonzero()))
        found.append(torch.cat([frame, piece[None].float()])[:, *box])
    return found


def placed(person: Tensor, place: tuple[float, float], size: float, what: str) -> tuple[Tensor, Tensor]:
    """The empty street with one of ``PUT`` around a place in [0,1]², (1,3,H,W), and its mask (H,W).

    A piece of the street is from half a picture away, and has the shape of the person (4,h,w), here ``size`` times.
    """
    frame = empty_street().clone()
    _, height, width = frame.shape
    size = min(size, height / person.shape[1], width / person.shape[2])
    person = F.interpolate(person[None], scale_factor=size, mode="bilinear", antialias=True)[0]
    person = person.flip(1) if what == PUT[1] else person
    (_, h, w), (x, y) = person.shape, place
    top, left = (round(min(max(at * side - part / 2, 0), side - part)) for at, side, part in ((y, height, h),
                                                                                             (x, width, w)))
    box, mask = (slice(top, top + h), slice(left, left + w)), torch.zeros(height, width, dtype=torch.bool)
    mask[box] = person[3] > 0.5
    source = frame.roll((height // 2, width // 2), (1, 2))[:, *box] if what == PUT[2] else person[:3]
    frame[:, *box] = torch.where(mask[box], source, frame[:, *box])
    return frame[None].clamp(0, 1), mask
