"""Domains of things: textures, animals on photos, everyday objects by several artists."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import torch
from PIL import Image

from u3lab.datasets import cutouts, packed
from u3lab.images import shipped
from u3lab.worlds import patterns
from u3lab.worlds.decathlon.canvas import SIDE, Draw, Recipe, ground, index, pasted, tiles, weathered

PHOTOGRAPHED = ("brick", "grass", "gravel")
TEXTURES = (*patterns.PATTERNS, *PHOTOGRAPHED)
ANIMALS = ("bird", "fish", "insect", "ape", "bovine", "sheep", "cat", "deer", "horse", "rabbit", "pig", "rodent")


def textures(number: int, split: str, count: int, draw: Draw) -> Iterator[Image.Image]:
    """Painted anew each time; of brick, grass and gravel there is one photo, cut in three."""
    name = TEXTURES[number]
    generator = torch.Generator().manual_seed(int(draw.integers(2**31)))
    for _ in range(count):
        if name in PHOTOGRAPHED:
            yield weathered(_cut(name, split, draw), draw, 0.7)
        else:
            x = patterns.paint(name, SIDE, generator)[0].permute(1, 2, 0)
            yield weathered(Image.fromarray((255 * x).round().byte().numpy()), draw, 0.7)


def _cut(name: str, split: str, draw: Draw) -> Image.Image:
    """A square out of a photo: its left half is to learn, the rest half for validation (above), half for the test."""
    page = Image.open(shipped.file(name)).convert("RGB")
    w, h = page.size
    left, top, right, bottom = {"train": (0, 0, w // 2, h), "val": (w // 2, 0, w, h // 3),
                                "test": (w // 2, h // 3, w, h)}[split]
    side = int(min(right - left, bottom - top) * draw.uniform(0.5, 0.9))
    x, y = int(draw.integers(left, right - side + 1)), int(draw.integers(top, bottom - side + 1))
    cut = page.resize((SIDE, SIDE), Image.Resampling.BILINEAR, (x, y, x + side, y + side))
    return cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if draw.random() < 0.5 else cut


@functools.cache
def photographed(kind: str, split: str) -> tuple[Image.Image, ...]:
    """Things of a kind, on nothing. Of four or more to learn from, every fourth is for validation instead."""
    names = cutouts.names(kind, split="test" if split == "test" else "train")
    if split != "test" and len(names) > 3:
        names = [name for n, name in enumerate(names) if (n % 4 == 3) == (split == "val")]
    return tuple(packed.picture("cutouts", name) for name in names)


def animals(number: int, split: str, count: int, draw: Draw) -> Iterator[Image.Image]:
    """Cut out of photos and laid on others."""
    things = photographed(ANIMALS[number], split)
    for _ in range(count):
        thing = things[draw.integers(len(things))]
        yield weathered(pasted(thing, ground(split, draw, without_animals=True), draw, mirror=True), draw, 0.8)


def objects(number: int, split: str, count: int, draw: Draw) -> Iterator[Image.Image]:
    """Drawn by two artists to learn from, by a third for validation, by a fourth for the test; on photos and paper."""
    columns = {"train": (0, 1), "val": (2,), "test": (3,)}[split]
    for _ in range(count):
        thing = Image.fromarray(tiles("objects")[number, columns[draw.integers(len(columns))]])
        light = Image.new("RGB", (SIDE, SIDE), tuple(draw.integers(200, 256, 3).tolist()))
        below = light if draw.random() < 0.5 else Image.blend(ground(split, draw), light, 0.4)
        yield weathered(pasted(thing, below, draw, mirror=True), draw, 0.6)


DOMAINS = {
    "textures": Recipe(textures, TEXTURES, "ten painted textures, three photographed", "DTD",
                       "painted ones are always new; of three there is one photo, cut in pieces"),
    "animals": Recipe(animals, ANIMALS, "animals cut out of photos, on other photos", "ImageNet",
                      "the animals' photos and the backgrounds; kinds with three animals or fewer to learn from have "
                      "the same ones in val"),
    "objects": Recipe(objects, tuple(index()["objects"]["rows"]), "everyday things as four artists draw them",
                      "CIFAR-100", "artists")}
