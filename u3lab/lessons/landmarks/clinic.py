"""Anatomical points carried from one picture of a head to another: made warps of real scans, and errors in millimetres.

``python -m u3lab.experiments registration`` makes the shipped table and the shipped labeller of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.datasets import scans
from u3lab.landmarks import codes_at, match
from u3lab.lessons.landmarks.pairs import BEND, CELL, CLOSER, Pairs, drawn
from u3lab.selfsup import estimated_flow
from u3lab.warps import grid, warp

SIDE = 96  # pixels of a view
SEEN = 270  # pixels of a slice that a view shows, more than a head is wide
TESTS, POINTS = 60, 20  # pairs, and points of each
TISSUE = 0.15  # what is darker is air or bone


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
    size = round(SIDE * side / SEEN)
    return F.interpolate(around, size=(size, size), mode="area"), SEEN / 2 * scan.spacing[1]


def pairs_of(patient: str) -> Callable[[int, torch.Generator], Pairs]:
    """A function (count, generator) → pairs of a patient's slices, each in two warps."""
    slices, _ = canvas(patient)

    def pairs(count: int, generator: torch.Generator) -> Pairs:
        chosen = slices[torch.randint(len(slices), (count,), generator=generator)]
        there, here = (drawn(count, generator, bend) for bend in (0.0, BEND))
        x, gx = (warp(chosen, view, size=SIDE) for view in (there, here))
        gu = grid(gx, size=SIDE // CELL).expand(count, -1, -1)
        return x, gx, there.inverse()(here(gu)), gu
    return pairs


@cache
def test_pairs(patient: str) -> Moved:
    """Pairs to be judged by: the same ones for each way, points of tissue that stay in both pictures."""
    draw = torch.Generator().manual_seed(1)
    x, gx, points, moved = pairs_of(patient)(TESTS, draw)
    chosen = []
    for n in range(TESTS):
        stays = (points[n].abs() < 0.95).all(-1) & (moved[n].abs() < 0.95).all(-1)
        tissue = codes_at(x[n : n + 1, :1], points[n : n + 1])[0, :, 0] > TISSUE
        of_it = (stays & tissue).nonzero()[:, 0]
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


def flowed(given: Moved) -> Tensor:
    """Where optical flow (TV-L1, as the doctor's registration might) leads the points, (B,N,2)."""
    flow = estimated_flow(torch.stack([given.x, given.gx], 1))[:, 0]
    return given.points + 2 * codes_at(flow, given.points) / SIDE
