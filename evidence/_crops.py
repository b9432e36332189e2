"""Pictures without end, cut and pasted together from all that ships to learn from: what one network teaches another by.

The pictures of the decathlon are not among them, nor any photo, thing or texture that is held out elsewhere.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from u3course.worlds import composing
from u3course.worlds.composing import pick, uniform
from u3lab import images
from u3lab.datasets import cutouts, photos
from u3lab.datasets.cutouts import Cutout
from u3lab.images import cropping

SCENES, SCENE_SIDE = 800, 192  # pictures of the pocket Broden: textures, words, faces and things on photos
SHARES = (0.45, 0.35)  # of the pictures that are photos, and photos with a thing on them; scenes are the rest
AREA = (0.2, 1.0)  # share of the largest square in a picture
COLOUR = 0.3  # how far brightness, contrast and saturation go up and down


class Stock(NamedTuple):
    """Photos (3,H,W), things without background, and scenes (3,S,S)."""

    photos: list[Tensor]
    things: list[Cutout]
    scenes: list[Tensor]


ALIKE, SMALL = 0.05, (16, 16)  # mean difference at so many pixels below which two pictures are one


def named(split: str | None = None) -> dict[str, Callable[[str], Tensor]]:
    """The names of all photos and everyday pictures, or of those of a split, each with what loads it, (1,3,H,W)."""
    everyday = images.names("everyday") if split is None else cropping.sources()[split == "test"]
    return dict.fromkeys(photos.names(split=split), photos.load) | dict.fromkeys(everyday, images.load)


def stock(scenes: int, seed: int, folder: str | Path | None = None, *, without: Iterable[Tensor] = ()) -> Stock:
    """All that there is to learn from, in memory: 0.6 GB. A folder of tools/training_photos.py adds 1.2 GB.

    Photos that look like one of those ``without``, (1,3,H,W) each, are left out.
    """
    generator = torch.Generator().manual_seed(seed)
    whole = [photos.load(name)[0] for name in photos.names(split="train")]
    whole += [images.load(name)[0] for name in cropping.sources()[0]]
    things = [cutouts.load(name) for name in cutouts.names(split="train")]
    if folder:
        whole += [images.load(path)[0] for path in sorted(Path(folder, "photos").iterdir())]
        things += [cutouts.on_white(Image.open(path)) for path in sorted(Path(folder, "things").iterdir())]
    whole = unlike(whole, [picture[0] for picture in without])
    return Stock(whole, things, [composing.compose(SCENE_SIDE, "train", generator)[0] for _ in range(scenes)])


def unlike(given: list[Tensor], others: list[Tensor]) -> list[Tensor]:
    """Those of the pictures (3,H,W) that look like none of the others."""
    def small(picture: Tensor) -> Tensor:
        return F.interpolate(picture[None], size=SMALL, mode="area")

    judges = [small(other) for other in others]
    return [one for one in given if all((small(one) - other).abs().mean() >= ALIKE for other in judges)]


def held_out(size: int, each: int, seed: int) -> Tensor:
    """Squares of the photos that nothing is learnt from, (N·each,3,size,size)."""
    generator = torch.Generator().manual_seed(seed)
    whole = [photos.load(name)[0] for name in photos.names(split="test")]
    whole += [images.load(name)[0] for name in cropping.sources()[1]]
    return torch.stack([cut(picture, size, (0.5, 1.0), generator) for picture in whole for _ in range(each)])


def batches(given: Stock, size: int, count: int, *, seed: int, mixed: bool = True) -> Iterator[Tensor]:
    """Batches (count,3,size,size) in [0,1] without end. ``mixed``: half of them shine through their neighbour.

    A teacher can be asked about any picture, and the more there are, the more it teaches (Beyer et al., Knowledge
    distillation: a good teacher is patient and consistent, CVPR 2022).
    """
    generator = torch.Generator().manual_seed(seed)
    while True:
        x = torch.stack([_picture(given, size, generator) for _ in range(count)])
        x = _coloured(x, generator)
        if not mixed:
            yield x
            continue
        share = (0.5 + torch.rand(count, 1, 1, 1, generator=generator)).clamp(max=1)
        yield x.roll(1, 0).lerp(x, share)


def _picture(given: Stock, size: int, generator: torch.Generator) -> Tensor:
    chance = uniform(generator, 0, 1)
    if chance > sum(SHARES) and given.scenes:
        return cut(pick(given.scenes, generator), size, AREA, generator)
    x = cut(pick(given.photos, generator), size, AREA, generator)
    if chance < SHARES[0]:
        return x
    place = {key: uniform(generator, 0.25, 0.75) for key in "xy"}
    return cutouts.paste(pick(given.things, generator), x[None], size=uniform(generator, 0.35, 1.1), **place,
                         mirror=uniform(generator, 0, 1) < 0.5).images[0]


def cut(picture: Tensor, size: int, area: tuple[float, float], generator: torch.Generator) -> Tensor:
    """A part of a picture, up to a third longer than wide or wider than long, as a square; half are mirrored."""
    side = min(picture.shape[1:]) * math.sqrt(uniform(generator, *area))
    stretch = math.exp(uniform(generator, -0.14, 0.14))
    height, width = (min(round(side * by), n) for by, n in zip((stretch, 1 / stretch), picture.shape[1:], strict=True))
    top, left = (int(uniform(generator, 0, 1) * (n - part + 1)) for n, part in zip(
        picture.shape[1:], (height, width), strict=True))
    x = picture[None, :, top : top + height, left : left + width]
    x = F.interpolate(x, size=(size, size), mode="bilinear", antialias=True, align_corners=False)[0].clamp(0, 1)
    return x.flip(-1) if uniform(generator, 0, 1) < 0.5 else x


def _coloured(x: Tensor, generator: torch.Generator) -> Tensor:
    """Brightness, contrast and saturation of each picture changed by a little."""
    light, contrast, colour = 1 + COLOUR * (2 * torch.rand(3, len(x), 1, 1, 1, generator=generator) - 1)
    x = x * light
    mean = x.mean((1, 2, 3), keepdim=True)
    x = mean + contrast * (x - mean)
    grey = x.mean(1, keepdim=True)
    return (grey + colour * (x - grey)).clamp(0, 1)
