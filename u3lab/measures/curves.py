"""Two rows of numbers: how they go together, and the area under a curve."""

from __future__ import annotations

import torch
from torch import Tensor

from u3lab.checks import is_plain, shown, tensors
from u3lab.errors import U3Error


def _comparable(a: Tensor, b: Tensor) -> None:
    """U3Error unless both are tensors of one shape and finite."""
    if not (is_plain(a) and is_plain(b)) or a.shape != b.shape or not a.numel():
        raise U3Error(f"{shown(a)} and {shown(b)} cannot be compared; give two tensors of one shape")
    tensors(a=(a.flatten(), "N"), b=(b.flatten(), "N"))


def correlation(a: Tensor, b: Tensor) -> float:
    """Pearson correlation of two tensors of one shape; 0 if one of them is constant."""
    _comparable(a, b)
    a, b = a.flatten().double() - a.double().mean(), b.flatten().double() - b.double().mean()
    norms = a.norm() * b.norm()
    return float(a @ b / norms) if norms > 0 else 0.0


def rank_correlation(a: Tensor, b: Tensor) -> float:
    """Spearman's: the correlation of the ranks, equal values sharing the mean of theirs; 0 if one is constant."""
    from scipy.stats import spearmanr

    _comparable(a, b)
    a, b = (one.detach().flatten().double().cpu() for one in (a, b))
    if min(a.max() - a.min(), b.max() - b.min()) == 0:  # where scipy warns and says NaN
        return 0.0
    return float(spearmanr(a.numpy(), b.numpy()).statistic)


def auc(x: Tensor, y: Tensor) -> float:
    """Area under the curve y over x, both (N), by the trapezium rule; of a deletion or insertion curve for example.

    Raises U3Error where x falls: the area would be counted away.
    """
    tensors(x=(x, "N"), y=(y, "N"))
    if (x[1:] < x[:-1]).any():
        raise U3Error("x falls somewhere; give the curve from left to right, such as x.flip(0) and y.flip(0)")
    return float(torch.trapezoid(y, x))
