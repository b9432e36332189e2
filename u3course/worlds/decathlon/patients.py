"""The domain of patients: squares of their scans, by what lies in the middle; and by whether a lesion does."""

import functools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

from u3course.worlds.decathlon.canvas import SIDE, Draw, Recipe
from u3lab.datasets import scans

TRAIN, TEST = ("brain1", "lung1"), ("brain2", "lung2")
MILLIMETRES = (50, 70)  # side of a square
WIDER = 80  # pixels
FAR = 6  # mm at least from a square without a lesion's centre to the nearest outline, beyond its half side
BRAIN, CHEST = ("brain", "edge of the head"), ("lung", "chest wall", "deep in the chest")


class Slice(NamedTuple):
    """Grey values (H,W,3); where which region is, where the lesion, where a healthy square may lie; mm a pixel."""

    grey: np.ndarray
    regions: dict[str, np.ndarray]
    lesion: np.ndarray
    healthy: np.ndarray
    step: float


@functools.cache
def slices(name: str, split: str) -> tuple[Slice, ...]:
    """Slices of a patient, with masks (H,W) of bool.

    Of the patients to learn from, every fourth slice with a lesion and every fourth without one is for validation.
    """
    scan = scans.load(name)
    shown = scan.masks.flatten(1).any(1).numpy()
    place = np.where(shown, np.cumsum(shown), np.cumsum(~shown)) - 1
    kept = [k for k in range(len(shown)) if split == "test" or (place[k] % 4 == 2) == (split == "val")]
    step, found = scan.spacing[1], []
    for k in kept:
        lesion, values = scan.masks[k, 0].numpy(), scan.values[k].numpy()
        shade = (values + 1000) / 1600 if scan.modality == "CT" else scan.images[k, 0].numpy()  # air to bone
        grey = np.repeat((255 * shade.clip(0, 1)).astype(np.uint8)[..., None], 3, 2)
        body = ndimage.binary_fill_holes(values > (-300 if scan.modality == "CT" else 60))
        depth = ndimage.distance_transform_edt(np.pad(body, 1))[1:-1, 1:-1] * step  # beyond the picture is no body
        inner = depth > 12
        if scan.modality == "CT":
            inner &= ndimage.binary_closing(values < -600, iterations=5)  # the lungs, with their vessels
            from_lung = ndimage.distance_transform_edt(~inner) * step
            regions = {"lung": ndimage.distance_transform_edt(inner) * step > 8,
                       "chest wall": body & (depth < 30) & (0 < from_lung) & (from_lung < 25),
                       "deep in the chest": (depth > 45) & (from_lung > 5)}
        else:
            regions = {"brain": depth > 30, "edge of the head": body & (depth < 8)}
        away = ndimage.distance_transform_edt(~lesion) * step > MILLIMETRES[1] / 2 + FAR if lesion.any() else True
        found.append(Slice(grey, regions, lesion, inner & away, step))
    return tuple(found)


def patients(number: int, split: str, count: int, draw: Draw) -> Iterator[Image.Image]:
    """Squares with a region in the middle."""
    region = (*BRAIN, *CHEST)[number]
    yield from _squares(int(region in CHEST), split, count, draw, lambda one: one.regions[region])


def lesions(organ: int, number: int, split: str, count: int, draw: Draw) -> Iterator[Image.Image]:
    """Squares of a brain (0) or a chest (1) with a lesion in the middle, or with none in sight."""
    yield from _squares(organ, split, count, draw, lambda one: one.lesion if number else one.healthy)


def _squares(organ: int, split: str, count: int, draw: Draw,
             where: Callable[[Slice], np.ndarray]) -> Iterator[Image.Image]:
    found = slices((TEST if split == "test" else TRAIN)[organ], split)
    ready = [(one, mask) for one in found if (mask := where(one)).any()]
    for _ in range(count):
        yield square(*ready[draw.integers(len(ready))], draw)


def square(one: Slice, mask: np.ndarray, draw: Draw) -> Image.Image:
    """A square whose middle is in the mask; turned a little, mirrored or not, a little brighter or darker."""
    rows, columns = np.nonzero(mask)
    chosen, half = draw.integers(len(rows)), draw.uniform(*MILLIMETRES) / one.step / 2
    around = half * WIDER / SIDE  # more than is wanted, so that a turned square has no empty corners
    box = (columns[chosen] - around, rows[chosen] - around, columns[chosen] + around, rows[chosen] + around)
    picture = Image.fromarray(one.grey).transform((WIDER, WIDER), Image.Transform.EXTENT, box,
                                                  Image.Resampling.BILINEAR)
    picture = picture.rotate(draw.uniform(-12, 12), Image.Resampling.BILINEAR)
    rest = (WIDER - SIDE) // 2
    picture = picture.crop((rest, rest, rest + SIDE, rest + SIDE))
    if draw.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    bright = np.asarray(picture) * draw.uniform(0.8, 1.2) + draw.normal(0, 3, (SIDE, SIDE, 1))
    return Image.fromarray(np.clip(bright, 0, 255).astype(np.uint8))


_SPLIT = "patients: one {} to learn from (every fourth slice to choose with), another for the test"
DOMAINS = {"patients": Recipe(patients, (*BRAIN, *CHEST), _SPLIT.format("brain and one pair of lungs"))}
LESIONS = {f"{organ} lesions": Recipe(functools.partial(lesions, n), ("no lesion", "lesion"), _SPLIT.format(organ))
           for n, organ in enumerate(("brain", "chest"))}
