"""The real Visual Decathlon, where a user has it: its own folder, read as the pocket domains are made.

    ten = visual_decathlon.real("decathlon-1.0")   # {"aircraft": …, "cifar100": …}
    train = ten["svhn"].load("train", each=100)    # the first hundred of each class, 64×64

Rebuffi, Bilen & Vedaldi, Learning multiple visual domains with residual adapters, NIPS 2017. In the folder are
``annotations/NAME_train.json`` and ``_val.json`` in the manner of COCO, and the pictures that they name under
``data/``, 72 pixels on the shorter side. The labels of the test are not given out; who wants to test holds out val.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from u3lab.checks import MOST, one_of, place, whole
from u3lab.errors import U3Error

REAL = ("aircraft", "cifar100", "daimlerpedcls", "dtd", "gtsrb", "imagenet12", "omniglot", "svhn", "ucf101",
        "vgg-flowers")
LABELLED = ("train", "val")
SIDE = 64
SHORTER = 72  # pixels, of which the middle 64 are taken
GET_IT = ("unpack decathlon-1.0-devkit.tar.gz, in its folder data unpack decathlon-1.0-data.tar.gz and the archives in "
          "that one (robots.ox.ac.uk/~vgg/decathlon tells how), and give the path of decathlon-1.0")


class Domain(NamedTuple):
    """Pictures of one domain: ``images`` (N,3,64,64) in [0,1], ``labels`` (N) int64 from 0, ``classes`` their names."""

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]


@dataclass(frozen=True)
class RealDomain:
    """A domain of the benchmark: its classes, and for train and val the pictures' files with their labels."""

    name: str
    classes: tuple[str, ...]
    pictures: dict[str, tuple[tuple[Path, int], ...]] = field(repr=False)

    def load(self, split: str = "train", *, each: int | None = None) -> Domain:
        """Pictures at 64 px: the shorter side becomes 72, the middle is cut out, as the benchmark's authors evaluate.

        Parameters
        ----------
        split
            "train" or "val".
        each
            Only the first so many of each class; ImageNet whole is more than a memory holds.

        Raises
        ------
        U3Error
            An unknown split, a picture that is missing or broken.
        """
        most = MOST if each is None else whole("each", each)
        chosen, taken = [], Counter()
        for file, label in self.pictures[one_of("split", split, LABELLED)]:
            taken[label] += 1
            if taken[label] <= most:
                chosen.append((file, label))
        images = torch.empty(len(chosen), 3, SIDE, SIDE)
        for n, (file, _) in enumerate(chosen):
            images[n] = torch.from_numpy(_middle(file)).permute(2, 0, 1) / 255
        return Domain(images, torch.tensor([label for _, label in chosen]), self.classes)


def _middle(file: Path) -> np.ndarray:
    try:
        with Image.open(file) as opened:
            picture = opened.convert("RGB")
    except Exception:  # decoders raise nearly anything on a broken file
        raise U3Error(f"{file} is missing or cannot be read as a picture; {GET_IT}") from None
    factor = SHORTER / min(picture.size)
    if factor != 1:
        picture = picture.resize([max(SHORTER, round(factor * n)) for n in picture.size], Image.Resampling.BILINEAR)
    left, top = ((side - SIDE) // 2 for side in picture.size)
    return np.array(picture.crop((left, top, left + SIDE, top + SIDE)))


def real(root: str | os.PathLike[str]) -> dict[str, RealDomain]:
    """The domains that are in a folder of the benchmark; only their lists are read.

    Raises
    ------
    U3Error
        No such folder, none of the ten in it, a list in another form.
    """
    folder = place("root", root, "the folder decathlon-1.0")
    if not (folder / "annotations").is_dir():
        raise U3Error(f"{folder} has no folder annotations, so it is not the Visual Decathlon; {GET_IT}")
    there = [name for name in REAL if all((folder / "annotations" / f"{name}_{split}.json").is_file()
                                          for split in LABELLED)]
    if not there:
        raise U3Error(f"{folder / 'annotations'} has lists of none of {', '.join(REAL)}; {GET_IT}")
    return {name: _domain(folder, name) for name in there}


def _domain(folder: Path, name: str) -> RealDomain:
    pictures, classes = {}, ()
    for split in LABELLED:
        file = folder / "annotations" / f"{name}_{split}.json"
        try:
            listed = json.loads(file.read_text(encoding="utf-8"))
            numbers = {one["id"]: n for n, one in enumerate(listed["categories"])}
            names = tuple(str(one.get("name", one["id"])) for one in listed["categories"])
            paths = {one["id"]: folder / one["file_name"] for one in listed["images"]}
            found = tuple((paths[one["image_id"]], numbers[one["category_id"]]) for one in listed["annotations"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise U3Error(f"{file} is not a list of the Visual Decathlon or was cut off; {GET_IT}") from None
        if classes not in ((), names):
            raise U3Error(f"{file} has other classes than the list of {LABELLED[0]}; {GET_IT}")
        pictures[split], classes = found, names
    return RealDomain(name, classes, pictures)
