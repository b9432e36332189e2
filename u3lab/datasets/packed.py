"""Shipped collections: a folder of data/ with an index and one archive of its pictures."""

import difflib
import functools
import io
import json
import zipfile
from typing import Any

import torch
from PIL import Image

from u3lab._system import paths
from u3lab.checks import one_of, shown, whole
from u3lab.errors import U3Error

SPLITS = ("train", "test")


def generator(seed: int, split: str) -> torch.Generator:
    """The random numbers of a split: train and test draw different ones from one seed; U3Error for a bad one."""
    one_of("split", split, SPLITS)
    return torch.Generator().manual_seed(2 * whole("seed", seed, 0) + SPLITS.index(split))


@functools.cache
def index(collection: str) -> dict[str, dict[str, Any]]:
    """What is known of each picture, by its name."""
    return json.loads(paths.data(collection, "index.json").read_text(encoding="utf-8"))


def chosen(collection: str, **wanted: tuple[str | None, tuple[str, ...]]) -> list[str]:
    """The names of the entries that have each of the wanted values; a value comes with those that there are.

    Raises:
        U3Error: A value that there is not.
    """
    for key, (value, choices) in wanted.items():
        if value is not None:
            one_of(key, value, choices)
    return [name for name, entry in index(collection).items()
            if all(value in (None, entry[key]) for key, (value, _) in wanted.items())]


def entry(collection: str, name: str) -> dict[str, Any]:
    """What the index says of one picture; U3Error if there is none of that name."""
    names = index(collection)
    if not isinstance(name, str) or name not in names:
        near = difflib.get_close_matches(name.lower(), names, 1) if isinstance(name, str) else []
        hint = f"did you mean {near[0]!r}?" if near else f"{collection}.names() lists all {len(names)}"
        raise U3Error(f"{shown(name)} is not among the {collection}; {hint}")
    return names[name]


def picture(collection: str, name: str) -> Image.Image:
    """The picture itself, with all its channels."""
    entry(collection, name)
    with zipfile.ZipFile(paths.data(collection, f"{collection}.zip")) as archive:
        return Image.open(io.BytesIO(archive.read(f"{name}.webp")))
