"""A small made network whose scores have a gradient, for the exercises that climb or descend by it."""

from __future__ import annotations

import torch
from torch import Tensor


class Scores:
    """The scores of a small made network: a picture (1,3,H,W) → (1,5), with a gradient."""

    def __init__(self, g: torch.Generator, dtype: torch.dtype = torch.float32) -> None:
        self.first = torch.randn(4, 3, 3, 3, generator=g, dtype=dtype)
        self.second = torch.randn(5, 4, generator=g, dtype=dtype)

    def __call__(self, picture: Tensor) -> Tensor:
        seen = torch.nn.functional.conv2d(picture, self.first, padding=1).tanh().mean((2, 3))
        return 3 * seen @ self.second.T

    def __repr__(self) -> str:
        return "a network"
