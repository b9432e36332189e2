"""A richer family for the first cure: a mixture of M images, each of independent pixels.

    p(y | x) = Σ_m π_m(x) Π_i p_m(y_i | x),    loss −log p(y | x)

To draw from it is to draw m first, and then the pixels, which now agree with each other. The best member for two
outcomes has one of them in each part, and π = (1 − p, p).

From random weights one part often takes all: the part that is a little better at the pixels in which both outcomes
agree wins both, and the other is never taught again. So for the first third of the steps the loss is the mean of the
parts' own −log p: all parts become the same image, that of independent pixels, up to what differed at the start. From
there the least difference decides which outcome is nearer to which part, and they move away from each other.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from u3course.lessons.selfsup import cures
from u3course.lessons.selfsup.toys import Toy

PARTS = 2  # M
ALIKE = cures.STEPS // 3  # steps at the start in which all parts learn the same


class Mixture(NamedTuple):
    """π (K,M), and for each kind and part what the family of independent pixels reads: (K,M,…)."""

    chances: Tensor
    parts: Tensor


def closed(toy: Toy, p: float) -> Mixture:
    """The best mixture of two: each outcome as surely as the family can, with its chance."""
    parts = [cures.FAMILIES[toy.name].closed(outcome, outcome, p) for outcome in toy.y.unbind(1)]
    return Mixture(torch.tensor([[1 - p, p]]).expand(len(toy.x), -1), torch.stack(parts, 1))


def learnt(toy: Toy, p: float, *, seed: int = 0) -> Mixture:
    """What a network of one hidden layer answers after the same 300 batches that the cures get."""
    family, steps = cures.FAMILIES[toy.name], iter(range(cures.STEPS + 1))
    shape = (family.outputs, *toy.y.shape[3:])  # of one part

    def loss(out: Tensor, y: Tensor) -> Tensor:
        parts = torch.stack([-family.loss(part, y).flatten(1).sum(1)  # log Π_i p_m(y_i | x)
                             for part in out[:, :, 1:].unflatten(2, shape).unbind(1)], 1)  # (B,M)
        if next(steps) < ALIKE:
            return -parts.mean(1)
        return -(out[:, :, 0].log_softmax(1) + parts).logsumexp(1)

    out = cures.fitted(toy.x, toy.y, [1 - p, p], loss, outputs=(PARTS, 1 + torch.Size(shape).numel()),
                       read=lambda out: out, seed=seed)
    return Mixture(out[:, :, 0].softmax(1), family.read(out[:, :, 1:].unflatten(2, shape)))


def sample(toy: Toy, mixture: Mixture, generator: torch.Generator) -> Tensor:
    """A y of each kind, (K,…): first a part, then its pixels."""
    part = torch.multinomial(mixture.chances, 1, generator=generator)[:, 0]
    return cures.FAMILIES[toy.name].sample(mixture.parts[torch.arange(len(part)), part], generator)


def off(toy: Toy, made: Tensor) -> tuple[Tensor, Tensor]:
    """How far what is made (K,…) is from the nearer outcome, as a share of the distance between both; and which it is.

    (K) and (K), the latter 0 or 1.
    """
    away = (made[:, None] - toy.y).flatten(2).norm(dim=2)
    return away.amin(1) / (toy.y[:, 0] - toy.y[:, 1]).flatten(1).norm(dim=1), away.argmin(1)
