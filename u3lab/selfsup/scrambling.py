"""Cut a picture into tiles, and ask how they lay: who knows that a head is above its legs can tell.

*Relative position*: Doersch, Gupta & Efros, Unsupervised visual representation learning by context prediction, ICCV
2015. *Jigsaw*: Noroozi & Favaro, Unsupervised learning of visual representations by solving jigsaw puzzles, ECCV 2016.

Both papers found networks that cheat, and what helps: edges that go on in the next tile (a gap between tiles, and
jitter), brightness that does (each tile brought to the same mean and spread), and the colours' fringes, which a lens
makes wider away from the middle of a picture, so that a single tile tells where it lay (colours dropped).
"""

import functools
import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.checks import floats, number, whole
from u3lab.errors import U3Error
from u3lab.selfsup import views
from u3lab.training.tasks import Joined, Posed, Task

ACROSS = 3
DIRECTIONS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))  # down, right; from the first tile
GREY, SPREAD, FLAT = 0.5, 1 / 6, 0.02
MOST_TILES, MOST_COUNT = 9, 2000  # 9! = 362,880 permutations are compared each time, in some milliseconds


def permutations(count: int = 24, tiles: int = 9, *, seed: int = 0) -> Tensor:
    """So many permutations of ``tiles`` that are far from each other, (count,tiles).

    Greedily: the first is drawn, and each further one is, of all tiles! there are, the farthest from those that are
    chosen already, in the Hamming distance to the nearest of them; of several the one farthest from all of them, and of
    those the first in an order that is drawn. The paper takes the mean, which leaves some that are nearly equal.
    """
    tiles = whole("tiles", tiles, 2, MOST_TILES)
    count = whole("count", count, 2, min(math.factorial(tiles), MOST_COUNT))
    return _permutations(count, tiles, whole("seed", seed, 0))


@functools.cache
def _permutations(count: int, tiles: int, seed: int) -> Tensor:
    every = torch.tensor(list(itertools.permutations(range(tiles))), dtype=torch.uint8)
    columns = every[torch.randperm(len(every), generator=torch.Generator().manual_seed(seed))].T.contiguous()
    nearest = torch.full((columns.shape[1],), tiles, dtype=torch.uint8)
    total, chosen = torch.zeros(columns.shape[1]), [0]
    while len(chosen) < count:
        distance = torch.zeros_like(nearest)
        for column in columns:
            distance += column != column[chosen[-1]]
        nearest, total = torch.minimum(nearest, distance), total + distance / (count * tiles)  # a sum below 1
        chosen.append(int((nearest + total).where(nearest > 0, -1).argmax()))
    return columns[:, chosen].T.long().contiguous()


def aberrated(images: Tensor, strength: float = 0.02) -> Tensor:
    """Pictures (B,3,H,W) as through a cheap lens: red larger and blue smaller than green by the share ``strength``.

    The shift grows with the distance from the middle, up to ``strength`` times half the side at an edge.
    """
    floats("aberrated", images)
    if images.shape[1] != 3:
        raise U3Error(f"aberrated takes pictures in colour (B,3,H,W); these have the shape {tuple(images.shape)}")
    strength = number("strength", strength, 0, 0.5)
    shape = [len(images), 1, *images.shape[2:]]
    channels = []
    for n, scale in enumerate((1 / (1 + strength), 1.0, 1 + strength)):
        theta = torch.eye(2, 3).to(images) * scale
        grid = F.affine_grid(theta.expand(len(images), 2, 3), shape, align_corners=False)
        channels.append(F.grid_sample(images[:, n : n + 1], grid, padding_mode="border", align_corners=False))
    return torch.cat(channels, 1)


