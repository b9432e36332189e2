"""The street film's frames to learn from, and pictures that test whether a network knows walkers or only the street."""

from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.lessons.selfsup.walkers import (  # noqa: F401 — the film of the test, of which the program asks as well
    FAR,
    GAP,
    MOVED,
    Film,
    around,
    distance,
    empty_street,
    test,
    walkers,
)
from u3course.worlds.composing import pick
from u3lab import selfsup
from u3lab.datasets import clips

EMPTY = 0.02  # share of the training frames in which somebody is at a place where nobody walks
STILL = 0.5  # somebody stands of whom a smaller share of the pixels has moved


@cache
def lesson() -> Film:
    """The frames to learn from. Their truth is automatic: what differs from the empty street."""
    frames = clips.street_frames("train")
    return Film(frames[GAP:-GAP], selfsup.three_frame_difference(frames, gap=GAP), (distance(frames) > FAR)[GAP:-GAP])


def standing(film: Film) -> Tensor:
    """Masks (N,H,W) of those of whom less than half of the pixels have moved."""
    found = torch.zeros_like(film.truth)
    for mask, moved, truth in zip(found, film.moved > MOVED, film.truth, strict=True):
        for piece in walkers(truth):
            mask |= piece & (moved[piece].double().mean() < STILL)
    return found


class Pasted(NamedTuple):
    """``walkers`` and ``street`` (N,3,H,W): the empty street with walkers, or with pieces of the street of the same
    shapes and at the same places; ``masks`` (N,H,W), where they are."""

    walkers: Tensor
    street: Tensor
    masks: Tensor


def elsewhere(film: Film, *, seed: int = 0) -> Pasted:
    """The walkers of each frame, pasted where nobody walked in the frames to learn from; and the control for it."""
    draw, never = torch.Generator().manual_seed(seed), lesson().truth.double().mean(0) < EMPTY
    found = Pasted(*(torch.stack([empty_street()] * len(film.frames)) for _ in range(2)), torch.zeros_like(film.truth))
    for frame, truth, walked, ghost, mask in zip(film.frames, film.truth, *found, strict=True):
        for piece in walkers(truth):
            box = around(piece)
            shape = piece[box]
            free = _fits(never & ~mask, *shape.shape)
            if not len(free):
                continue
            to, source = ((slice(top, top + shape.shape[0]), slice(left, left + shape.shape[1])) for top, left in (
                pick(places, draw).tolist() for places in (free, _fits(torch.ones_like(mask), *shape.shape))))
            mask[to] |= shape
            walked[:, *to] = torch.where(shape, frame[:, *box], walked[:, *to])
            ghost[:, *to] = torch.where(shape, empty_street()[:, *source], ghost[:, *to])
    return found


def _fits(free: Tensor, height: int, width: int) -> Tensor:
    """Upper left corners (M,2) of the boxes of that size in which all is free."""
    taken = F.max_pool2d((~free).float()[None], (height, width), stride=1)[0]
    return (taken == 0).nonzero()
