"""A thing on the turntable: its parts, its named points, and how much room it takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from u3lab.worlds.turntable.solids import Colour, Part

Draw = np.random.Generator


@dataclass(frozen=True, eq=False)
class Thing:
    """Parts and named points (K,3) in one frame: x to the thing's left, y up from the floor, z to its front."""

    parts: tuple[Part, ...]
    points: Tensor
    middle: Tensor  # (3): what it turns about
    radius: float  # of a sphere about its middle that holds it

    @cached_property
    def corners(self) -> Tensor:
        """(C,3) those of all parts, one part after the other."""
        return torch.tensor(np.concatenate([part.corners for part in self.parts])).float()

    @cached_property
    def begins(self) -> np.ndarray:
        """(n) the number of each part's first corner."""
        return np.cumsum([0, *(len(part.corners) for part in self.parts[:-1])])

    @cached_property
    def skins(self) -> Tensor:
        """(n) the number of each part's skin."""
        names = list(dict.fromkeys(part.skin for part in self.parts))
        return torch.tensor([names.index(part.skin) for part in self.parts])


def thing(parts: list[Part], points: list) -> Thing:
    """A thing of parts that stand on the floor; it turns about the middle of its box."""
    corners = np.concatenate([part.corners for part in parts])
    middle = (corners.min(0) + corners.max(0)) / 2
    radius = float(np.linalg.norm(corners - middle, axis=1).max())
    return Thing(tuple(parts), torch.tensor(np.array(points)).float(), torch.tensor(middle).float(), radius)


def pick(draw: Draw, choices: tuple) -> object:
    """One of several, all alike."""
    return choices[int(draw.integers(len(choices)))]


def shade(colour: Colour, times: float) -> Colour:
    """Darker or brighter."""
    return tuple(min(1.0, channel * times) for channel in colour)
