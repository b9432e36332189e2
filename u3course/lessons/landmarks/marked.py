"""Notebook 03: points marked by hand on a film, and anatomical points of heads in made warps of real scans.

``python -m evidence rabbits`` and ``registration`` make the shipped tables and the shipped labellers.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3course.lessons.landmarks.pairs import BEND, CELL, CLOSER, SIDE, Pairs, drawn
from u3lab.datasets import clips, scans
from u3lab.landmarks import codes_at, match
from u3lab.selfsup import estimated_flow
from u3lab.warps import Affine, grid, warp

DELTAS = (1, 6, 25)  # frames from x to x′
SHOWN = 0.75  # of a frame, what a view has of it
WHOLE = round(SIDE / SHOWN / 4) * 4  # pixels of a frame of which a view would have SIDE


@cache
def frames() -> Tensor:
    """The film, (T,3,128,128)."""
    return clips.rabbit().frames


@torch.no_grad()
def coded(net: nn.Module, numbers: Tensor) -> Tensor:
    """Codes of whole frames, as large as the views were: (N,3,WHOLE/2,WHOLE/2)."""
    return net(F.interpolate(frames()[numbers], size=(WHOLE, WHOLE), mode="bilinear", antialias=True).clamp(0, 1))


def between() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """All ways from a marked frame to a later one: the numbers of both, (P), and the marked points in both, (P,3,2)."""
    marked = clips.rabbit()
    i, j = torch.triu_indices(len(marked.numbers), len(marked.numbers), 1)
    return marked.numbers[i], marked.numbers[j], marked.points[i], marked.points[j]


def matched(net: nn.Module) -> Tensor:
    """Where a labeller finds the marked points again, (P,3,2)."""
    first, second, points, _ = between()
    seen, row = torch.cat([first, second]).unique(return_inverse=True)
    before, after = coded(net, seen)[row].chunk(2)
    return match(before, after, points).best


VIEW = 96  # pixels of a view
SEEN = 270  # pixels of a slice that a view shows, more than a head is wide
TESTS, POINTS = 60, 20  # pairs, and points of each
TISSUE = 0.15  # what is darker is air or bone
BLURS, STEPS = (8, 4, 2), 200  # of an affine registration: pixels that are averaged, and steps with each


class Moved(NamedTuple):
    """``x`` and ``gx`` (B,3,96,96); ``points`` in x and where they are in gx, (B,N,2), ``moved``; ``mm``, half a
    picture's side in millimetres."""

    x: Tensor
    gx: Tensor
    points: Tensor
    moved: Tensor
    mm: float


@cache
def canvas(patient: str) -> tuple[Tensor, float]:
    """A patient's slices with black around them, (N,3,168,168), and half a view's side in millimetres."""
    scan = scans.load(patient)
    height, width = scan.images.shape[2:]
    side = round(SEEN / float(CLOSER.matrix[0, 0, 0]))
    left, top = (side - width) // 2, (side - height) // 2
    around = F.pad(scan.images, (left, side - width - left, top, side - height - top))
    size = round(VIEW * side / SEEN)
    return F.interpolate(around, size=(size, size), mode="area"), SEEN / 2 * scan.spacing[1]


def pairs_of(patient: str) -> Callable[[int, torch.Generator], Pairs]:
    """A function (count, generator) → pairs of a patient's slices, each in two warps."""
    slices, _ = canvas(patient)

    def pairs(count: int, generator: torch.Generator) -> Pairs:
        chosen = slices[torch.randint(len(slices), (count,), generator=generator)]
        there, here = (drawn(count, generator, bend) for bend in (0.0, BEND))
        x, gx = (warp(chosen, view, size=VIEW) for view in (there, here))
        gu = grid(gx, size=VIEW // CELL).expand(count, -1, -1)
        return x, gx, there.inverse()(here(gu)), gu
    return pairs


@cache
def asked(patient: str) -> Moved:
    """Pairs to be judged by: the same ones for each way, points of tissue that stay in both pictures."""
    draw, chosen = torch.Generator().manual_seed(1), []
    x, gx, points, moved = pairs_of(patient)(TESTS, draw)
    for n in range(TESTS):
        stays = (points[n].abs() < 0.95).all(-1) & (moved[n].abs() < 0.95).all(-1)
        of_it = (stays & (codes_at(x[n : n + 1, :1], points[n : n + 1])[0, :, 0] > TISSUE)).nonzero()[:, 0]
        chosen.append(of_it[torch.randperm(len(of_it), generator=draw)[:POINTS]])
    rows = torch.arange(TESTS)[:, None], torch.stack(chosen)
    return Moved(x, gx, points[rows], moved[rows], canvas(patient)[1])


def errors(found: Tensor, given: Moved) -> Tensor:
    """How far points (B,N,2) in gx are from where they should be, (B,N), in millimetres."""
    return (found - given.moved).norm(dim=-1) * given.mm


@torch.no_grad()
def carried(net: nn.Module, given: Moved) -> Tensor:
    """Where a labeller finds the points in gx: the middle of its heat map, (B,N,2)."""
    return match(net(given.x), net(given.gx), given.points).soft


def aligned(given: Moved) -> Tensor:
    """Where an affine registration leads the points, (B,N,2): of each pair the map from gx to x that makes the squares
    of the differences least, found by gradient descent on blurred pictures and then on sharper ones."""
    theta = torch.eye(2, 3).repeat(len(given.x), 1, 1).requires_grad_()
    for blur in BLURS:
        x, gx = (F.avg_pool2d(one[:, :1], blur) for one in (given.x, given.gx))
        optimiser = torch.optim.Adam([theta], lr=0.01)
        for _ in range(STEPS):
            optimiser.zero_grad()
            back = F.grid_sample(x, F.affine_grid(theta, gx.shape, align_corners=False), align_corners=False)
            (back - gx).square().mean((1, 2, 3)).sum().backward()
            optimiser.step()
    return Affine(theta.detach()).inverse()(given.points)


def flowed(given: Moved) -> Tensor:
    """Where optical flow (TV-L1, as the doctor's registration might) leads the points, (B,N,2)."""
    return given.points + 2 * codes_at(estimated_flow(torch.stack([given.x, given.gx], 1))[:, 0], given.points) / VIEW
