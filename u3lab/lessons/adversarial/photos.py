"""The photos that the shipped patch was trained on and is tested with, and what its colours alone would do."""

from __future__ import annotations

import torch
from torch import Tensor

from u3lab import images as _images
from u3lab.adversarial.quantisation import quantise

SIZE = 224  # side of the pictures, in pixels


def photos() -> tuple[Tensor, Tensor]:
    """The shipped everyday pictures (B,3,224,224): every other one to train on, the rest to test with."""
    x = torch.cat([quantise(_images.load(name, size=SIZE)) for name in _images.names("everyday")])
    return x[::2], x[1::2]


def shuffled(patch: Tensor, *, seed: int = 0) -> Tensor:
    """The same pixels in any order: what the colours alone would do."""
    order = torch.randperm(patch[0, 0].numel(), generator=torch.Generator().manual_seed(seed))
    return patch.flatten(2)[..., order.to(patch.device)].view_as(patch)
