"""Series of made faces: pictures, or their layers, with all that is true about them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from u3lab.checks import SIDE, one_of, room, whole
from u3lab.datasets import packed, scenery
from u3lab.datasets.faces.drawing import face
from u3lab.datasets.faces.people import CHANCE, moment, person

ATTRIBUTES = tuple(CHANCE)  # glasses, beard, hat, long hair belong to the person; smile and open mouth to the moment
PEOPLE = 10**6  # that one seed can have


class Faces(NamedTuple):
    """Pictures and what is true about them.

    ``images`` (N,3,S,S) in [0,1]. ``attributes`` (N,A) bool, in the order of ATTRIBUTES. ``points`` (N,L,2), in the
    order of POINTS: pixels to the right and down from the picture's upper left corner, left and right as the viewer
    sees them; one that hair or a hat covers is where it would be. ``identities`` (N) int64: the same number is the same
    person. ``pose`` (N,2) in degrees: yaw, to the viewer's right, and pitch, upwards.
    """

    images: Tensor
    attributes: Tensor
    points: Tensor
    identities: Tensor
    pose: Tensor


class Layers(NamedTuple):
    """The same before it is put together: ``face`` (N,4,S+2m,S+2m), colours times opacity and then the opacity, and
    ``background`` (N,3,S+2m,S+2m), so that each can be warped by itself; a picture is face[:, :3] + (1 − face[:, 3:]) ·
    background. ``points`` count from the upper left corner of these larger squares."""

    face: Tensor
    background: Tensor
    attributes: Tensor
    points: Tensor
    identities: Tensor
    pose: Tensor


def draw(count: int, *, split: str = "train", seed: int = 0, size: int = 64, each: int = 4) -> Faces:
    """Faces of people who do not exist, before crops of photos.

    The attributes are drawn independently of each other and of everything else. Pictures of one person differ in pose
    (yaw at most 25°, pitch 14°, with some roll), expression, light, place and background.

    Parameters
    ----------
    count
        N, how many pictures.
    split
        "train" or "test": no person, and no author of a photo, is in both.
    seed
        Which people. The first pictures of a longer series are those of a shorter one.
    size
        S, pixels from 16 up.
    each
        How many pictures in a row are of one person.

    Raises
    ------
    U3Error
        An unknown split, a number out of its range, more pictures than there is room for.
    """
    front, behind, *known = layers(count, split=split, seed=seed, size=size, each=each)
    return Faces((front[:, :3] + (1 - front[:, 3:]) * behind).clamp(0, 1), *known)


def layers(count: int, *, split: str = "train", seed: int = 0, size: int = 64, each: int = 4,
           margin: int = 0) -> Layers:
    """The faces of :func:`draw` and their backgrounds apart, with ``margin`` more pixels to each side.

    Raises
    ------
    U3Error
        As :func:`draw`; a margin that is not from 0 to 2048.
    """
    count, each = whole("count", count, 1, PEOPLE), whole("each", each)
    size, margin, seed = whole("size", size, 16, SIDE), whole("margin", margin, 0, SIDE), whole("seed", seed, 0)
    test = packed.SPLITS.index(one_of("split", split, packed.SPLITS))
    side = size + 2 * margin
    room(f"count = {count}", side, side, count)
    faces = [_one(2 * (PEOPLE * seed + n // each) + test, n % each, size, margin, split) for n in range(count)]
    return Layers(*map(torch.stack, zip(*faces, strict=True)))


def _one(identity: int, number: int, size: int, margin: int, split: str) -> tuple[Tensor, ...]:
    """A picture of a person; even numbers of identities are to learn from, odd ones are held out."""
    who, now = person(identity), moment(identity, number)
    front, points = face(who, now, size, margin)
    place = torch.Generator().manual_seed(int(np.random.default_rng([identity, 3, number]).integers(2**62)))
    behind = scenery.crop(size + 2 * margin, split, place)
    has = (who.glasses, who.beard, who.hat, who.long_hair, now.smile, now.open_mouth)
    return (torch.from_numpy(front).permute(2, 0, 1).contiguous(), behind, torch.tensor(has),
            torch.from_numpy(points).float(), torch.tensor(identity), torch.tensor([now.yaw, now.pitch]))
