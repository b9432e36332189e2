"""The domains by their names: made once, kept in the user's cache folder, read from there."""

from __future__ import annotations

import functools
import io
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from u3course.worlds import keeping, patterns
from u3course.worlds.decathlon import canvas, objects, patients, signs
from u3course.worlds.decathlon.canvas import SIDE, SPLITS, Recipe
from u3lab._system import memory, paths
from u3lab.checks import one_of, whole
from u3lab.datasets import cutouts, packed, photos, scans


class Domain(NamedTuple):
    """Pictures of one domain: ``images`` (N,3,64,64) in [0,1], ``labels`` (N) int64 from 0, ``classes`` their names."""

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]


DOMAINS: dict[str, Recipe] = {**signs.DOMAINS, **objects.DOMAINS, **patients.DOMAINS}
EVERY: dict[str, Recipe] = {**DOMAINS, **patients.LESIONS}  # two more, each of one patient against another
READERS = ("__init__",)  # modules beside this one that have no part in making the pictures
COLUMNS = 40  # of the sheet that a split is kept on


def names() -> list[str]:
    """Names of the ten domains."""
    return list(DOMAINS)


def table() -> list[dict[str, str]]:
    """A row for each domain: its name, what it shows, the benchmark's own beside it, classes, splits and what by."""
    return [{"domain": name, "shows": one.what, "in the benchmark": one.like, "classes": str(len(one.classes)),
             "pictures of a class": " / ".join(map(str, one.counts)), "split by": one.split}
            for name, one in DOMAINS.items()]


def load(name: str, split: str = "train", *, each: int | None = None) -> Domain:
    """A split of a domain: made the first time (all in half a minute), then read from the cache.

    The same machine makes the same pictures; another version of Pillow may round a pixel otherwise.

    Args:
        name: One of :func:`names`; or "brain lesions" or "chest lesions": squares with a lesion and without one.
        split: "train", "val" or "test": 100, 20 and 40 pictures of each class (of people 130, 30, 60), in the order of
            the classes. No source (photo, artist, typeface, patient …) of the test is in another split; :func:`table`
            says which source it is, and where val shares some with train.
        each: Only the first so many of each class; their order is by chance.

    Raises:
        U3Error: An unknown domain or split; more of each class than there are.
    """
    domain = EVERY[one_of("name", name, EVERY)]
    made = domain.counts[SPLITS.index(one_of("split", split, SPLITS))]
    each = made if each is None else whole("each", each, 1, made)
    file = paths.cache(f"decathlon-{name.replace(' ', '-')}-{split}-{version()}.jpg")
    page = keeping.once(file, lambda: _drawn(name, split, made))
    sheet = np.asarray(Image.open(io.BytesIO(page)))
    tiles = sheet.reshape(-1, SIDE, COLUMNS, SIDE, 3).swapaxes(1, 2).reshape(-1, SIDE, SIDE, 3)
    tiles = tiles[: made * len(domain.classes)].reshape(-1, made, SIDE, SIDE, 3)[:, :each].reshape(-1, SIDE, SIDE, 3)
    images = torch.from_numpy(np.ascontiguousarray(tiles.transpose(0, 3, 1, 2))).float() / 255
    return Domain(images, torch.arange(len(domain.classes)).repeat_interleave(each), domain.classes)


def _drawn(name: str, split: str, each: int) -> bytes:
    """A split on one sheet, a JPEG of which nobody sees that it is one."""
    domain = EVERY[name]
    sheet = Image.new("RGB", (SIDE * COLUMNS, SIDE * math.ceil(each * len(domain.classes) / COLUMNS)))
    place = 0
    for number in range(len(domain.classes)):
        draw = np.random.default_rng([list(EVERY).index(name), SPLITS.index(split), number])
        made = list(domain.make(number, split, each, draw))
        assert len(made) == each, f"{name}, {domain.classes[number]}: {len(made)} pictures, not {each}"
        for picture in (made[k] for k in draw.permutation(each)):
            sheet.paste(picture, (SIDE * (place % COLUMNS), SIDE * (place // COLUMNS)))
            place += 1
    for material in (canvas.grounds, canvas.tiles, objects.photographed, patients.slices):  # some tens of megabytes
        material.cache_clear()
    memory.give_back()
    content = io.BytesIO()
    sheet.save(content, "JPEG", quality=95, subsampling=0)
    return content.getvalue()


@functools.cache
def version() -> str:
    """A name for these very pictures: it changes when anything changes that they are made from."""
    own = [file for file in sorted(Path(__file__).parent.glob("*.py")) if file.stem not in READERS]
    makers = [*own, *(Path(one.__file__) for one in (cutouts, packed, patterns, photos, scans))]
    folders = [paths.data(name) for name in ("decathlon", "photos", "cutouts", "scans")]
    return keeping.version([*makers, *(file for folder in folders for file in sorted(folder.iterdir()))])
