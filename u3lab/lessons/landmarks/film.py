"""A labeller that learns from a film: where its optical flow leads is where a point has gone.

``python -m u3lab.experiments rabbits`` makes the shipped table and the shipped labellers of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.datasets import clips
from u3lab.descent import Step
from u3lab.landmarks import LabelSettings, label, labeller, match
from u3lab.landmarks.places import cells, inside
from u3lab.lessons import results
from u3lab.lessons.landmarks.pairs import AWAY, CELL, SCALE, SIDE, TURN, Pairs
from u3lab.nets import Classifier
from u3lab.selfsup import estimated_flow
from u3lab.warps import Affine, affine, warp

DELTAS = (1, 6, 25)  # frames from x to x′
SHOWN, SHIFT = 0.75, 0.2  # of a frame, what a view has of it and how far it is shifted at most, in half frames
WHOLE = round(SIDE / SHOWN / 4) * 4  # pixels of a frame of which a view would have SIDE
BATCH, QUERIES, RATE = 12, 200, 0.004
BACK = 2.0  # pixels of the film: a point that does not come back nearer to where it was has been covered


class Run(NamedTuple):
    """One way to find the marked points again: by a labeller of pairs so far apart, or one of ``RIVALS``, all 0."""

    way: str
    delta: int
    steps: int
    seed: int


@cache
def frames() -> Tensor:
    """The film, (T,3,128,128)."""
    return clips.rabbit().frames


@cache
def flows(count: int | None = None) -> tuple[Tensor, Tensor]:
    """Where each pixel goes until the next frame, (T−1,2,128,128) in pixels, and from the next frame back; minutes.

    T is all frames, or the first so many.
    """
    some = frames()[:count]
    return estimated_flow(some[None])[0], estimated_flow(some.flip(0)[None])[0].flip(0)


def led(points: Tensor, flow: Tensor) -> Tensor:
    """Where points (B,N,2) in [−1,1] of frames are led by their flows (B,2,H,W), given in pixels."""
    pixels = F.grid_sample(flow, points[:, :, None], padding_mode="border", align_corners=False)[..., 0].transpose(1, 2)
    return points + 2 * pixels / torch.tensor([flow.shape[3], flow.shape[2]])


def tracked(points: Tensor, start: Tensor, delta: int, count: int | None = None) -> Tensor:
    """Where points (B,N,2) of the frames ``start`` (B) are ``delta`` frames later, or AWAY if they cannot be found
    again on the way back; ``count`` is that of :func:`flows`."""
    forward, backward = flows(count)
    there = points
    for k in range(delta):
        there = led(there, forward[start + k])
    back = there
    for k in reversed(range(delta)):
        back = led(back, backward[start + k])
    lost = (back - points).norm(dim=-1) * frames().shape[-1] / 2 > BACK
    return torch.where(lost[..., None], AWAY, there)


def of_film(delta: int, first: int | None = None) -> Callable[[int, torch.Generator], Pairs]:
    """A function (count, generator) → pairs of views of frames ``delta`` apart, all or the first so many. Every cell of
    x is asked for."""
    def pairs(count: int, generator: torch.Generator) -> Pairs:
        start = torch.randint(len(frames()[:first]) - delta, (count,), generator=generator)
        before, after = (viewed(count, generator) for _ in range(2))
        x, gx = (warp(frames()[number], view, size=SIDE)
                 for number, view in ((start, before), (start + delta, after)))
        u = cells(torch.empty(SIDE // CELL, SIDE // CELL)).expand(count, -1, -1)
        there = tracked(before(u), start, delta, first)
        return x, gx, u, torch.where(inside(there)[..., None], after.inverse()(there), AWAY)
    return pairs


def viewed(count: int, generator: torch.Generator) -> Affine:
    """Views of frames: a shifted, turned square of about three quarters of their sides."""
    moved = affine(count, generator, shift=SHIFT, scale=SCALE, turn=TURN)
    return Affine(moved.matrix * torch.tensor([SHOWN, SHOWN, 1.0]))


def learnt(run: Run, checkpoint: str | Path | None = None, *,
           first: int | None = None) -> tuple[Classifier, Iterator[Step]]:
    """A fresh labeller and the steps that teach it what goes where in the film, or in its first so many frames."""
    net = labeller(seed=run.seed)
    settings = LabelSettings(lr=RATE, steps=run.steps, batch_size=BATCH, queries=QUERIES, seed=run.seed)
    return net, label(net, of_film(run.delta, first), checkpoint=checkpoint, settings=settings)


@torch.no_grad()
def coded(net: nn.Module, numbers: Tensor) -> Tensor:
    """Codes of whole frames, as large as the views were: (N,3,WHOLE/2,WHOLE/2)."""
    return net(F.interpolate(frames()[numbers], size=(WHOLE, WHOLE), mode="bilinear", antialias=True).clamp(0, 1))


def between() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """All ways from a marked frame to a later one: the numbers of both, (P), and the marked points in both, (P,3,2)."""
    marked = clips.rabbit()
    i, j = torch.triu_indices(len(marked.numbers), len(marked.numbers), 1)
    return marked.numbers[i], marked.numbers[j], marked.points[i], marked.points[j]


def errors(found: Tensor) -> Tensor:
    """How far points (P,3,2) are from the marked ones, (P,3), in pixels of the film."""
    return (found - between()[3]).norm(dim=-1) * frames().shape[-1] / 2


def matched(net: nn.Module) -> Tensor:
    """Where a labeller finds the marked points again, (P,3,2)."""
    first, second, points, _ = between()
    seen, row = torch.cat([first, second]).unique(return_inverse=True)
    before, after = coded(net, seen)[row].chunk(2)
    return match(before, after, points).best


def followed() -> Tensor:
    """Where the flow, frame by frame, leads the marked points, (P,3,2)."""
    first, second, points, _ = between()
    there = points.clone()
    for k in range(int(second.max())):
        going = (first <= k) & (k < second)
        there[going] = led(there[going], flows()[0][k].expand(int(going.sum()), -1, -1, -1))
    return there


def stayed() -> Tensor:
    """Who says that nothing has moved, (P,3,2)."""
    return between()[2]


RIVALS = {"nothing has moved": stayed, "flow, frame by frame": followed}


def shipped() -> dict[Run, tuple]:
    """The table: what was run → median error in pixels, and the share within a twentieth of the frame's side."""
    return results.table("rabbits", Run)

