"""Class scores against labels, and the linear probe."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from u3lab.checks import number, of_wholes, tensors, whole
from u3lab.errors import U3Error

CLASSES = 100_000  # more than any network of ours has; a probe has a row of weights for each


def balanced_accuracy(scores: Tensor, labels: Tensor, target: int) -> float:
    """How well scores (B,K) tell one class from all others: the mean of the share found and of the share rightly left.

    0.5 is guessing, whatever the share of the class among the labels (B).

    Raises:
        U3Error: Shapes that do not fit, labels of classes that have no score, a class that is not there or that all
            pictures are of.
    """
    tensors(scores=(scores, "BK"), labels=(labels, "B"))
    labels = classes(labels, scores.shape[1])
    wanted = of_class(labels, whole("target", target, 0, scores.shape[1] - 1))
    found = (scores.argmax(1) == target).to(labels.device)
    return float((found[wanted].double().mean() + (~found[~wanted]).double().mean()) / 2)


def of_class(labels: Tensor, target: int) -> Tensor:
    """Which labels (B) are those of a class, (B) bool; U3Error unless some are and some are not."""
    wanted = classes(labels) == target
    if not wanted.any() or wanted.all():
        raise U3Error(f"class {target} has {int(wanted.sum())} of {len(labels)} pictures; give some of it and others")
    return wanted


def classes(labels: Tensor, count: int = CLASSES) -> Tensor:
    """The labels (N) as int64, if they are numbers of so many classes: whole, and from 0 on."""
    tensors(labels=(labels, "N"))
    if not of_wholes(labels):
        raise U3Error(f"labels is of {labels.dtype}; give the numbers of classes, for example labels.long()")
    for label in (labels := labels.long()).aminmax():
        whole("a label", label.item(), 0, count - 1)
    return labels


def agreement(scores: Tensor, reference: Tensor) -> tuple[float, float]:
    """How often two networks agree: shares of pictures whose reference class is the first, and among the first five.

    Both are class scores (B,K); the reference class is the best one of ``reference``.
    """
    tensors(scores=(scores, "BK"), reference=(reference, "BK"))
    best = reference.argmax(1, keepdim=True)
    hits = scores.topk(min(5, scores.shape[1]), 1).indices == best
    return hits[:, 0].double().mean().item(), hits.any(1).double().mean().item()


class Probe(NamedTuple):
    """A linear classifier of features: scores(a) = (a − mean) / spread @ weight.T + bias."""

    mean: Tensor
    spread: Tensor
    weight: Tensor
    bias: Tensor

    def scores(self, features: Tensor) -> Tensor:
        """(N,U) → (N,K)."""
        tensors(**{"the probe's mean": (self.mean, "U"), "features": (features, "NU")})
        return (features.double() - self.mean) / self.spread @ self.weight.T + self.bias

    def accuracy(self, features: Tensor, labels: Tensor) -> float:
        """The share of features (N,U) whose highest score is that of their label (N)."""
        tensors(features=(features, "NU"), labels=(labels, "N"))
        return float((self.scores(features).argmax(1) == classes(labels)).double().mean())


def probe(features: Tensor, labels: Tensor, *, C: float = 1.0) -> Probe:
    """Fit a linear probe to features (N,U) and labels (N) 0 … K−1: what can be read off a layer with one linear map?

        min over W, b   1/N Σ −log softmax(W a_i + b)[y_i]  +  ‖W‖² / (2 C N)

    Alain & Bengio, Understanding intermediate layers using linear classifier probes, 2017. The features are held fixed:
    the network does not learn from its probe. Each feature is brought to mean 0 and spread 1 first.

    Args:
        C: The larger, the less large weights cost. A class that no label names gets the bias −∞.

    Raises:
        U3Error: Shapes that do not fit, NaN, labels that are not whole or below 0, a single class, C that is not above
            0.
    """
    from sklearn.linear_model import LogisticRegression

    if isinstance(features, Tensor) and features.ndim > 2:
        raise U3Error(f"features has the shape {tuple(features.shape)}; give (N,U): of maps, features.mean((2, 3))")
    tensors(features=(features, "NU"), labels=(labels, "N"))
    C = number("C", C, 0, without_low=True)
    if len(there := (labels := classes(labels)).unique().cpu()) < 2:
        raise U3Error("all labels are the same; a probe needs at least two classes")
    x = features.detach().double()
    mean, spread = x.mean(0), x.std(0, unbiased=False)
    spread = torch.where(spread > 0, spread, 1.0)
    # For two classes scikit-learn fits the difference w of the two rows, whose penalty ‖w‖² / 2 is twice ‖W‖².
    two = len(there) == 2
    model = LogisticRegression(C=2 * C if two else C, tol=1e-6, max_iter=10_000, solver="newton-cg")
    model.fit(((x - mean) / spread).cpu().numpy(), labels.cpu().numpy())
    rows, offsets = torch.from_numpy(model.coef_), torch.from_numpy(model.intercept_)
    if two:
        rows, offsets = torch.cat([-rows, rows]) / 2, torch.cat([-offsets, offsets]) / 2
    weight = rows.new_zeros(int(there.max()) + 1, x.shape[1]).index_copy_(0, there, rows)
    bias = offsets.new_full((len(weight),), -torch.inf).index_copy_(0, there, offsets)
    return Probe(mean, spread, weight.to(x), bias.to(x))
