"""The exercises of chapter 6c: linear maps between features."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from u3course.course.definitions import Exercise, Mistake
from u3course.course.judging import by_cases, drawn, not_contiguous
from u3course.course.words import words
from u3lab.equivariance.transport import mirrored_filters, ridge


def _filter_cases(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]],
                         [[[0.0, 1.0, 0.0], [0.0, 1.0, 1.0], [2.0, 0.0, 0.0]]]]),)
    yield (torch.randn(4, 3, 5, 5, generator=g),)
    yield (drawn(g, 6, 1, 3, 3),)  # as of a convolution with groups
    yield (torch.randn(3, 2, 4, 4, generator=g, dtype=torch.float64),)


FLIP = Exercise(**words("6c-flip"), reference=mirrored_filters, judge=by_cases(mirrored_filters, _filter_cases, (
        Mistake(lambda w: w, "these are the filters as they were; that would only do if each of them were symmetric"),
        Mistake(lambda w: w.mT, "rows and columns are swapped: that is for pictures mirrored at their diagonal; "
                "reverse the columns"),
        Mistake(lambda w: w.flip(0), "axis 0 counts the output channels: the filters are the same, in another order; "
                "reverse the columns inside each"),
        Mistake(lambda w: w.flip(1), "axis 1 counts the input channels: red and blue are swapped; reverse the columns, "
                "the last axis"),
        Mistake((lambda w: w.flip(2), lambda w: w.flip((2, 3))), "you reversed the rows, axis 2; a mirror at the right "
                "or left reverses the columns alone, the last axis"),
    )))


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


STITCH = Exercise(**words("6c-stitch"), reference=ridge, judge=by_cases(_fit, _sample_cases, (
        Mistake(lambda x, y: (_through_zero(x, y), torch.zeros_like(y[0])), "there is no offset: b is 0, and W has to "
                "make up for it; put a column of ones beside x"),
        Mistake((lambda x, y: (_fit(x, y)[0], torch.zeros_like(y[0])), lambda x, y: (_fit(x, y)[0], y.mean(0))), "W is "
                "right, but b is 0, or the mean of y alone, which holds where the mean of x is 0; it is ȳ − W x̄"),
        Mistake((lambda x, y: _with_bias(_through_zero(x, y), x, y), lambda x, y: (_through_zero(x, y), y.mean(0))),
                "W was found as if b were 0, and b afterwards; find them together: put a column of ones beside x, or "
                "take the means away from x and y first"),
        Mistake((lambda x, y: _with_bias(_covariance(x, y), x, y),
                 lambda x, y: _with_bias(_covariance(x, y) / len(x), x, y)), "W is the covariance of y and x alone; "
                "features of x are correlated: multiply by the inverse of the covariance of x with itself, or solve "
                "with `torch.linalg.lstsq`"),
        Mistake(lambda x, y: _with_bias(_covariance(x, y) / (x - x.mean(0)).square().sum(0), x, y), "you fitted each "
                "feature of x by itself; they are correlated, so all weights have to be found at once"),
    ), rtol=1e-3, atol=1e-4))

EXERCISES = {"6c": (FLIP, STITCH)}
