"""The domains by their names: made once, kept in the user's cache folder, read from there."""

import io
import math
import sys
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
COLUMNS = 40  # of the sheet that a split is kept on
SAMPLE = 36  # pictures of each domain, which ship


def names() -> list[str]:
    """Names of the ten domains."""
    return list(DOMAINS)


def load(name: str, split: str = "train", *, each: int | None = None) -> Domain:
    """A split of a domain: made the first time (all in half a minute), then read from the cache.

    The same machine makes the same pictures; another version of Pillow may round a pixel otherwise.

    Args:
        name: One of :func:`names`; or "brain lesions" or "chest lesions": squares with a lesion and without one.
        split: "train", "val" or "test": 100, 20 and 40 pictures of each class (of people 130, 30, 60), in the order of
            the classes. No source (photo, artist, typeface, patient …) of the test is in another split;
            ``DOMAINS[name].split`` says which source it is, and where val shares some with train.
        each: Only the first so many of each class; their order is by chance.

    Raises:
        U3Error: An unknown domain or split; more of each class than there are.
    """
    domain = EVERY[one_of("name", name, EVERY)]
    made = domain.counts[SPLITS.index(one_of("split", split, SPLITS))]
    each = made if each is None else whole("each", each, 1, made)
    makers = (sys.modules[__name__], canvas, objects, patients, signs, cutouts, packed, patterns, photos, scans)
    file = keeping.file(f"decathlon-{name.replace(' ', '-')}-{split}", ".jpg", makers,
                        ("decathlon", "photos", "cutouts", "scans"))
    tiles = _tiles(Image.open(io.BytesIO(keeping.once(file, lambda: _drawn(name, split, made)))))
    images = tiles[: made * len(domain.classes)].unflatten(0, (-1, made))[:, :each].flatten(0, 1)
    return Domain(images.float() / 255, torch.arange(len(domain.classes)).repeat_interleave(each), domain.classes)


def sample() -> dict[str, Domain]:
    """Domain → some of its test pictures, of as many classes as there are: at once, for they ship.

    They are those of :func:`load` but for what a JPEG takes, at most five of 255 levels.
    """
    rows = _tiles(Image.open(paths.data("cutouts", "sample.jpg"))).unflatten(0, (-1, SAMPLE)).float() / 255
    return {name: Domain(images, torch.tensor([label for label, _ in sampled(len(one.classes))]), one.classes)
            for images, (name, one) in zip(rows, DOMAINS.items(), strict=True)}


def sampled(classes: int) -> list[tuple[int, int]]:
    """Of a domain with so many classes the pictures of the sample: (class, which of its pictures) each."""
    return [(n * classes // SAMPLE, 0) if classes > SAMPLE else (n % classes, n // classes) for n in range(SAMPLE)]


def _tiles(sheet: Image.Image) -> Tensor:
    """The squares of a sheet, row by row, (N,3,64,64) uint8."""
    pixels = torch.from_numpy(np.array(sheet))
    return pixels.view(-1, SIDE, sheet.width // SIDE, SIDE, 3).permute(0, 2, 4, 1, 3).flatten(0, 1)


def _drawn(name: str, split: str, each: int) -> bytes:
    """A split on one sheet, a JPEG of which nobody sees that it is one."""
    domain = EVERY[name]
    sheet = Image.new("RGB", (SIDE * COLUMNS, SIDE * math.ceil(each * len(domain.classes) / COLUMNS)))
    for number in range(len(domain.classes)):
        draw = np.random.default_rng([list(EVERY).index(name), SPLITS.index(split), number])
        made = list(domain.make(number, split, each, draw))
        assert len(made) == each, f"{name}, {domain.classes[number]}: {len(made)} pictures, not {each}"
        for place, k in enumerate(draw.permutation(each), number * each):
            sheet.paste(made[k], (SIDE * (place % COLUMNS), SIDE * (place // COLUMNS)))
    for material in (canvas.grounds, canvas.tiles, objects.photographed, patients.slices):  # some tens of megabytes
        material.cache_clear()
    memory.give_back()
    content = io.BytesIO()
    sheet.save(content, "JPEG", quality=95, subsampling=0)
    return content.getvalue()
