"""The exercises of chapter 6c: linear maps between features."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from u3course.course.judging import drawn, not_contiguous
from u3course.course.words import task
from u3lab.equivariance import HFLIP, VFLIP, rotation
from u3lab.equivariance.transport import mirrored_filters


def _filter_cases(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]],
                         [[[0.0, 1.0, 0.0], [0.0, 1.0, 1.0], [2.0, 0.0, 0.0]]]]),)
    yield (torch.randn(4, 3, 5, 5, generator=g),)
    yield (drawn(g, 6, 1, 3, 3),)  # as of a convolution with groups
    yield (torch.randn(3, 2, 4, 4, generator=g, dtype=torch.float64),)


FLIP = task("6c-flip", mirrored_filters, _filter_cases)


def carried(features: Tensor, move: Callable[[Tensor], Tensor], W: Tensor, b: Tensor) -> Tensor:
    """Features (B,C,h,w) with their places moved and their channels mixed, (B,D,h,w): b + W φ(g⁻¹u) at each place u."""
    mixed = torch.einsum("dc,bchw->bdhw", W, move(features))
    return mixed + b[:, None, None]


def _halved(features: Tensor) -> Tensor:
    return features[:, :, ::2, ::2]


def _grid_cases(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.tensor([[[[1.0, 2.0], [3.0, 4.0]], [[0.0, 1.0], [1.0, 0.0]]]]), HFLIP,
           torch.tensor([[1.0, 2.0], [0.0, 1.0]]), torch.tensor([0.0, 5.0]))
    for move, (c, d), dtype in ((VFLIP, (3, 3), torch.float32), (_halved, (2, 5), torch.float32),
                                (rotation(90), (4, 4), torch.float64)):
        x, W, b = (torch.randn(*shape, generator=g, dtype=dtype) for shape in ((2, c, d, d), (d, c), (d,)))
        yield not_contiguous(x), move, W, b


CARRY = task("6c-carry", carried, _grid_cases)


def ridge(x: Tensor, y: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """W (q,p) and b (q,) that minimise Σ‖y − Wx − b‖² + α‖W‖² over samples x (n,p), y (n,q)."""
    x0, y0 = x - x.mean(0), y - y.mean(0)
    C = x0.T @ x0 + alpha * torch.eye(x.shape[1]).to(x)
    W = torch.linalg.solve(C, x0.T @ y0).T
    return W, y.mean(0) - W @ x.mean(0)


def _sample_cases(g: torch.Generator) -> Iterator[tuple]:
    x = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 1.0]])
    yield x, (2 * x[:, :1] - x[:, 1:] + 3), 1.0
    for n, p, q, dtype in ((30, 4, 4, torch.float32), (40, 3, 5, torch.float32), (25, 5, 2, torch.float64)):
        mixed = torch.eye(p, dtype=dtype) + 0.3 * torch.randn(p, p, generator=g, dtype=dtype)  # features are correlated
        x = torch.randn(n, p, generator=g, dtype=dtype) @ mixed + torch.rand(p, generator=g, dtype=dtype)
        y = x @ torch.randn(p, q, generator=g, dtype=dtype) + 1 + 0.5 * torch.randn(n, q, generator=g, dtype=dtype)
        yield x, not_contiguous(y), 2.0


def _through_zero(x: Tensor, y: Tensor, alpha: float) -> Tensor:
    """W (q,p) as if b were 0."""
    return torch.linalg.solve(x.T @ x + alpha * torch.eye(x.shape[1]).to(x), x.T @ y).T


def _all_penalised(x: Tensor, y: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """With a column of ones whose weight is in the penalty as well."""
    found = _through_zero(torch.cat([x, torch.ones_like(x[:, :1])], 1), y, alpha)
    return found[:, :-1], found[:, -1]


def _with_bias(w: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    return w, y.mean(0) - w @ x.mean(0)


STITCH = task("6c-stitch", ridge, _sample_cases, rtol=1e-3, atol=1e-4)

EXERCISES = {"6c": (FLIP, CARRY, STITCH)}
