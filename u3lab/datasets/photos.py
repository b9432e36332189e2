"""Photographs by many authors: animals, places and nature, to cut crops from and to lay things on.

    photos.names("nature")                   # ["mountain_meadow", "stream", …]
    photos.load("stream", size=224)          # (1,3,224,224) in [0,1]
    photos.about("stream").author            # whom to credit

All are in the public domain or under CC0, CC BY or CC BY-SA, and were made smaller (longer side at most 512 pixels).
Who shows one says its author and licence; :func:`about` has both. The pictures of :mod:`u3lab.images` are others.
"""

from typing import NamedTuple

from torch import Tensor

from u3lab import images
from u3lab.checks import whole
from u3lab.datasets import packed

GROUPS = ("animal", "place", "nature")


class Photo(NamedTuple):
    """What is known of a photo: its group, what it shows, whom to credit, and the split that its author is in."""

    group: str
    caption: str
    author: str
    licence: str
    source: str
    split: str


def names(group: str | None = None, *, split: str | None = None) -> list[str]:
    """Names of the photos of a group ("animal", "place", "nature"), and of a split ("train", "test"), or of all.

    No author has photos of one group in both splits: in "test" is every third author.

    Raises:
        U3Error: An unknown group or split.
    """
    return packed.chosen("photos", group=(group, GROUPS), split=(split, packed.SPLITS))


def load(name: str, *, size: int | None = None) -> Tensor:
    """A photo as (1,3,H,W) in [0,1]; with ``size`` its central square, resized to so many pixels.

    Raises:
        U3Error: No photo of that name, or a size that is not from 1 to 4096.
    """
    if size is not None:
        whole("size", size, 1, 4096)
    return images.load(packed.picture("photos", name), size=size)


def about(name: str) -> Photo:
    """What is known of a photo; U3Error if there is none of that name."""
    return Photo(**packed.entry("photos", name))
