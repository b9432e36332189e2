"""Does it help? What a linear probe reads off each layer of an encoder with a few labels of a task that it never saw.

Zhang, Isola & Efros, Colorful image colorization, ECCV 2016, §3.2, and Doersch et al. judge AlexNets so: each layer
pooled to about as many numbers as any other, held fixed, under one linear classifier (Alain & Bengio 2017).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.checks import is_a, whole, words
from u3lab.errors import U3Error
from u3lab.measures import Probe, classes, probe
from u3lab.nets.gate import ready, several
from u3lab.selfsup.encoder import LAYERS
from u3lab.selfsup.tasks import Joined, Posed, Task

NUMBERS = 512  # of each layer that a probe gets, at most
AT_ONCE = 100
PRICE = 0.1  # C of the probe


class Probed(NamedTuple):
    """A row of the table: an encoder taught with a task, probed on a layer, with so many labels of each class."""

    task: str
    data: str
    domain: str
    seed: int
    labels: int
    layer: str


def described(net: nn.Module, images: Tensor, layers: Sequence[str] = LAYERS, *,
              numbers: int = NUMBERS) -> dict[str, Tensor]:
    """Layer → its maps of pictures (N,3,H,W), pooled to the finest square grid with at most ``numbers``, (N,U)."""
    net, layers, numbers = ready(net, images), words("layers", layers), whole("numbers", numbers)
    found: dict[str, list[Tensor]] = {layer: [] for layer in layers}
    for some in images.split(AT_ONCE):
        for layer, maps in several(net, layers, some).items():
            grid = max(1, min(math.isqrt(numbers // maps.shape[1]), *maps.shape[2:]))
            found[layer].append(F.adaptive_avg_pool2d(maps, grid).flatten(1).cpu())
    return {layer: torch.cat(parts) for layer, parts in found.items()}


def few(labels: Tensor, each: int, *, seed: int = 0) -> Tensor:
    """Numbers of ``each`` pictures of every class, another choice for each seed."""
    labels, each = classes(labels), whole("each", each)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(whole("seed", seed, 0)))
    chosen = [order[labels[order] == k][:each] for k in labels.unique()]
    if (least := min(map(len, chosen))) < each:
        raise U3Error(f"each = {each} pictures of every class are more than the {least} that one has; give fewer")
    return torch.cat(chosen)


def probes(features: dict[str, Tensor], labels: Tensor, *, C: float = PRICE) -> dict[str, Probe]:
    """Layer → a linear probe of its ``features``, from :func:`described`, fitted to labels (N).

        {layer: one.accuracy(held_out[layer], truth) for layer, one in probes(features, labels).items()}
    """
    words("the layers of features", is_a("features", features, dict, "make it with described(net, images)"))
    return {layer: probe(one, labels, C=C) for layer, one in features.items()}


def supervised(count: int) -> Task:
    """The task of naming one of ``count`` classes, as a rival: its raw data are pictures (N,3,H,W) with labels (N).

    They come from a function (count, generator), see :func:`~u3lab.selfsup.pretrain`; half of them are mirrored.
    """
    count = whole("count", count, 2)

    def pose(raw: tuple[Tensor, Tensor], generator: torch.Generator) -> Posed:
        images, labels = raw
        mirrored = torch.rand(len(images), 1, 1, 1, generator=generator).to(images.device) < 0.5
        return Posed(torch.where(mirrored, images.flip(-1), images)[:, None], labels)

    return Task(pose, lambda channels: Joined(channels, 1, count), chance=1 / count)
