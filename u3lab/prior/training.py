"""How the two networks of :mod:`u3lab.prior.trained` are trained; ``python -m u3lab.experiments restorers`` did it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from u3lab.descent import ADAM, Step, descend
from u3lab.prior.trained import corrupt, holes, scattered, strokes
from u3lab.training.loop import Checkpoint, cosine

BATCH, RATE, STEPS = 8, {"inpainter": 2e-3, "denoiser": 3e-3}, {"inpainter": 1600, "denoiser": 1500}
NOISE = (0.02, 0.5)  # σ of the denoiser's pictures

Batches = Callable[[int], Iterator]  # from a step on, without end: pictures (B,3,S,S), or what belongs to them as well
Corrupted = Callable[[Tensor], tuple[Tensor, Tensor]]  # pictures → what the network sees, how much each pixel counts
Priced = Callable[[int, Any], tuple[Tensor, dict[str, Tensor]]]  # the step and its batch → what to show, the terms
Optimiser = Callable[..., torch.optim.Optimizer]


def train(net: nn.Module, batches: Batches, steps: int, rate: float, price: Callable[[Tensor], Tensor] = torch.abs,
          checkpoint: Checkpoint | None = None, optimiser: Optimiser = ADAM) -> Iterator[Step]:
    """The mean price of the difference between what the network makes of corrupted pictures and the pictures.

    A batch is a triple as :func:`corrupting` makes it. With squares the network learns E[x | what it sees], which
    Tweedie's formula needs; with absolute values a median.
    """
    def priced(_: int, batch: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        seen, weight, x = batch
        made = net(seen)
        return made, {"error": (weight * price(made - x)).mean()}

    return fitted(net, {"steps": steps}, priced, batches, steps, rate, checkpoint, optimiser)


def corrupting(pictures: Iterator[Tensor], corrupted: Corrupted) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """What the network sees of pictures, how much each of their pixels counts, and the pictures."""
    return ((*corrupted(x), x) for x in pictures)


def fitted(module: nn.Module, facts: dict, priced: Priced, batches: Batches, steps: int, rate: float,
           checkpoint: Checkpoint | None, optimiser: Optimiser) -> Iterator[Step]:
    """Descend on what batches cost, at a rate that falls; from a checkpoint it goes on where it was stopped."""
    begun = checkpoint.read(module.state_dict(), facts, steps) if checkpoint else 0
    pictures, done, rates = batches(begun), iter(range(begun, steps + 1)), iter(range(begun, steps + 1))

    def energy() -> tuple[Tensor, dict[str, Tensor]]:
        count = next(done)
        if checkpoint:
            checkpoint.keep(count, module.state_dict(), facts)
        return priced(count, next(pictures))

    return descend(module.train().parameters(), energy, steps=steps - begun,
                   lr=lambda: cosine(rate, next(rates, steps), steps),
                   optimiser=partial(checkpoint.optimiser, make=optimiser) if checkpoint else optimiser)


def with_holes(generator: torch.Generator) -> Corrupted:
    """A hole in three of eight pictures, strokes in three, scattered pixels in two. Only what is hidden counts."""
    def corrupted(x: Tensor) -> tuple[Tensor, Tensor]:
        some = 3 * len(x) // 8
        hidden = 1 - torch.cat([make(count, x.shape[-1], generator) for make, count in (
            (holes, some), (strokes, some), (scattered, len(x) - 2 * some)) if count])
        return corrupt(x, 1 - hidden), hidden / hidden.mean()
    return corrupted


def with_noise(generator: torch.Generator) -> Corrupted:
    """Noise of another strength on each picture, not cut off at black and white."""
    def corrupted(x: Tensor) -> tuple[Tensor, Tensor]:
        low, high = NOISE
        sigma = low + (high - low) * torch.rand(len(x), 1, 1, 1, generator=generator)
        return x + sigma * torch.randn(x.shape, generator=generator), torch.ones(1)
    return corrupted
