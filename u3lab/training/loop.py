"""What all trainings have: their settings, a rate that falls, a step's pictures and random numbers.

The loop is :func:`u3lab.descent.train`. What a step sees is a function of the seed and the step's number alone.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from u3lab._system.meanwhile import meanwhile
from u3lab.descent import Step
from u3lab.settings import setting

SLOWEST = 1e-5  # the least rate: that of the settings, and of those that fall
Terms = dict[str, Tensor]  # the parts of a loss by name
EPOCHS = 2**31  # seeds of epochs, and of steps, lie so far apart for one seed and the next


# ---- settings --------------------------------------------------------------------------------------------------------

def rate(default: float, *, falls: bool = False) -> Any:
    """A setting η; ``falls`` says in its help that the rate is that of the start."""
    return setting(default, SLOWEST, 0.1, scale="log", symbol="η",
                   help="learning rate of Adam" + (" at the start; it falls" if falls else ""))


def steps(default: int, most: int = 100_000) -> Any:
    """A setting: how many steps."""
    return setting(default, 1, most, once=True, help="number of steps")


def batch_size(default: int, most: int, what: str, *, symbol: str = "B", slide_to: int | None = None) -> Any:
    """A setting: how many of ``what`` each step sees."""
    return setting(default, 2, most, symbol=symbol, once=True, slide_to=slide_to, help=what)


def seed(what: str) -> Any:
    """A setting: the seed of ``what``."""
    return setting(0, 0, 2**31 - 1, once=True, help=f"seed of {what}")


# ---- a rate that falls -----------------------------------------------------------------------------------------------

def half_cosine(step: int, steps: int) -> float:
    """A share that falls from 1 to 0 along half a cosine."""
    return (1 + math.cos(math.pi * step / steps)) / 2


def cosine(lr: float, step: int, steps: int) -> float:
    """A rate that falls from ``lr`` to a hundredth of it along half a cosine."""
    return lr * (0.01 + 0.99 * half_cosine(step, steps))


def annealed(settings: Any) -> Callable[[int], float]:
    """The rate of each step: it falls from ``settings.lr``, whatever that is then, to nearly 0 along half a cosine."""
    steps = settings.steps
    return lambda step: max(settings.lr * half_cosine(step, steps + 1), SLOWEST)


def falling(steps: Iterable[Step], settings: Any) -> Iterator[Step]:
    """The steps of a training that reads these settings, whose rate ``lr`` falls with each, to nearly 0 at the last."""
    first, count = settings.lr, settings.steps
    for step in steps:
        settings.lr = max(first * (1 - step.iteration / count), SLOWEST)
        yield step


# ---- a step ----------------------------------------------------------------------------------------------------------

def generator_of(seed: int, step: int) -> torch.Generator:
    """The random numbers of a step."""
    return torch.Generator().manual_seed(seed * EPOCHS + step)


def training_mode(module: nn.Module) -> meanwhile:
    """While open, batch norms use the statistics of the batch and remember them."""
    return meanwhile((module.train, module.eval))


def fingerprint(data: object) -> str:
    """What tells data from others: a tensor, or several, by shape and SHA-256."""
    parts, digest = [data] if isinstance(data, Tensor) else list(data), hashlib.sha256()
    for one in parts:
        digest.update(f"{tuple(one.shape)} {one.dtype} ".encode())
        digest.update(one.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return f"{tuple(parts[0].shape)} {digest.hexdigest()[:12]}"


@dataclass(frozen=True)
class Batches:
    """Batches of ``size`` out of ``count`` pictures, epoch after epoch in a new order."""

    count: int
    size: int
    seed: int

    def at(self, step: int) -> Tensor:
        """Numbers of the pictures of a step, (size); a batch may reach into the next epoch."""
        first, end, parts = step * self.size, (step + 1) * self.size, []
        for epoch in range(first // self.count, (end - 1) // self.count + 1):
            order, begun = torch.randperm(self.count, generator=generator_of(self.seed, 2 * epoch)), epoch * self.count
            parts.append(order[max(first - begun, 0) : end - begun])
        return torch.cat(parts)
