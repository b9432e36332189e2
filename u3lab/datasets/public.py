"""Public sets of real pictures, through torchvision where a user has them, and folders of your own pictures.

    train = public.load("stl10", "data", split="unlabeled")     # pictures to learn from without labels
    net = encoder(seed=0)
    last(pretrain(net, train.images, "upright"))

Nothing is fetched unless you say ``download=True``. Sources: CIFAR-10 (Krizhevsky 2009), STL-10 (Coates, Ng & Lee,
2011), Oxford Flowers 102 (Nilsback & Zisserman 2008), CelebA (Liu, Luo, Wang & Tang 2015), whose faces have landmarks.
"""

from __future__ import annotations

import os
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from PIL import Image
from torch import Tensor

from u3lab import images
from u3lab.checks import SIDE, is_a, one_of, place, room, whole
from u3lab.errors import U3Error

LANDMARKS = ("left eye", "right eye", "nose", "left mouth corner", "right mouth corner")  # as the viewer sees them
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
# Name → torchvision's class and, split by split, what that class calls it.
SETS: dict[str, tuple[str, dict[str, dict[str, Any]]]] = {
    "cifar10": ("CIFAR10", {"train": {"train": True}, "test": {"train": False}}),
    "stl10": ("STL10", {split: {"split": split} for split in ("train", "test", "unlabeled")}),
    "flowers": ("Flowers102", {split: {"split": split} for split in ("train", "val", "test")}),
}


class Pictures(NamedTuple):
    """``images`` (N,3,S,S) in [0,1], ``labels`` (N) from 0, −1 where there is none; ``classes`` their names."""

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]


class Portraits(NamedTuple):
    """``images`` (N,3,S,S) in [0,1]; ``points`` (N,5,2), where LANDMARKS are, in pixels to the right and down from the
    upper left corner; ``identities`` (N): the same number is the same person."""

    images: Tensor
    points: Tensor
    identities: Tensor


def load(name: str, root: str | os.PathLike[str], *, split: str = "train", size: int = 64, count: int = 2000,
         seed: int = 0, download: bool = False) -> Pictures:
    """Some pictures of a public set, the central square of each.

    Parameters
    ----------
    name
        A name of ``SETS``.
    root
        The folder that has torchvision's own folder of the set, or shall get it.
    split
        "train" or "test"; of STL-10 also "unlabeled", of Flowers "val".
    size
        S, from 16 up.
    count, seed
        So many pictures, drawn without repetition by the seed; all, in that order, if there are fewer.
    download
        Fetch what is not there: 170 MB, 2.6 GB and 350 MB.

    Raises
    ------
    U3Error
        An unknown name or split; nothing in the folder, or a broken file; no network.
    """
    kind, splits = SETS[one_of("name", name, SETS)]
    chosen = splits[one_of("split", split, splits)]
    size, count = _asked(size, count)
    found, pairs = _fetched(name, kind, root, count, seed, download=download, **chosen)
    labels = [-1 if label is None else int(label) for _, label in pairs]
    names = tuple(str(one) for one in getattr(found, "classes", ()))
    return Pictures(_squares([one for one, _ in pairs], size), torch.tensor(labels), names)


def celeba(root: str | os.PathLike[str], *, split: str = "train", size: int = 64, count: int = 2000, seed: int = 0,
           download: bool = False) -> Portraits:
    """Some of CelebA's aligned faces, the central square of each, with five landmarks: for chapter 3.

    Parameters
    ----------
    root
        The folder that has torchvision's folder ``celeba``, or shall get it (1.4 GB, by the package gdown).
    split
        "train", "valid" or "test".
    size, count, seed, download
        As for :func:`load`.

    Raises
    ------
    U3Error
        As :func:`load`.
    """
    split, (size, count) = one_of("split", split, ("train", "valid", "test")), _asked(size, count)
    _, pairs = _fetched("celeba", "CelebA", root, count, seed, download=download, split=split,
                        target_type=["landmarks", "identity"])
    sides = torch.tensor([one.size for one, _ in pairs])
    resized = (sides * size / sides.amin(1, keepdim=True)).round()  # of which the central square is shown
    points = torch.stack([marked for _, (marked, _) in pairs]).view(-1, len(LANDMARKS), 2)
    points = points * (resized / sides)[:, None] - ((resized - size) // 2)[:, None]
    return Portraits(_squares([one for one, _ in pairs], size), points, torch.stack([who for _, (_, who) in pairs]))


def _fetched(name: str, kind: str, root: object, count: int, seed: int, *, download: bool, **options: Any
             ) -> tuple[Any, list[tuple[Any, Any]]]:
    """torchvision's set, and so many of its pairs of a picture and what is known of it."""
    folder = place("root", root, "the folder that has the set")
    is_a("download", download, bool, "give True or False")
    try:
        from torchvision import datasets

        found = getattr(datasets, kind)(folder, **options, download=download)
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, tarfile.TarError, zlib.error) as error:
        if download:
            raise U3Error(f"{name} could not be fetched into {str(folder)!r} ({type(error).__name__}: {error}); is "
                          "there a network, and room on the disk?") from None
        raise U3Error(f"{str(folder)!r} has no whole {name} as torchvision keeps it; give the folder where it is, or "
                      "download=True where there is a network") from None
    try:
        return found, [found[k] for k in _drawn(len(found), count, seed)]
    except OSError as error:
        raise U3Error(f"{name} in {str(folder)!r} lacks a picture ({error}); fetch it again") from None


def folder(path: str | os.PathLike[str], *, size: int = 64, count: int = 2000, seed: int = 0) -> Tensor:
    """Pictures (N,3,S,S) out of a folder of your own and the folders in it; ``count`` and ``seed`` as for :func:`load`.

    Raises
    ------
    U3Error
        No such folder, no picture in it, one that cannot be read.
    """
    size, count = _asked(size, count)
    where = place("path", path, "a folder of pictures")
    if not where.is_dir():
        raise U3Error(f"there is no folder {str(where)!r}; give one that has pictures in it")
    files = sorted(one for one in where.rglob("*") if one.suffix.lower() in PICTURES)
    if not files:
        raise U3Error(f"in {str(where)!r} there is no picture ({', '.join(PICTURES)}); give a folder that has some")
    return _squares([files[k] for k in _drawn(len(files), count, seed)], size)


def _asked(size: int, count: int) -> tuple[int, int]:
    size, count = whole("size", size, 16, SIDE), whole("count", count)
    room("count", size, size, count)
    return size, count


def _drawn(there: int, count: int, seed: int) -> list[int]:
    order = torch.randperm(there, generator=torch.Generator().manual_seed(whole("seed", seed, 0)))
    return order[:count].tolist()


def _squares(pictures: Sequence[Image.Image | Path], size: int) -> Tensor:
    return torch.cat([images.load(one, size=size) for one in pictures])