def jigsaw(count: int = 24, *, tile: int = 16, gap: int = 5, drop_colour: float = 0.5) -> Task:
    """The task of telling which of ``count`` permutations has scrambled 3×3 tiles.

    Args:
        count: Permutations, from :func:`permutations`.
        tile: Pixels on a tile's side.
        gap: Pixels between tiles on average: each lies anywhere in a cell of tile + gap. With 0, edges go on in the
            next.
        drop_colour: Share of the pictures of which one channel is left, in place of all three; then no fringes can be
            seen.
    """
    count, drop_colour = whole("count", count, 2, MOST_COUNT), number("drop_colour", drop_colour, 0, 1)
    tile, gap = whole("tile", tile, 8, 512), whole("gap", gap, 0, 512)

    def pose(images: Tensor, generator: torch.Generator) -> Posed:
        _room(images, ACROSS * (tile + gap))
        chosen = permutations(count, ACROSS**2)  # now, not at the import: the first time takes a quarter second
        answer = torch.randperm(len(images), generator=generator) % count
        place = torch.randint(gap + 1, (2, len(images), ACROSS**2), generator=generator)
        first = torch.tensor([(n - ACROSS * (tile + gap)) // 2 for n in images.shape[-2:]])
        cell = torch.stack(torch.meshgrid(*[torch.arange(ACROSS)] * 2, indexing="ij")).flatten(1) * (tile + gap)
        at = place + cell[:, None] + first[:, None, None]
        at = at.gather(2, chosen[answer].expand(2, -1, -1))  # the tile at place n is the one that lay at σ(n)
        return Posed(defended_tiles(images, *at, tile, drop_colour, generator), answer.to(images.device))

    return Task(pose, lambda channels: Joined(channels, ACROSS**2, count), chance=1 / count)


def relative_position(*, tile: int = 24, gap: int = 8, jitter: int = 4, drop_colour: float = 0.5) -> Task:
    """The task of telling at which of eight sides of one tile another one lay.

    The pair lies anywhere in the picture, the second tile's ``tile`` pixels ``gap`` pixels from the first, give or take
    ``jitter`` either way. ``drop_colour`` as in :func:`jigsaw`.
    """
    drop_colour = number("drop_colour", drop_colour, 0, 1)
    tile, gap = whole("tile", tile, 8, 512), whole("gap", gap, 0, 512)
    jitter = whole("jitter", jitter, 0, gap)
    directions = torch.tensor(DIRECTIONS)

    def pose(images: Tensor, generator: torch.Generator) -> Posed:
        _room(images, 2 * tile + gap + jitter)
        answer = torch.randperm(len(images), generator=generator) % len(DIRECTIONS)
        second = directions[answer] * (tile + gap) + torch.randint(
            -jitter, jitter + 1, (len(images), 2), generator=generator)
        corners = torch.stack([torch.zeros_like(second), second])  # (2,B,2): of both tiles, down and right
        low, high = corners.amin(0), corners.amax(0) + tile
        slack = torch.tensor(images.shape[-2:]) - (high - low)
        start = (torch.rand(slack.shape, generator=generator) * (slack + 1)).long() - low
        top, left = (corners + start).unbind(2)
        return Posed(defended_tiles(images, top.T, left.T, tile, drop_colour, generator), answer.to(images.device))

    return Task(pose, lambda channels: Joined(channels, 2, len(DIRECTIONS)), chance=1 / len(DIRECTIONS))


def defended_tiles(images: Tensor, top: Tensor, left: Tensor, tile: int, drop_colour: float,
                   generator: torch.Generator) -> Tensor:
    """Tiles without what would give their places away: of some one channel is left, and all are normalised."""
    found = views.tiles(images, top, left, tile, tile)
    channel = torch.randint(3, (len(found),), generator=generator)
    dropped = torch.rand(len(found), 1, 1, 1, 1, generator=generator) < drop_colour
    one = found[torch.arange(len(found)), :, channel.to(found.device), None]
    return normalised(torch.where(dropped.to(found.device), one, found))


def normalised(tiles: Tensor) -> Tensor:
    """Each channel of each tile (…,C,h,w) at mean 1/2 and spread 1/6; what is beyond three spreads is cut off."""
    mean, spread = tiles.mean((-2, -1), keepdim=True), tiles.std((-2, -1), keepdim=True, unbiased=False)
    return (GREY + SPREAD * (tiles - mean) / spread.clamp(min=FLAT)).clamp(0, 1)


def _room(images: Tensor, least: int) -> None:
    height, width = images.shape[-2:]
    if min(height, width) < least:
        raise U3Error(f"these tiles and gaps take {least}×{least} pixels and the pictures have {height}×{width}; give "
                      "larger pictures, or make the tiles smaller")


RELATIVE_POSITION, JIGSAW = relative_position(), jigsaw()
