"""The domain of patients: squares of their scans with a lesion in the middle, or without one."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
from PIL import Image
from scipy import ndimage

from u3lab.datasets import scans
from u3lab.datasets.decathlon.drawing import SIDE, Draw, Recipe

TRAIN, TEST = ("brain1", "lung1"), ("brain2", "lung2")
MILLIMETRES = (50, 70)  # side of a square
WIDER = 80  # pixels
FAR = 6  # mm at least from a square without a lesion's centre to the nearest outline, beyond its half side


@functools.cache
def slices(name: str, split: str) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray, float], ...]:
    """Grey values (H,W,3), the lesion and where a healthy square may lie (both H,W bool), and mm a pixel.

    Of the patients to learn from, every fourth slice with a lesion and every fourth without one is for validation.
    """
    scan = scans.load(name)
    shown = scan.masks.flatten(1).any(1).numpy()
    place = np.where(shown, np.cumsum(shown), np.cumsum(~shown)) - 1
    kept = [k for k in range(len(shown)) if split == "test" or (place[k] % 4 == 2) == (split == "val")]
    step = scan.spacing[1]
    found = []
    for k in kept:
        grey = (255 * scan.images[k].permute(1, 2, 0).numpy()).astype(np.uint8)
        lesion = scan.masks[k, 0].numpy()
        values = scan.values[k].numpy()
        body = ndimage.binary_fill_holes(values > (-300 if scan.modality == "CT" else 60))
        inner = ndimage.distance_transform_edt(body) * step > 12
        if scan.modality == "CT":  # in the lungs, with their vessels
            inner &= ndimage.binary_closing(values < -600, iterations=5)
        away = ndimage.distance_transform_edt(~lesion) * step > MILLIMETRES[1] / 2 + FAR if lesion.any() else True
        found.append((grey, lesion, inner & away, step))
    return tuple(found)


def patients(number: int, split: str, count: int, draw: Draw) -> Iterator[Image.Image]:
    """Half of the squares from a brain, half from lungs; turned a little, mirrored, a little brighter or darker."""
    for n in range(count):
        name = (TEST if split == "test" else TRAIN)[n % 2]
        ready = [one for one in slices(name, split) if one[2 - number].any()]
        grey, lesion, healthy, step = ready[draw.integers(len(ready))]
        rows, columns = np.nonzero(lesion if number else healthy)
        chosen = draw.integers(len(rows))
        half = draw.uniform(*MILLIMETRES) / step / 2
        around = half * WIDER / SIDE  # more than is wanted, so that a turned square has no empty corners
        box = (columns[chosen] - around, rows[chosen] - around, columns[chosen] + around, rows[chosen] + around)
        picture = Image.fromarray(grey).transform((WIDER, WIDER), Image.Transform.EXTENT, box,
                                                  Image.Resampling.BILINEAR)
        picture = picture.rotate(draw.uniform(-12, 12), Image.Resampling.BILINEAR)
        rest = (WIDER - SIDE) // 2
        picture = picture.crop((rest, rest, rest + SIDE, rest + SIDE))
        if draw.random() < 0.5:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        bright = np.asarray(picture) * draw.uniform(0.8, 1.2) + draw.normal(0, 3, (SIDE, SIDE, 1))
        yield Image.fromarray(np.clip(bright, 0, 255).astype(np.uint8))


DOMAINS = {"patients": Recipe(patients, ("no lesion", "lesion"), "squares of scans of brains and lungs",
                              "none",
                              "patients: one brain and one pair of lungs to learn from (every fourth slice to choose "
                              "with), another of each for the test")}
