"""What do these maps mean? The grid pointing game: does a map know which of four pictures shows the class?

Pictures whose classes the network knows are set into a 2×2 mosaic. A method is asked for the class of one of them.
Its score is the share of its map that lies on the right tile: 1/4 by chance, 1 at best. The truth is exact, since we
made the mosaic ourselves (Böhle, Fritz & Schiele, Convolutional dynamic alignment networks, CVPR 2021, section 5.2;
the pointing game itself is of Zhang et al., ECCV 2016).

The lecture's warning stays: a low score blames the network and the method together.

The long table that ships is made by ``python -m evidence pointing_game``.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab import images as _images
from u3lab.checks import SIDE, is_plain, listed, room, shown, whole
from u3lab.errors import U3Error
from u3lab.measures import Interval, mean
from u3lab.nets import Classifier, ready
from u3lab.saliency.registry import Asked, named


@dataclass(frozen=True)
class Mosaic:
    """Four pictures in one (1,3,2s,2s): tiles row by row, each with its name and its class."""

    image: Tensor
    names: tuple[str, ...]
    targets: tuple[int, ...]


def known_pictures(net: Classifier, *, size: int = 128) -> dict[str, int]:
    """The shipped pictures that the network names rightly and with probability ½ or more at this size: name → class."""
    net, known, size = ready(net), {}, whole("size", size, 2, SIDE)
    for name in _images.names("everyday"):
        if label := _images.label(name):
            probability, k = net.probabilities(_images.load(name, size=size))[0].max(0)
            if probability >= 0.5 and net.classes[int(k)] == label:
                known[name] = int(k)
    return known


def mosaics(net: Classifier, count: int, *, size: int = 128, seed: int = 0) -> list[Mosaic]:
    """Mosaics of four pictures of different classes, drawn from all choices and orders by ``seed``.

    Raises:
        U3Error: If the network knows fewer than four of the shipped pictures, or fewer than one mosaic is wanted.
    """
    count, size, net = whole("count", count), whole("size", size, 2, SIDE), ready(net)
    room(f"count = {count}", 2 * size, 2 * size, count)
    known = known_pictures(net, size=size)
    if len(known) < 4:
        raise U3Error(f"{net.name} is sure of only {len(known)} shipped pictures, four are needed; "
                      "use a trained network")
    choices = list(itertools.combinations(known, 4))
    generator = torch.Generator().manual_seed(whole("seed", seed, 0))
    made = []
    for index in torch.randint(len(choices), (count,), generator=generator).tolist():
        order = torch.randperm(4, generator=generator).tolist()
        names = tuple(choices[index][i] for i in order)
        tiles = [_images.load(name, size=size) for name in names]
        rows = [torch.cat(tiles[i : i + 2], dim=-1) for i in (0, 2)]
        made.append(Mosaic(torch.cat(rows, dim=-2), names, tuple(known[name] for name in names)))
    return made


def tile_shares(heat: Tensor) -> Tensor:
    """Share of a heat map (B,1,h,w) ≥ 0 on each of the four tiles, row by row: (B,4). A map of zeros gives 1/4 each."""
    sums = F.adaptive_avg_pool2d(_even(heat), 2).flatten(1)  # four means; as shares they are the same as four sums
    total = sums.sum(1, keepdim=True)
    return torch.where(total > 0, sums / total, torch.full_like(sums, 0.25))


def _even(heat: Tensor) -> Tensor:
    """The map, if it is one, with each cell doubled: the middle of an odd grid belongs half to each tile."""
    if not is_plain(heat) or heat.ndim != 4 or heat.shape[1] != 1 or not heat.numel():
        raise U3Error(f"heat is a tensor (B,1,h,w), not {shown(heat)}; max_abs(…) or positive(…) makes it so")
    if not (heat.isfinite().all() and heat.min() >= 0):
        raise U3Error("heat is 0 or more and finite, but this map is not; max_abs(…) takes its strength, positive(…) "
                      "the evidence for the class")
    return F.interpolate(heat, scale_factor=2, mode="nearest")


def pointing_game(net: Classifier, games: Sequence[Mosaic], method: str | Asked, *, seed: int = 0) -> Interval:
    """Play the grid pointing game, every tile of every mosaic once: the mean share of a map on the right tile.

    Args:
        games: See :func:`mosaics`.
        method: A name in ``METHODS``, or a function (net, images (B,3,H,W), classes) → heat (B,1,h,w) ≥ 0.

    Returns:
        Interval: In [0,1]. It resamples *pictures*, not games: games with the same picture are not independent.
    """
    shares = target_shares(net, games, method)
    values = torch.tensor([value for of_picture in shares.values() for value in of_picture], dtype=torch.float64)
    return mean(values, [n for n, of_picture in enumerate(shares.values()) for _ in of_picture], seed=seed)


def target_shares(net: Classifier, games: Sequence[Mosaic], method: str | Asked) -> dict[str, list[float]]:
    """What :func:`pointing_game` is the mean of: picture → the share on its tile, in each game that has it."""
    net, play, by_picture = ready(net), named(method), {}
    for game in listed("games", games, Mosaic, "mosaics, such as mosaics(net, 12)"):
        heat = play(net, game.image.expand(4, -1, -1, -1), list(game.targets)).detach().cpu()
        if len(heat) != 4:
            raise U3Error(f"the method gave {len(heat)} maps for 4 pictures; give one for each")
        for name, share in zip(game.names, tile_shares(heat).diagonal().tolist(), strict=True):
            by_picture.setdefault(name, []).append(share)
    return by_picture
