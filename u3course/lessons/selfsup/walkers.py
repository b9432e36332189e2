"""Who walks in a street, found in single frames: the film, the network that ships, and people put into the street."""

from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab import images, selfsup
from u3lab.datasets import clips, packed
from u3lab.nets import Classifier, checkpoints

GAP = 2  # frames, 0.4 s
MOVED = 0.08  # three-frame difference beyond which a pixel has moved
FAR = 0.15  # difference from the empty street beyond which something is before it
SMALLEST = 60  # pixels of a walker that is looked at by itself
PUT = ("a walker", "a walker upside down", "a piece of the street")


class Film(NamedTuple):
    """``frames`` (N,3,192,256); ``moved`` (N,192,256): three-frame difference; ``truth`` (N,192,256) bool."""

    frames: Tensor
    moved: Tensor
    truth: Tensor


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


def around(piece: Tensor) -> tuple[slice, slice]:
    """The rows and columns of the box around a piece of a mask (H,W)."""
    rows, columns = (piece.any(axis).nonzero() for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def cut_outs(film: Film) -> list[Tensor]:
    """The largest walker of every third frame: colours and mask, (4,h,w) each."""
    found = []
    for frame, truth in zip(film.frames[::3], film.truth[::3], strict=True):
        piece = max(walkers(truth), key=Tensor.sum)
        found.append(torch.cat([frame, piece[None].float()])[:, *around(piece)])
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
    top, left = (round(min(max(at * side - part / 2, 0), side - part))
                 for at, side, part in ((y, height, h), (x, width, w)))
    box, mask = (slice(top, top + h), slice(left, left + w)), torch.zeros(height, width, dtype=torch.bool)
    mask[box] = person[3] > 0.5
    source = frame.roll((height // 2, width // 2), (1, 2))[:, *box] if what == PUT[2] else person[:3]
    frame[:, *box] = torch.where(mask[box], source, frame[:, *box])
    return frame[None].clamp(0, 1), mask
