"""Linear maps by least squares, from scikit-learn: dense ones by ridge regression, sparse ones by matching pursuit."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from u3lab.checks import number

MOST_STRENGTH = 1e6  # far beyond where all weights are 0


def ridge(x: Tensor, y: Tensor, *, strength: float = 0.0) -> tuple[Tensor, Tensor]:
    """W, b that minimise ‖y − Wx − b‖² + α‖W‖² over samples x (n,p), y (n,q): W (q,p) and b (q,).

    α = strength × the mean energy Σx² of an input about its mean, so that a strength means the same for every layer.
    Without it these are plain least squares, which want more samples than inputs.
    """
    from sklearn.linear_model import Ridge

    alpha = number("strength", strength, 0, MOST_STRENGTH) * float((x - x.mean(0)).square().sum()) / x.shape[1]
    model = Ridge(alpha=max(alpha, torch.finfo(x.dtype).tiny), solver="cholesky").fit(x.numpy(), y.numpy())
    return torch.from_numpy(model.coef_).view(y.shape[1], -1), torch.from_numpy(model.intercept_)


def orthogonal_matching_pursuit(x: Tensor, y: Tensor, count: int) -> Tensor:
    """The ``count`` inputs that best explain each output, by orthogonal matching pursuit: bool (q,p)."""
    from sklearn.linear_model import OrthogonalMatchingPursuit

    x = x - x.mean(0)
    x = x / x.norm(dim=0).clamp(min=torch.finfo(x.dtype).tiny)  # the pursuit compares inputs of equal length
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # it ends early where fewer inputs explain everything
        model = OrthogonalMatchingPursuit(n_nonzero_coefs=count, precompute=True).fit(x.numpy(), y.numpy())
    return torch.from_numpy(model.coef_).view(y.shape[1], -1) != 0
