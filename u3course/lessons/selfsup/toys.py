"""Three toys with answers that nobody can know: the colour of a shape, the next frame of a ball, the sound of a bar.

Each has four kinds, equally often. The input x tells the kind, and of the target y there are two outcomes: y_0, or y_1
with probability p. x says nothing about which. The two differ by a known change f, and f(f(y)) = y.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

SIDE, SAMPLES = 24, 96  # pixels of a picture, samples of a sound
WALL = 0.75  # grey level behind the shapes
COLOURS = {"red": (0.9, 0.2, 0.2), "blue": (0.2, 0.2, 0.9)}  # equally bright: their three numbers have one mean
RADIUS, STEP = 2.6, 7.0  # of the ball, and how far it moves to the next frame, in pixels
SLOWING = (0.0, 5.0, 8.0)  # where a slowing ball is in three frames, from its start
DOWN, RIGHT = torch.meshgrid(*[torch.arange(SIDE) - (SIDE - 1) / 2] * 2, indexing="ij")  # of a pixel from the middle
CYCLES, DECAY = (8.0, 6.0, 4.0, 3.0), 3.0  # of the four bars' tones in a whole sound; it fades as exp(−3t), t in [0,1]


@dataclass(frozen=True)
class Toy:
    """One toy.

    ``x`` (K,1,H,W) is what is seen, one of each kind, and ``y`` (K,2,…) has the two outcomes y_0 and y_1 of each kind.
    ``other`` is f(·, η) for the one η that changes something, outcomes (…) → the other outcomes; ``project`` is π, the
    same for both, (B,…) → (B,…). ``question`` and ``answer`` are of the constrained task, one for each kind and
    outcome: (K,2,Q,…) and (K,2,Q,…), Q questions each.
    """

    name: str
    x: Tensor
    y: Tensor
    other: Callable[[Tensor], Tensor]
    project: Callable[[Tensor], Tensor]
    question: Tensor
    answer: Tensor


@cache
def colour() -> Toy:
    """A grey shape whose colour is asked for; red and blue have the same grey. Constrained: one half is in colour."""
    r = (DOWN * DOWN + RIGHT * RIGHT).sqrt()
    shapes = torch.stack([r < 7.5, torch.maximum(DOWN.abs(), RIGHT.abs()) < 6, DOWN.abs() + RIGHT.abs() < 9,
                          (r < 9.5) & (r > 5)])  # a disc, a square, a diamond and a ring, (4,H,W)
    paint = torch.tensor(list(COLOURS.values()))[None, :, :, None, None]  # (1,2,3,1,1)
    y = torch.where(shapes[:, None, None], paint, WALL)
    half = y.clone()
    half[..., SIDE // 2:] = half[..., SIDE // 2:].mean(2, keepdim=True)
    return Toy("colour", y[:, 0].mean(1, keepdim=True), y, lambda y: y.flip(-3),
               lambda y: y.amax(-3, keepdim=True) - y.amin(-3, keepdim=True), half[:, :, None], y[:, :, None])


@cache
def frame() -> Toy:
    """A ball in the middle, at four heights; in the next frame it is on the left or on the right.

    Constrained: three frames of a ball that slows down, in order or in reverse. Which is it?
    """
    rows, sides = torch.tensor([-6.0, -2.0, 2.0, 6.0]).view(4, 1, 1, 1), torch.tensor([-1, 1]).view(2, 1, 1)
    moved = torch.tensor(SLOWING) - torch.tensor([1, 3, 5, 7])[:, None]  # from four starts, (4,3)
    clips = _balls(rows, sides * moved)  # (K,2,4,3,H,W)
    # π folds a frame in the middle: how far from it something is, not on which side.
    return Toy("next frame", _balls(rows[..., 0, 0], torch.zeros(1)), _balls(rows[..., 0], sides[..., 0] * STEP),
               lambda y: y.flip(-1), lambda y: y[..., :SIDE // 2].flip(-1) + y[..., SIDE // 2:], *_both_ways(clips, 3))


@cache
def sound() -> Toy:
    """A bar that was struck, four lengths; from above or from below, so the air is pressed first or drawn first.

    Constrained: a sound as it was, or played backwards. Which is it?
    """
    half = torch.tensor([4.5, 6.5, 8.5, 11.5]).view(4, 1, 1, 1)  # of a bar's length
    bars = (DOWN.abs() < 2) & (RIGHT.abs() < half)
    supports = (DOWN > 2) & (DOWN < 6) & ((RIGHT.abs() - 0.6 * half).abs() < 1)
    t = torch.linspace(0, 1, SAMPLES)
    tones = torch.stack([torch.exp(-DECAY * t) * torch.sin(2 * math.pi * cycles * t) for cycles in CYCLES])
    y = torch.stack([tones, -tones], 1)[:, :, None]  # (K,2,1,S)
    return Toy("sound", 0.8 * bars + 0.35 * supports, y, torch.neg, spectrum, *_both_ways(y[:, :, None], -1))


def toys() -> list[Toy]:
    """All three."""
    return [colour(), frame(), sound()]


def spectrum(y: Tensor) -> Tensor:
    """How much of each frequency is in a sound (…,S), whatever its phase: (…,S/2+1), in the sound's own units."""
    return 2 * torch.fft.rfft(y).abs() / y.shape[-1]


def _both_ways(right: Tensor, time: int) -> tuple[Tensor, Tensor]:
    """Questions (K,2,2Q,…), in order and then reversed along an axis, and their answers 1 and 0, (K,2,2Q,1)."""
    ones = torch.ones(*right.shape[:3], 1)
    return torch.cat([right, right.flip(time)], 2), torch.cat([ones, 0 * ones], 2)


def _balls(rows: Tensor, columns: Tensor) -> Tensor:
    """1 on the ball and 0 elsewhere, (…,H,W), for rows and columns (…) of its middle that go together."""
    return ((DOWN - rows[..., None, None]).square() + (RIGHT - columns[..., None, None]).square() < RADIUS**2).float()
