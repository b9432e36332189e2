"""Random views of pictures: squares cut out of those that ship; a picture shifted, nearer, farther at each step."""

from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.checks import each, floats, is_a, listed, number, room, whole
from u3lab.images import loading, shipped

GENERATOR = "give torch.Generator().manual_seed(0)"


def sources() -> tuple[list[str], list[str]]:
    """Names of the everyday pictures to fit on and of those held out: every third. No picture is in both."""
    names = shipped.names("everyday")
    held_out = names[2::3]
    return [name for name in names if name not in held_out], held_out


def crops(names: Iterable[str], size: int, *, count: int = 8, seed: int = 0) -> Tensor:
    """``count`` random squares of each picture, (len(names)·count,3,size,size) in [0,1]: at most 50 million pixels.

    A square covers between two thirds and all of the picture's shorter side.
    """
    names, count, size = listed("names", names), whole("count", count), whole("size", size)
    room(f"size = {size}", size, size, len(names) * count)
    generator = torch.Generator().manual_seed(whole("seed", seed, 0))
    made = [_square(picture, size, generator) for picture in map(loading.load, names) for _ in range(count)]
    return torch.cat(made)


def _square(picture: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """A random square of a picture, with two thirds to all of its shorter side."""
    share, down, right = torch.rand(3, generator=generator).tolist()
    side = round(min(picture.shape[-2:]) * (2 / 3 + (1 - 2 / 3) * share))
    top, left = (round(at * (n - side)) for at, n in zip((down, right), picture.shape[-2:], strict=True))
    return loading.resize(picture[..., top : top + side, left : left + side], size).clamp(0, 1)


def shift(images: Tensor, reach: int | Sequence[int], generator: torch.Generator) -> Tensor:
    """The pictures (B,C,H,W), or volumes, moved by up to ``reach`` pixels each way; the border is repeated.

    ``reach`` is one number, or one for each axis.
    """
    floats("shift", images, volumes=True)
    is_a("generator", generator, torch.Generator, GENERATOR)
    reaches, pads, window = each("reach", reach, images.ndim - 2, whole, low=0), [], [...]
    if not any(reaches):
        return images
    for side, most in zip(images.shape[2:], reaches, strict=True):
        by = torch.randint(0, 2 * most + 1, (), generator=generator).item() - most
        by = max(1 - side, min(side - 1, by))  # padded only where it shows: beyond the other border, all is that border
        pads = [max(-by, 0), max(by, 0), *pads]
        window.append(slice(max(by, 0), max(by, 0) + side))
    return F.pad(images, pads, mode="replicate")[tuple(window)]


def zoom(images: Tensor, most: float, generator: torch.Generator, *, sizes: int = 8) -> Tensor:
    """The pictures (B,C,H,W) made smaller or larger by up to the share ``most``, with as many more or fewer pixels.

    Only so many sizes are drawn from, evenly spaced: a network works fastest at sizes that it has met before.
    ``most`` is from 0 to 0.9.
    """
    floats("zoom", images)
    is_a("generator", generator, torch.Generator, GENERATOR)
    most, sizes = number("most", most, 0, 0.9), whole("sizes", sizes, 2)
    if most == 0:
        return images
    at = torch.randint(0, sizes, (), generator=generator).item() / (sizes - 1)
    factor = 1 + most * (2 * at - 1)
    size = [max(1, round(side * factor)) for side in images.shape[-2:]]
    room(f"most = {most}", *size, len(images))
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=factor < 1)
