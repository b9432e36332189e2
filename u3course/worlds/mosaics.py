"""Pictures with a label for each pixel, made to be segmented: mosaics of real textures, and made satellite scenes.

    images, labels = textures(8, seed=0)        # (8,3,96,96) in [0,1]; (8,96,96), from 0 to 2
    images, labels = satellite(8, seed=0)       # the same, from 0 to 3

The textures are cut from the shipped photos of bricks, grass and gravel (Brodatz's album's successors in scikit-image),
brought to one mean and contrast, so that grey values alone say little. The satellite scenes are drawn.
"""

import math
from collections.abc import Callable
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab import images as _images
from u3lab.checks import room, whole

TEXTURES = ("brick", "grass", "gravel")
LAND = ("water", "forest", "field", "town")
SCALE = 0.6  # of the photos' 320 pixels, so that some bricks and many stones are in each region
MEAN, SPREAD = 0.5, 0.18
PARTS = 4  # regions of a picture
COLOURS = {"water": (0.15, 0.28, 0.42), "forest": (0.16, 0.32, 0.16), "field": (0.52, 0.47, 0.27),
           "town": (0.50, 0.47, 0.46)}
ROUGH = {"water": (0.04, 3), "forest": (0.35, 4)}  # strength of waves and of crowns, and their pixels


def textures(count: int, size: int = 96, *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Mosaics of bricks, grass and gravel, each part cut anywhere from its photo, some mirrored.

    Returns pictures (count,3,size,size) and the number of its texture in ``TEXTURES`` for each pixel.
    """
    images, labels, _ = _put_together(count, size, seed, TEXTURES, _cuts)
    return images.expand(-1, 3, -1, -1).clone(), labels


def satellite(count: int, size: int = 96, *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Made scenes as from above: water, forest, ploughed fields and a town. They are drawn, not photographed.

    Returns pictures (count,3,size,size) and the number of its land in ``LAND`` for each pixel.
    """
    images, labels, generator = _put_together(count, size, seed, LAND, _land)
    return (images * (0.85 + 0.3 * torch.rand(count, 1, 1, 1, generator=generator))).clamp(0, 1), labels


def regions(count: int, size: int, kinds: int, generator: torch.Generator) -> Tensor:
    """Maps (count,size,size) of numbers 0 … kinds − 1: a pixel is of the kind of the nearest of some random centres."""
    centres = size * torch.rand(count, PARTS, 2, generator=generator)
    kind = torch.stack([torch.randperm(PARTS, generator=generator) % kinds for _ in range(count)])
    places = torch.stack(torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij"), -1).float()
    return kind.gather(1, torch.cdist(places.view(1, -1, 2) + 0.5, centres).argmin(2)).view(count, size, size)


def _put_together(count: int, size: int, seed: int, kinds: tuple[str, ...],
                  sheets: Callable[..., Tensor]) -> tuple[Tensor, Tensor, torch.Generator]:
    """Pictures (count,C,size,size): of each pixel the value in the sheet of its kind; the kinds; and what drew them."""
    count, size = whole("count", count), whole("size", size, 8, 160)
    room("count", size, size, count)
    generator = torch.Generator().manual_seed(whole("seed", seed, 0))
    labels = regions(count, size, len(kinds), generator)
    drawn = [sheets(name, count, size, generator) for name in kinds]
    return sum(sheet * (labels == kind)[:, None] for kind, sheet in enumerate(drawn)), labels, generator


@cache
def _photo(name: str) -> Tensor:
    """A texture (H,W), smaller, without what changes slowly, and with one mean and contrast."""
    grey = _images.load(name).mean(1, keepdim=True)
    grey = _images.resize(grey, round(SCALE * min(grey.shape[-2:])))
    flat = grey - _images.blur(grey, 12.0)
    return ((flat - flat.mean()) / flat.std() * SPREAD + MEAN).clamp(0, 1)[0, 0]


def _cuts(name: str, count: int, size: int, generator: torch.Generator) -> Tensor:
    photo, found = _photo(name), []
    for _ in range(count):
        y, x = (int(torch.randint(side - size + 1, (), generator=generator)) for side in photo.shape)
        cut = photo[y:y + size, x:x + size]
        found.append(cut.flip(1) if torch.rand((), generator=generator) < 0.5 else cut)
    return torch.stack(found)[:, None]


def _land(name: str, count: int, size: int, generator: torch.Generator) -> Tensor:
    """Sheets (count,3,size,size) of one kind of land: its colour, brighter and darker as its texture says."""
    texture = (_furrows(count, size, generator) if name == "field" else _blocks(count, size, generator)
               if name == "town" else ROUGH[name][0] * _noise(count, size, size // ROUGH[name][1], generator))
    shade = 0.12 * torch.randn(count, 1, 1, 1, generator=generator)  # fields and waters differ from one to the next
    return (torch.tensor(COLOURS[name]).view(1, 3, 1, 1) * (1 + texture + shade)).clamp(0, 1)


def _noise(count: int, size: int, cells: int, generator: torch.Generator) -> Tensor:
    coarse = torch.randn(count, 1, cells, cells, generator=generator)
    return F.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=False)


def _furrows(count: int, size: int, generator: torch.Generator) -> Tensor:
    angle = math.pi * torch.rand(count, 1, 1, 1, generator=generator)
    y, x = torch.meshgrid(torch.arange(size).float(), torch.arange(size).float(), indexing="ij")
    return 0.2 * torch.sin(2 * math.pi / 5 * (x * angle.cos() + y * angle.sin()))


def _blocks(count: int, size: int, generator: torch.Generator) -> Tensor:
    """Roofs of all shades between dark streets."""
    cells = -(-size // 8)
    roofs = F.interpolate(0.35 * torch.randn(count, 1, cells, cells, generator=generator), scale_factor=8)
    street = torch.arange(size) % 8 < 2
    return torch.where(street[:, None] | street, -0.5, roofs[..., :size, :size])
