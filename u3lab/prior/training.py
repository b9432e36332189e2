"""How the two networks of :mod:`u3lab.prior.trained` are trained; ``python -m u3lab.recipes.restorers`` did it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from u3lab.descent import Step, descend
from u3lab.prior.trained import corrupt, holes, scattered

BATCH, RATE, STEPS = 8, 3e-3, {"inpainter": 3000, "denoiser": 1500}
HOLE = 6.0  # how much more a pixel in the hole counts: it is what the network is for
NOISE = (0.02, 0.5)  # σ of the denoiser's pictures

# Pictures → what the network sees, and how much each pixel counts.
Corrupted = Callable[[Tensor], tuple[Tensor, Tensor]]


def train(net: nn.Module, batches: Iterator[Tensor], corrupted: Corrupted, steps: int,
          price: Callable[[Tensor], Tensor] = torch.abs) -> Iterator[Step]:
    """The mean price of the difference between what the network makes of corrupted pictures and the pictures.

    With squares the network learns E[x | what it sees], which Tweedie's formula needs; with absolute values a median.
    """
    done = iter(range(steps + 1))

    def energy() -> tuple[Tensor, dict[str, Tensor]]:
        x = next(batches)
        seen, weight = corrupted(x)
        made = net(seen)
        return made, {"error": (weight * price(made - x)).mean()}

    return descend(net.train().parameters(), energy, steps=steps, lr=lambda: cosine(RATE, next(done, steps), steps))


def cosine(lr: float, step: int, steps: int) -> float:
    """A learning rate that falls from ``lr`` to a hundredth of it along half a cosine."""
    return lr * (0.01 + 0.99 * (1 + math.cos(math.pi * step / steps)) / 2)


def with_holes(generator: torch.Generator) -> Corrupted:
    """In half of the pictures one hole each, in the other half scattered pixels."""
    def corrupted(x: Tensor) -> tuple[Tensor, Tensor]:
        half = len(x) // 2
        visible = torch.cat([make(count, x.shape[-1], generator) for make, count in (
            (holes, len(x) - half), (scattered, half)) if count])
        return corrupt(x, visible), 1 + (HOLE - 1) * (1 - visible)
    return corrupted


def with_noise(generator: torch.Generator) -> Corrupted:
    """Noise of another strength on each picture, not cut off at black and white."""
    def corrupted(x: Tensor) -> tuple[Tensor, Tensor]:
        low, high = NOISE
        sigma = low + (high - low) * torch.rand(len(x), 1, 1, 1, generator=generator)
        return x + sigma * torch.randn(x.shape, generator=generator), torch.ones(1)
    return corrupted
