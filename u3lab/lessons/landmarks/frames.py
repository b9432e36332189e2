"""Notebook 03b: views of things on a turntable, of which only the turns between them are told.

``python -m u3lab.experiments poses`` makes the shipped table and the shipped network.
"""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.landmarks import pose_encoder
from u3lab.landmarks.posing import Pair, Pairs
from u3lab.nets import Classifier, checkpoints
from u3lab.worlds import turntable
from u3lab.worlds.turntable import Turntable

HELD_OUT, VIEWS = 40, 400  # to test on: other things, and views of all of them
LIGHT, SIZE, SHIFT = 0.15, 0.12, 0.08  # of either picture of a pair: ± in each colour, ± in size, ± in half pictures
MIRROR = torch.diag(torch.tensor([-1.0, 1.0, 1.0]))  # left and right exchanged


@cache
def tests(kind: str, tested: str, count: int | None = None) -> Turntable:
    """What is tested on, the same for all trainings; ``VIEWS``, or the first of them."""
    split, things = ("train", 22) if tested == "known" else ("test", HELD_OUT)
    return turntable.draw(kind, count or VIEWS, each=1, things=things, split=split, seed=999)


def varied(pairs: Pairs) -> Pairs:
    """The same pairs, but each picture in another light, larger or smaller and shifted; and half of the pairs mirrored.

    A mirrored thing is turned the other way: its g is M g M. It is a new thing, whose pose nobody has told.
    """
    def changed(count: int, generator: torch.Generator) -> Pair:
        x, moved, g = pairs(count, generator)
        mirror = MIRROR[:g.shape[1], :g.shape[1]]
        x, moved = (_seen_otherwise(one, generator) for one in (x, moved))
        flip = (torch.rand(count, generator=generator) < 0.5)[:, None, None]
        x, moved = (torch.where(flip[..., None], one.flip(-1), one) for one in (x, moved))
        return x, moved, torch.where(flip, mirror @ g @ mirror, g)

    return changed


def _seen_otherwise(x: Tensor, generator: torch.Generator) -> Tensor:
    """Pictures (N,3,H,W) in another light, at another size and place; their border goes on outside."""
    size, shift = (1 + SIZE * _even(len(x), 1, generator))[:, :, None], SHIFT * _even(len(x), 2, generator)[:, :, None]
    grid = F.affine_grid(torch.cat([size * torch.eye(2), shift], 2), list(x.shape), align_corners=False)
    light = 1 + LIGHT * _even(len(x), 3, generator)[..., None, None]
    return F.grid_sample((x * light).clamp(0, 1), grid, align_corners=False, padding_mode="border")


def _even(count: int, width: int, generator: torch.Generator) -> Tensor:
    """(N,width) from −1 to 1."""
    return 2 * torch.rand(count, width, generator=generator) - 1


def shipped(kind: str) -> Classifier:
    """The trained network of a kind."""
    net = pose_encoder()
    checkpoints.restore(net.module, f"pose-{kind}")
    return net
