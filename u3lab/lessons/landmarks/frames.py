"""Notebook 03b: views of things on a turntable, of which only the turns between them are told; and what is learnt."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.descent import Step
from u3lab.landmarks import PoseSettings, align, learn_pose, pairs_of, pose_encoder, pose_error, poses
from u3lab.landmarks.posing import Pair, Pairs
from u3lab.nets import Classifier, checkpoints
from u3lab.worlds import turntable
from u3lab.worlds.turntable import Turntable

THINGS, EACH = 300, 16  # to learn from: things, and views of each
HELD_OUT, VIEWS = 40, 400  # to test on: other things, and views of all of them
STEPS, BATCH, RATE = 1000, 48, 0.004
LIGHT, SIZE, SHIFT = 0.15, 0.12, 0.08  # of either picture of a pair: ± in each colour, ± in size, ± in half pictures
MIRROR = torch.diag(torch.tensor([-1.0, 1.0, 1.0]))  # left and right exchanged


class Pose(NamedTuple):
    """One training: of which kind, on how many things, whether its pairs are varied, the seed of all, and on what it
    is tested: "known" things from other sides, or "unknown" things."""

    kind: str
    things: int
    varied: bool
    seed: int
    tested: str


class Found(NamedTuple):
    """What is measured, in degrees: of absolute poses, with one h for all, the median and the share that is off by more
    than 30°; the median with an h for each thing; that of the turns between two views of a thing."""

    absolute: float
    beyond: float
    own: float
    relative: float


@cache
def views(kind: str, things: int, seed: int, most: int) -> Turntable:
    """What is learnt from: at most so many views, of each thing as many."""
    return turntable.draw(kind, things * min(most // things, 220), each=1, things=things, seed=seed)


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


def learnt(run: Pose, steps: int = STEPS, checkpoint: str | None = None) -> tuple[Classifier, Iterator[Step]]:
    """A fresh network and the steps that teach it poses from turns alone."""
    made = views(run.kind, run.things, run.seed, min(EACH * THINGS, steps * BATCH))
    pairs = pairs_of(made.images, made.rotations, made.instances)
    net = pose_encoder(seed=run.seed)
    settings = PoseSettings(lr=RATE, steps=steps, batch_size=BATCH, seed=run.seed)
    return net, learn_pose(net, varied(pairs) if run.varied else pairs, checkpoint=checkpoint, settings=settings)


def measured(net: nn.Module, made: Turntable) -> Found:
    """How good the poses are that it finds."""
    found, true = poses(net, made.images), made.rotations
    off = pose_error(found, true, align(found, true))
    own, relative = [], []
    for number in made.instances.unique():
        rows = made.instances == number
        own.append(pose_error(found[rows], true[rows], align(found[rows], true[rows])))
        told, seen = (one[rows] @ one[rows].roll(1, 0).mT for one in (true, found))
        relative.append(pose_error(seen, told))
    return Found(float(off.median()), float((off > 30).double().mean()), float(torch.cat(own).median()),
                 float(torch.cat(relative).median()))


def name(kind: str) -> str:
    """Of the shipped weights."""
    return f"pose-{kind}"


def shipped(kind: str) -> Classifier:
    """The trained network of a kind."""
    net = pose_encoder()
    checkpoints.restore(net.module, name(kind))
    return net
