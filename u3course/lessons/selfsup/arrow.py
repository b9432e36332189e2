"""The arrow of time of a bouncing ball: can it be told from its reverse, and how often by the best of observers?

At each bounce the ball keeps the share r of its speed, so of its height r². The logarithms of n peaks lie on a line:

    u_i = c + 2 log(r) (i − (n + 1)/2) + τ ε_i,   i = 1, …, n,   ε_i standard normal

The middle height c says nothing about the direction. Played backwards, the line has the opposite slope. The best
observer fits a line and looks at the sign of its slope. With S = Σ (i − (n + 1)/2)² the fitted slope has the standard
deviation τ/√S, so that its sign is right with the probability Φ(2 |log r| √S / τ). For r = 1 that is ½.

These n numbers are all that an observer gets: there is no film, and who is asked sees neither widths nor gaps.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.descent import descend, last

PEAKS, NOISE = 5, 0.5  # n and τ: a peak is seen with an error of some 50 %
TRAINED, TESTED, STEPS = 64, 4000, 200


def steps() -> Tensor:
    """i − (n + 1)/2, (n,)."""
    return torch.arange(PEAKS) - (PEAKS - 1) / 2


def peaks(count: int, r: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Logarithms u of the peaks (count,n), and whether they come in order: one half, in random order."""
    u = torch.randn(count, 1, generator=generator) + 2 * math.log(r) * steps()
    u = u + NOISE * torch.randn(count, PEAKS, generator=generator)
    forwards = torch.randperm(count, generator=generator) % 2 == 0
    return torch.where(forwards[:, None], u, u.flip(1)), forwards


def bayes(r: float) -> float:
    """The share that the best observer tells right."""
    return 0.5 * (1 + math.erf(2 * abs(math.log(r)) * float(steps().square().sum().sqrt()) / NOISE / math.sqrt(2)))


def learnt(r: float, *, seed: int = 0) -> float:
    """The share that a small network tells right, of peaks that it has not seen."""
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        net = nn.Sequential(nn.Linear(PEAKS, 16), nn.ReLU(), nn.Linear(16, 1))

    def energy() -> tuple[Tensor, dict[str, Tensor]]:
        u, forwards = peaks(TRAINED, r, generator)
        scores = net(u)[:, 0]
        return scores, {"cross-entropy": F.binary_cross_entropy_with_logits(scores, forwards.float())}

    last(descend(list(net.parameters()), energy, steps=STEPS, lr=lambda: 0.01))
    u, forwards = peaks(TESTED, r, torch.Generator().manual_seed(10_000 + seed))
    with torch.no_grad():
        return float(((net(u)[:, 0] > 0) == forwards).double().mean())
