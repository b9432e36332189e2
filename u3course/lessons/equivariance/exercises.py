"""The exercises of chapter 6c: linear maps between features."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from u3course.course.definitions import Judge
from u3course.course.judging import by_cases, drawn, not_contiguous
from u3course.course.words import task
from u3lab.equivariance.transport import mirrored_filters, ridge


def _filter_cases(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]],
                         [[[0.0, 1.0, 0.0], [0.0, 1.0, 1.0], [2.0, 0.0, 0.0]]]]),)
    yield (torch.randn(4, 3, 5, 5, generator=g),)
    yield (drawn(g, 6, 1, 3, 3),)  # as of a convolution with groups
    yield (torch.randn(3, 2, 4, 4, generator=g, dtype=torch.float64),)


FLIP = task("6c-flip", mirrored_filters, _filter_cases)


def _sample_cases(g: torch.Generator) -> Iterator[tuple]:
    x = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 1.0]])
    yield x, (2 * x[:, :1] - x[:, 1:] + 3)
    for n, p, q, dtype in ((30, 4, 4, torch.float32), (40, 3, 5, torch.float32), (25, 5, 2, torch.float64)):
        mixed = torch.eye(p, dtype=dtype) + 0.3 * torch.randn(p, p, generator=g, dtype=dtype)  # features are correlated
        x = torch.randn(n, p, generator=g, dtype=dtype) @ mixed + torch.rand(p, generator=g, dtype=dtype)
        y = x @ torch.randn(p, q, generator=g, dtype=dtype) + 1 + 0.5 * torch.randn(n, q, generator=g, dtype=dtype)
        yield x, not_contiguous(y)


def _fit(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """What ridge regression gives without penalty, in double precision and without waiting for scikit-learn."""
    w, b = _through_zero(torch.cat([x, torch.ones_like(x[:, :1])], 1), y).tensor_split([x.shape[1]], 1)
    return w, b[:, 0]


def _through_zero(x: Tensor, y: Tensor) -> Tensor:
    """W (q,p) that minimises ‖y − Wx‖²."""
    return torch.linalg.lstsq(x.double(), y.double()).solution.T.to(x.dtype)


def _covariance(x: Tensor, y: Tensor) -> Tensor:
    """Σ (y − ȳ)(x − x̄)ᵀ, (q,p)."""
    return (y - y.mean(0)).T @ (x - x.mean(0))


def _with_bias(w: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    return w, y.mean(0) - w @ x.mean(0)


def _of_fit(_: object, *asked: Any, **near: Any) -> Judge:
    """The judge that asks for what :func:`_fit` gives; the solution that is shown is the library's."""
    return by_cases(_fit, *asked, **near)


STITCH = task("6c-stitch", ridge, _sample_cases, judge=_of_fit, rtol=1e-3, atol=1e-4)

EXERCISES = {"6c": (FLIP, STITCH)}
