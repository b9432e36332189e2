"""Domains of things: textures, animals on photos, everyday objects by several artists, people in a street, motion."""

import functools
from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image

from u3course.worlds import patterns
from u3course.worlds.decathlon.canvas import SIDE, SPLITS, Draw, Recipe, ground, pasted, tiles, weathered
from u3lab.datasets import cutouts, packed
from u3lab.images import shipped

PHOTOGRAPHED = ("brick", "grass", "gravel")
TEXTURES = (*patterns.PATTERNS, *PHOTOGRAPHED)
ANIMALS = ("bird", "fish", "insect", "ape", "bovine", "sheep", "cat", "deer", "horse", "rabbit", "pig", "rodent")
MOVING = (*ANIMALS, "tool", "fruit", "vehicle", "ball")


def textures(number: int, split: str, count: int, draw: Draw) -> Iterator[Image.Image]:
    """Painted anew each time; of brick, grass and gravel there is one photo, cut in three."""
    name, generator = TEXTURES[number], torch.Generator().manual_seed(int(draw.integers(2**31)))
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


def rank_pooled(clip: np.ndarray) -> np.ndarray:
    """A clip (T,h,w,3) uint8 as one picture (h,w,3) uint8, its dynamic image Σ_t α_t x_t, α_t = 2t − T − 1.

    It reaches from 0 to 255. Grey is where nothing moves; bright is what a pixel came to be, dark what it was.
    Approximate rank pooling: Bilen, Fernando, Gavves, Vedaldi & Gould, Dynamic image networks for action recognition,
    CVPR 2016, equation 3 in its simple form.
    """
    alpha = 2 * np.arange(1, len(clip) + 1, dtype=np.float32) - len(clip) - 1
    pooled = np.tensordot(alpha, clip.astype(np.float32), 1)
    return np.clip(128 + 127 * pooled / max(np.abs(pooled).max(), 1), 0, 255).astype(np.uint8)


def people(number: int, split: str, count: int, draw: Draw) -> Iterator[Image.Image]:
    """Crops of a film with a fixed camera: somebody, or nobody where somebody is at another time.

    Grey and some twenty pixels tall, as pedestrians are to a car; with more pixels anybody tells them apart.
    """
    for tile in _of_split("street", number, split)[:count]:
        seen = Image.fromarray(tile).convert("L")
        if draw.random() < 0.5:
            seen = seen.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        side, (left, top) = int(draw.integers(12, 25)), draw.integers(0, 17, 2).tolist()
        small = np.asarray(seen.resize((side, side), Image.Resampling.BILINEAR, (left, top, left + 48, top + 48)))
        grain = draw.normal(0, draw.uniform(4, 24), small.shape)
        faded = 128 + draw.uniform(0.25, 0.8) * (small - 128.0) + draw.normal(0, 20) + grain
        faded = Image.fromarray(np.clip(faded, 0, 255).astype(np.uint8))
        yield faded.resize((SIDE, SIDE), Image.Resampling.BICUBIC).convert("RGB")


def _of_split(name: str, row: int, split: str) -> np.ndarray:
    """The tiles of a sheet whose columns are the splits, one after the other."""
    columns = packed.index("decathlon")[name]["columns"]
    first = sum(columns[other] for other in SPLITS[: SPLITS.index(split)])
    return tiles(name)[row, first : first + columns[split]]


# class → change a frame of x, y (shares of the side), of the size (a factor), of the angle (degrees)
MOTIONS = {"left": (-0.04, 0, 1, 0), "right": (0.04, 0, 1, 0), "up": (0, -0.04, 1, 0), "down": (0, 0.04, 1, 0),
           "nearer": (0, 0, 1.09, 0), "farther": (0, 0, 1 / 1.09, 0), "clockwise": (0, 0, 1, -9),
           "anticlockwise": (0, 0, 1, 9), "swinging": (0, 0, 1, 0), "still": (0, 0, 1, 0)}
FRAMES = 10


def dynamic_images(number: int, split: str, count: int, draw: Draw) -> Iterator[Image.Image]:
    """Clips as one picture each: things that move on photos, and for left and right some people who really walk."""
    way = list(MOTIONS)[number]
    walked = _of_split("walks", ("left", "right").index(way), split) if way in ("left", "right") else ()
    yield from map(Image.fromarray, walked[: count // 2])
    things = [thing for kind in MOVING for thing in photographed(kind, split)]
    for _ in range(count - min(len(walked), count // 2)):
        yield Image.fromarray(rank_pooled(clip(way, things[draw.integers(len(things))], split, draw)))


def clip(way: str, thing: Image.Image, split: str, draw: Draw) -> np.ndarray:
    """(10,64,64,3) uint8: the thing moves, the photo behind it trembles a little."""
    right, down, growth, turn = MOTIONS[way]
    speed, size = draw.uniform(0.6, 1.4), draw.uniform(0.35, 0.6)
    x, y, phase = draw.uniform(0.35, 0.65), draw.uniform(0.35, 0.65), draw.uniform(0, 2 * np.pi)
    behind = np.asarray(ground(split, draw, without_animals=True))
    if draw.random() < 0.5:
        thing = thing.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    frames = []
    for t in np.arange(FRAMES) - (FRAMES - 1) / 2:
        frame = Image.fromarray(np.roll(behind, draw.integers(-1, 2, 2) if draw.random() < 0.2 else (0, 0), (0, 1)))
        longest = np.clip(size * growth ** (speed * t), 0.1, 1.2) * SIDE
        now = thing.resize([max(1, round(side * longest / max(thing.size))) for side in thing.size],
                           Image.Resampling.BILINEAR, None, 2)
        swing = 25 * np.sin(phase + 2 * np.pi * speed * t / 5) if way == "swinging" else 0
        now = now.rotate(speed * turn * t + swing, Image.Resampling.BILINEAR, expand=True)
        at = [round(SIDE * (start + speed * step * t) - side / 2)
              for start, step, side in zip((x, y), (right, down), now.size, strict=True)]
        frame.paste(now, at, now)
        frames.append(np.asarray(frame))
    return np.clip(np.stack(frames) + draw.normal(0, 3, (FRAMES, SIDE, SIDE, 1)), 0, 255).astype(np.uint8)


DOMAINS = {  # like DTD, ImageNet, CIFAR-100, Daimler pedestrians and UCF-101's dynamic images in the benchmark
    "textures": Recipe(textures, TEXTURES, "painted ones are always new; of three there is one photo, cut in pieces"),
    "animals": Recipe(animals, ANIMALS, "the animals' photos and the backgrounds; kinds with three animals or fewer to "
                      "learn from have the same ones in val"),
    "objects": Recipe(objects, tuple(packed.index("decathlon")["objects"]["rows"]), "artists"),
    "people": Recipe(people, ("person", "nobody"), "time: the test's are of the last quarter of the film",
                     (130, 30, 60)),
    "motion": Recipe(dynamic_images, tuple(MOTIONS), "the things' photos and the backgrounds; for walkers time")}
