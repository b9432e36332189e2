"""Clips: short films out of those that ship.

    clips.street("train", count=8)     # (8,4,3,64,64): people who walk
    clips.rabbit().frames              # (132,3,128,128): an animated film, some of its points marked

A clip is a float tensor (T,3,H,W), RGB, in [0,1]. Made ones are in ``u3course.worlds.clips``.

The street is a real film, of people who walk before a camera that stands still, with masks of who walks in 25 frames.
From OpenCV's examples (vtest.avi, Apache-2.0). Five frames a second, 256×192: 47 seconds to learn from and, 12 seconds
later, 20 held out. Some of the same people are in both.

The rabbit is five seconds of an animated film, in which one animal moves before a meadow; three of its points are
marked by hand. Big Buck Bunny, © 2008 Blender Foundation, www.bigbuckbunny.org, CC BY 3.0. Twenty-five frames a second,
128×128.
"""

import functools
import io
import json
import zipfile
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from u3lab._system import paths
from u3lab.checks import number, one_of, room, whole
from u3lab.datasets import packed
from u3lab.errors import U3Error

HEIGHT, WIDTH = 192, 256
CHANGED = 0.1  # of a pixel's range: what changes more from frame to frame has moved; noise is a tenth of it
STRIDE = 4  # pixels between two windows that are looked at
MARKS = ("nose", "ear", "hand")  # of the ear its tip, of the hand its middle; those on the left of the picture


class Walkers(NamedTuple):
    """``frames`` (N,3,192,256) in [0,1] and ``masks`` (N,192,256) bool: who walks, with what they carry."""

    frames: Tensor
    masks: Tensor


def street_frames(split: str = "train") -> Tensor:
    """All frames of a split, one after the other, (N,3,192,256) in [0,1]: 235 of "train", 103 of "test".

    Raises:
        U3Error: An unknown split.
    """
    return _frames(one_of("split", split, packed.SPLITS)).float().div_(255)  # in place: a film is large


def street_masks() -> Walkers:
    """25 frames of the held-out time, one every 0.8 seconds, and their masks of who moves at some time of the film.

    The masks are the difference to the film's median, cleaned by opening and closing, and then corrected by hand:
    ``data/clips/corrections.json`` has the polygons. Their border is right to about a pixel; a shadow at the feet
    belongs to them.
    """
    known = packed.index("clips")["street"]
    numbers = [known["test"].index(number) for number in known["masked"]]
    page = np.array(Image.open(paths.data("clips", "street-masks.png")))
    return Walkers(street_frames("test")[numbers], torch.from_numpy(page.reshape(-1, HEIGHT, WIDTH)))


def street(split: str = "train", *, length: int = 4, count: int = 100, size: int = 64, seed: int = 0,
           least: float = 0.02) -> Tensor:
    """Short clips out of the film in which something moves, (N,T,3,S,S) in [0,1].

    A window is T frames in a row of one square of S×S pixels. All windows count whose pixels change, from frame to
    frame, by more than a tenth in a share of ``least`` or more, on average; N of them are drawn, all alike, so that one
    may come twice.

    Args:
        split: "train" or "test": another time of the film.
        length, count, size: T from 2 on; N; S from 16 to 192. Nothing is enlarged: somebody is 20 to 60 pixels tall.
        seed: Of the choice.
        least: In [0, 1]; with 0 every window counts.

    Raises:
        U3Error: An unknown split, a number out of its range, a length that the film has not, or no window where so much
            moves.
    """
    frames = _frames(one_of("split", split, packed.SPLITS))
    length, count = whole("length", length, 2, len(frames)), whole("count", count)
    size, draw = whole("size", size, 16, HEIGHT), packed.generator(seed, split)
    room(f"count = {count}, length = {length}", size, size, count * length)
    found = (_moved(split, length, size) >= number("least", least, 0, 1)).nonzero()
    if not len(found):
        raise U3Error(f"least = {least}; there is no window of {length} frames and {size} pixels where so much moves, "
                      "so give less, such as 0.02")
    chosen = found[torch.randint(len(found), (count,), generator=draw)] * torch.tensor([1, STRIDE, STRIDE])
    cut = [frames[t : t + length, :, y : y + size, x : x + size] for t, y, x in chosen.tolist()]
    return torch.stack(cut).float() / 255


@functools.lru_cache(maxsize=8)
def _moved(split: str, length: int, size: int) -> Tensor:
    """Mean share of pixels that change, of the windows that begin at each frame and at each STRIDE-th place."""
    frames = _frames(split).short()
    changed = (frames.diff(dim=0).abs().amax(1) > 255 * CHANGED).double()
    sums = torch.nn.functional.pad(changed, (1, 0, 1, 0, 1, 0)).cumsum(0).cumsum(1).cumsum(2)  # of all before
    for axis, width in ((0, length - 1), (1, size), (2, size)):  # a window's sum, from those at its corners
        sums = sums.narrow(axis, width, sums.shape[axis] - width) - sums.narrow(axis, 0, sums.shape[axis] - width)
    return (sums[:, ::STRIDE, ::STRIDE] / ((length - 1) * size**2)).clamp_min(0)


@functools.cache
def _frames(split: str) -> Tensor:
    """(N,3,192,256) uint8."""
    with zipfile.ZipFile(paths.data("clips", "street.zip")) as archive:
        frames = [np.array(Image.open(io.BytesIO(archive.read(f"{number:03}.webp"))).convert("RGB"))
                  for number in packed.index("clips")["street"][split]]
    return torch.from_numpy(np.stack(frames)).movedim(-1, 1).contiguous()


class Marked(NamedTuple):
    """``frames`` (T,3,128,128) in [0,1]; ``numbers`` (M), which of them are marked; ``points`` (M,3,2), (x, y) in
    [−1,1], in the order of MARKS. A hand is right to about a pixel."""

    frames: Tensor
    numbers: Tensor
    points: Tensor


def rabbit() -> Marked:
    """The film."""
    with zipfile.ZipFile(paths.data("clips", "rabbit.zip")) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".webp"))
        frames = np.stack([np.array(Image.open(io.BytesIO(archive.read(name))).convert("RGB")) for name in names])
        marked = json.loads(archive.read("points.json"))
    points = 2 * torch.tensor(list(marked["points"].values())) / marked["side"] - 1
    numbers = torch.tensor([int(number) for number in marked["points"]])
    return Marked(torch.from_numpy(frames).movedim(-1, 1).float() / 255, numbers, points)
