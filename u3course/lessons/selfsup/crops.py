"""Notebook 02: of which of fifty photographs is a crop? Crops, three ways to code them, and what is nearest.

No encoder of chapter 2 has learnt from the photographs here: they ship, and those that it learnt from do not.
``python -m evidence crops`` trained the shipped encoder and judged it.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab import images
from u3lab.datasets import photos
from u3lab.nets import Classifier, checkpoints, extract_features
from u3lab.selfsup import encoder
from u3lab.selfsup.views import luma

NAME = "contrast"  # of the shipped weights
WIDTH, SIDE = 32, 48  # channels of the first layer; pixels of a crop
LAYERS = {"contrast": "conv5", "random weights": "conv1"}  # the best of each on the photographs that choose
VAL = 4  # every fourth photo chooses, with the everyday pictures; the others judge
EACH = {"gallery": 20, "query": 10}  # crops of each photo
SHARE = (0.5, 0.9)  # a crop's side, of the largest square in half of the photo


class Crops(NamedTuple):
    """``images`` (N,3,S,S), grey, and the number of the photo that each is cut from (N)."""

    images: Tensor
    photos: Tensor

    def few(self, each: int | None) -> "Crops":
        """The first crops of each photo, so many; without a number all."""
        count = int(self.photos.max()) + 1
        return Crops(*(one.unflatten(0, (count, -1))[:, :each].flatten(0, 1) for one in self))


def names(split: str) -> list[str]:
    """The photographs that judge ("test", fifty) or by which layers and settings are chosen ("val")."""
    every = photos.names()
    chosen = every[VAL - 1 :: VAL]
    everyday = [name for name in images.names("everyday") if name not in every]  # which would load the other picture
    return [*chosen, *everyday] if split == "val" else [name for name in every if name not in chosen]


def load(name: str) -> Tensor:
    """A photograph of either split, (1,3,H,W)."""
    return photos.load(name) if name in photos.names() else images.load(name)


@cache
def crops(split: str, part: str, size: int = SIDE) -> Crops:
    """Grey squares of each photograph: "gallery" from its left half, "query" from its right; no pixel is in both.

    The same squares for every ``size``.
    """
    generator, made = torch.Generator().manual_seed(("test", "val").index(split)), []
    for name in names(split):
        left, right = luma(load(name)).tensor_split(2, dim=3)
        for half, of in ((left, "gallery"), (right, "query")):
            drawn = torch.rand(EACH[of], 3, generator=generator)
            if of == part:
                made += [_square(half, *one.tolist(), size) for one in drawn]
    count = len(made) // EACH[part]
    return Crops(torch.cat(made).expand(-1, 3, -1, -1), torch.arange(count).repeat_interleave(EACH[part]))


def _square(picture: Tensor, size_at: float, down: float, right: float, size: int) -> Tensor:
    low, high = SHARE
    side = round((low + (high - low) * size_at) * min(picture.shape[2:]))
    top, left = (round(at * (n - side)) for at, n in zip((down, right), picture.shape[2:], strict=True))
    return images.resize(picture[..., top : top + side, left : left + side], size).clamp(0, 1)


def codes(net: Classifier, pictures: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    """Layer → mean and standard deviation of each of its C channels over each picture (N,3,H,W): (N,2C)."""
    parts = [extract_features(net, layers, some) for some in pictures.split(200)]  # which takes less room
    return {layer: torch.cat([torch.cat([part[layer].mean((2, 3)), part[layer].std((2, 3))], 1) for part in parts])
            for layer in layers}


def grey_histogram(pictures: Tensor) -> Tensor:
    """How frequent each of 16 levels is in grey pictures (N,3,H,W): square roots of shares, (N,16)."""
    level = (pictures[:, 0] * 16).long().clamp(max=15).flatten(1)
    return torch.stack([(level == k).double().mean(1) for k in range(16)], 1).sqrt().float()


def nearest(queries: Tensor, gallery: Tensor, count: int = 1) -> Tensor:
    """The numbers of the ``count`` most similar codes of the gallery (M,U) for each query (N,U): (N,count).

    Each number of a code is brought to mean 0 and spread 1 over the gallery, and codes are compared by their cosine.
    """
    mean, spread = gallery.mean(0), gallery.std(0)
    q, g = (F.normalize((one - mean) / spread.clamp_min(1e-6), dim=1) for one in (queries, gallery))
    return (q @ g.T).topk(count, dim=1).indices


@cache
def shipped() -> Classifier:
    """The encoder that contrast has taught, on photographs that do not ship; it has seen no photograph named here."""
    net = encoder(WIDTH)
    checkpoints.restore(net.module, NAME)
    return net


def coded(pictures: Tensor) -> dict[str, Tensor]:
    """Grey pictures (N,3,H,W) in three codes (N,U): the shipped encoder's, its random first weights', a histogram."""
    nets = dict(zip(LAYERS, (shipped(), encoder(WIDTH)), strict=True))
    return {name: codes(net, pictures, [LAYERS[name]])[LAYERS[name]] for name, net in nets.items()} | {
        "histogram": grey_histogram(pictures)}


class Known(NamedTuple):
    """The crops that are searched (20 of each of fifty photographs), their three codes, and what codes a query."""

    crops: Crops
    codes: dict[str, Tensor]

    def nearest(self, query: Tensor, count: int = 5) -> dict[str, list[int]]:
        """For each code the numbers of the crops most like a grey picture (1,3,S,S)."""
        asked = coded(query)
        return {name: nearest(asked[name], code, count)[0].tolist() for name, code in self.codes.items()}


def known() -> Known:
    """All that a click on one of the fifty photographs is compared with."""
    gallery = crops("test", "gallery")
    return Known(gallery, coded(gallery.images))


def asked(name: str, place: tuple[float, float]) -> tuple[Tensor, tuple[int, int, int]]:
    """A grey square (1,3,S,S) of the right half of a photograph around a place (x, y) in [0,1]; top, left and side.

    No pixel of it is in the gallery, which is cut from left halves; its size is the mean of those that were measured.
    """
    picture = load(name)
    height, width = picture.shape[2:]
    middle = width - width // 2  # as tensor_split cuts: the left half is the larger one
    side = round(sum(SHARE) / 2 * min(height, width - middle))
    top = min(max(round(place[1] * height - side / 2), 0), height - side)
    left = min(max(round(place[0] * width - side / 2), middle), width - side)
    square = luma(picture[..., top : top + side, left : left + side])
    return images.resize(square, SIDE).clamp(0, 1).expand(-1, 3, -1, -1), (top, left, side)
