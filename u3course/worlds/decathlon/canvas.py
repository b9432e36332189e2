"""What the domains are drawn with: sheets of tiles, photos to draw on, and the accidents of a picture."""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from u3lab._system import paths
from u3lab.datasets import packed, photos

SPLITS = ("train", "val", "test")
SIDE = 64
Draw = np.random.Generator


@dataclass(frozen=True)
class Recipe:
    """How a domain is made.

    ``make(class number, split, count, draw)`` yields ``count`` pictures (64×64, RGB) of one class; ``counts`` says how
    many for train, val and test, and ``split`` by what these differ.
    """

    make: Callable[[int, str, int, Draw], Iterator[Image.Image]]
    classes: tuple[str, ...]
    split: str
    counts: tuple[int, int, int] = (100, 20, 40)


@functools.cache
def tiles(name: str) -> np.ndarray:
    """The tiles of a sheet: (rows, columns, side, side) of grey or (…, 3 or 4) of colours, uint8."""
    side = packed.index("decathlon")[name]["side"]  # the index says what the rows and columns of each sheet are
    page = np.asarray(Image.open(paths.data("decathlon", f"{name}.webp")).convert(
        {"objects": "RGBA", "street": "RGB", "walks": "RGB"}.get(name, "L")))
    rows, columns = page.shape[0] // side, page.shape[1] // side
    return np.moveaxis(page.reshape(rows, side, columns, side, *page.shape[2:]), 1, 2)


@functools.cache
def grounds(split: str, without_animals: bool = False) -> tuple[Image.Image, ...]:
    """Photos to draw on. The test's are of other authors; every fourth of the others is for validation."""
    groups = ("place", "nature") if without_animals else photos.GROUPS
    names = [name for group in groups for name in photos.names(group, split="test" if split == "test" else "train")]
    if split != "test":
        names = [name for n, name in enumerate(names) if (n % 4 == 3) == (split == "val")]
    return tuple(packed.picture("photos", name).convert("RGB") for name in names)


def ground(split: str, draw: Draw, without_animals: bool = False) -> Image.Image:
    """A random square of a photo, 64×64."""
    pictures = grounds(split, without_animals)
    picture = pictures[draw.integers(len(pictures))]
    side = int(min(picture.size) * draw.uniform(0.3, 0.9))
    left, top = (int(draw.integers(length - side + 1)) for length in picture.size)
    return picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR, (left, top, left + side, top + side))


def colour(draw: Draw, low: int = 0, high: int = 255) -> tuple[int, int, int]:
    """Any colour."""
    return tuple(draw.integers(low, high + 1, 3).tolist())


def tilted(picture: Image.Image, draw: Draw, reach: float = 0.12) -> Image.Image:
    """The picture seen at a slant: each corner moves by up to ``reach`` of its side."""
    w, h = picture.size
    corners = np.array([(0, 0), (w, 0), (w, h), (0, h)], float)
    seen = np.abs(corners - draw.uniform(0, reach, (4, 2)) * (w, h))
    rows = [[*(x, y, 1, 0, 0, 0), -u * x, -u * y] for (x, y), (u, _) in zip(seen, corners, strict=True)]
    rows += [[*(0, 0, 0, x, y, 1), -v * x, -v * y] for (x, y), (_, v) in zip(seen, corners, strict=True)]
    solved = np.linalg.solve(np.array(rows), np.concatenate([corners[:, 0], corners[:, 1]])).tolist()
    return picture.transform(picture.size, Image.Transform.PERSPECTIVE, solved, Image.Resampling.BILINEAR)


def pasted(thing: Image.Image, below: Image.Image, draw: Draw, *, sizes: tuple[float, float] = (0.6, 0.95),
           turn: float = 12, mirror: bool = False) -> Image.Image:
    """A thing with transparency somewhere on a picture, its longer side between so many of the picture's."""
    if mirror and draw.random() < 0.5:
        thing = thing.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    factor = draw.uniform(*sizes) * SIDE / max(thing.size)
    thing = thing.resize([max(1, round(factor * side)) for side in thing.size], Image.Resampling.BILINEAR, None, 2)
    thing = thing.rotate(draw.uniform(-turn, turn), Image.Resampling.BILINEAR, expand=True)
    at = [round((SIDE - side) * (draw.random() if SIDE > side else 0.5)) for side in thing.size]
    below = below.copy()
    below.paste(thing, at, thing)
    return below


def weathered(picture: Image.Image, draw: Draw, blur: float = 1.0, noise: float = 6) -> Image.Image:
    """Light, contrast, blur and noise as they come."""
    picture = ImageEnhance.Brightness(picture).enhance(draw.uniform(0.6, 1.25))
    picture = ImageEnhance.Contrast(picture).enhance(draw.uniform(0.6, 1.2))
    picture = picture.filter(ImageFilter.GaussianBlur(draw.uniform(0, blur)))
    grain = draw.normal(0, noise * draw.random(), (SIDE, SIDE, 1)).astype(np.float32)
    return Image.fromarray(np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8))
