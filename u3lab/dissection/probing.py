"""Linear probes: what can be read off a layer with one linear map?

    min over W, b   1/N Σ −log softmax(W a_i + b)[y_i]  +  ‖W‖² / (2 C N)

Alain & Bengio, Understanding intermediate layers using linear classifier probes, 2017. The features are held fixed: the
network does not learn from its probe. C is scikit-learn's.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.errors import U3Error


class Probe(NamedTuple):
    """A linear classifier of features: scores(a) = (a − mean) / spread @ weight.T + bias."""

    mean: Tensor
    spread: Tensor
    weight: Tensor
    bias: Tensor

    def scores(self, features: Tensor) -> Tensor:
        """(N,U) → (N,K)."""
        return (features.double() - self.mean) / self.spread @ self.weight.T + self.bias

    def accuracy(self, features: Tensor, labels: Tensor) -> float:
        """The share of features (N,U) whose highest score is that of their label (N)."""
        return float((self.scores(features).argmax(1) == labels).double().mean())


def probe(features: Tensor, labels: Tensor, *, C: float = 1.0, steps: int = 200) -> Probe:
    """Fit a probe to features (N,U) and labels (N) 0 … K−1; each feature is brought to mean 0 and spread 1 first.

    Parameters
    ----------
    C
        C: the larger, the less large weights cost.
    steps
        The most iterations of L-BFGS; the problem is convex, and it stops when it is there.

    Raises
    ------
    U3Error
        Shapes that do not fit, or a single class.
    """
    if features.ndim != 2 or labels.shape != features.shape[:1]:
        raise U3Error(f"features {tuple(features.shape)} and labels {tuple(labels.shape)}: give (N,U) and (N); pool a "
                      "map first, for example features.mean((2, 3))")
    if (classes := int(labels.max()) + 1) < 2:
        raise U3Error("all labels are the same; a probe needs at least two classes")
    x = features.detach().double()
    mean, spread = x.mean(0), x.std(0, unbiased=False)
    spread = torch.where(spread > 0, spread, 1.0)
    x = (x - mean) / spread
    weight = torch.zeros(classes, x.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=steps, tolerance_grad=1e-9, tolerance_change=1e-12,
                                  line_search_fn="strong_wolfe")

    def energy() -> Tensor:
        optimiser.zero_grad()
        loss = loss_of(x @ weight.T + bias, labels, weight, C)
        loss.backward()
        return loss

    with torch.enable_grad():
        optimiser.step(energy)
    return Probe(mean, spread, weight.detach(), bias.detach())


def loss_of(scores: Tensor, labels: Tensor, weight: Tensor, C: float) -> Tensor:
    """What :func:`probe` minimises."""
    return F.cross_entropy(scores, labels) + weight.square().sum() / (2 * C * len(scores))
