"""How the two networks of :mod:`u3lab.prior.trained` are trained; ``python -m evidence restorers`` did it."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from u3lab import descent
from u3lab import images as _images
from u3lab.descent import ADAM, Step, StepEnergy
from u3lab.prior.trained import corrupt
from u3lab.training.loop import cosine

BATCH, RATE, STEPS = 8, {"inpainter": 2e-3, "denoiser": 3e-3}, {"inpainter": 1600, "denoiser": 1500}
GRAINS = (0.0, 1.0, 2.0)  # σ in pixels of the blur that makes grains of noise: single pixels to strokes of a pen
NOISE = (0.02, 0.5)  # σ of the denoiser's pictures

Corrupted = Callable[[Tensor], tuple[Tensor, Tensor]]  # pictures → what the network sees, how much each pixel counts
Optimiser = Callable[..., torch.optim.Optimizer]


def train(net: nn.Module, batches: Iterator[tuple[Tensor, ...]], steps: int, rate: float,
          price: Callable[[Tensor], Tensor] = torch.abs, optimiser: Optimiser = ADAM) -> Iterator[Step]:
    """The mean price of the difference between what the network makes of corrupted pictures and the pictures.

    A batch is a triple as :func:`corrupting` makes it. With squares the network learns E[x | what it sees], which
    Tweedie's formula needs; with absolute values a median.
    """
    def energy(step: int) -> tuple[Tensor, dict[str, Tensor]]:
        seen, weight, x = next(batches)
        made = net(seen)
        return made, {"error": (weight * price(made - x)).mean()}

    return fitted(net, energy, steps, rate, optimiser)


def corrupting(pictures: Iterator[Tensor], corrupted: Corrupted) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """What the network sees of pictures, how much each of their pixels counts, and the pictures."""
    return ((*corrupted(x), x) for x in pictures)


def fitted(module: nn.Module, energy: StepEnergy, steps: int, rate: float, optimiser: Optimiser) -> Iterator[Step]:
    """Train at a rate that falls.

    Each step has the rate of the next one. The weights that ship were trained so, and only so do they come out again.
    """
    return descent.train(module.train().parameters(), energy, steps=steps, optimiser=optimiser,
                         rate=lambda step: cosine(rate, step + 1, steps))


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


def holes(count: int, side: int, generator: torch.Generator) -> Tensor:
    """Random masks (count,1,side,side): one rectangle each, of a fifth to a half of the side, is 0."""
    visible = torch.ones(count, 1, side, side)
    for m in visible:
        height, width = torch.randint(side // 5, side // 2, (2,), generator=generator).tolist()
        top, left = (int(torch.randint(0, side - n + 1, (), generator=generator)) for n in (height, width))
        m[:, top : top + height, left : left + width] = 0
    return visible


def scattered(count: int, side: int, generator: torch.Generator) -> Tensor:
    """Random masks (count,1,side,side): a fifth to three fifths of the pixels are 0, in grains of some size."""
    made = []
    for _ in range(count):
        grain = GRAINS[int(torch.randint(len(GRAINS), (), generator=generator))]
        noise = _images.blur(torch.randn(1, 1, side, side, generator=generator), grain)
        hidden = 0.2 + 0.4 * torch.rand((), generator=generator)
        made.append((noise > noise.flatten().quantile(hidden)).float())
    return torch.cat(made)


def strokes(count: int, side: int, generator: torch.Generator) -> Tensor:
    """Random masks (count,1,side,side): three to eight curves, as thick as a pen's or a brush's, are 0."""
    made, along = [], torch.arange(1, 6)[:, None] * torch.linspace(0, 4.4, 2 * side)  # five waves, 2·side points
    for _ in range(count):
        lines = torch.zeros(1, 1, side, side)
        for _ in range(int(torch.randint(3, 9, (), generator=generator))):
            middle, phase = side * torch.rand(2, 1, generator=generator), 6.3 * torch.rand(2, 5, 1, generator=generator)
            swing = side / 4 * torch.randn(2, 5, 1, generator=generator) / torch.arange(1, 6)[:, None]
            at = (middle + (swing * torch.sin(along + phase)).sum(1)).round().long()
            y, x = at[:, ((at >= 0) & (at < side)).all(0)]
            lines[..., y, x] = 1
        pen = 0.6 + 2.4 * float(torch.rand((), generator=generator))  # σ in pixels
        made.append((_images.blur(lines, pen) < 0.18 / max(pen, 0.8)).float())
    return torch.cat(made)
