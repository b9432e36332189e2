"""The calls by their titles, and what several of them need."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from u3lab import images, nets

CALLS: dict[str, Callable[[], object]] = {}


def call(title: str) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Note a call under a title that outlives its name."""
    def note(function: Callable[[], object]) -> Callable[[], object]:
        if title in CALLS:
            raise ValueError(f"two calls are titled {title!r}")
        CALLS[title] = function
        return function
    return note


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def uniform(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=draw(seed))


@cache
def squeezenet() -> nets.Classifier:
    return nets.load("squeezenet1_1", device="cpu")


@cache
def lite() -> nets.Classifier:
    return nets.load("efficientnet_lite0", device="cpu")


@cache
def photo(name: str = "coffee", size: int = 128) -> Tensor:
    return images.load(name, size=size)
