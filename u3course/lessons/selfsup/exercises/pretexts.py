"""The exercises of notebook 02: learning without labels."""

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3course.course.judging import drawn, not_contiguous
from u3course.course.words import task


def upright_loss(net: Callable[[Tensor], Tensor], x: Tensor, g: Tensor) -> Tensor:
    """The loss of the turns g (B) of pictures x (B,3,S,S): the cross-entropy of the scores of what was turned."""
    views = torch.stack([one.rot90(int(k), (1, 2)) for one, k in zip(x, g, strict=True)])
    return F.cross_entropy(net(views), g)


def info_nce(a: Tensor, b: Tensor, tau: float) -> Tensor:
    """InfoNCE of the codes of two views, (N,D) each, both ways: row i of ``a`` belongs to row i of ``b`` alone."""
    a, b = F.normalize(a, dim=1), F.normalize(b, dim=1)
    scores, own = a @ b.T / tau, torch.arange(len(a))
    return (F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2


def gain(val: Tensor, test: Tensor, floor_val: Tensor, floor_test: Tensor) -> Tensor:
    """What each seed gains on the test over its floor, (S), each at the layer that is best on validation; all (L,S)."""
    ours, theirs = (int(one.mean(1).argmax()) for one in (val, floor_val))
    return test[ours] - floor_test[theirs]


class Corners(nn.Module):
    """A tiny network: the means of the four corners of each colour, and a linear layer of fixed weights."""

    def __init__(self, g: torch.Generator, dtype: torch.dtype) -> None:
        super().__init__()
        self.linear = nn.Parameter(torch.randn(12, 4, generator=g, dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(x, 2).flatten(1) @ self.linear


def _upright_cases(g: torch.Generator) -> Iterator[tuple]:
    for turns, size, dtype in (([1], 2, torch.float64), ([0, 1, 2, 3, 3], 4, torch.float32),
                               ([3, 1], 6, torch.float64)):
        yield Corners(g, dtype), drawn(g, len(turns), 3, size, size, dtype=dtype), torch.tensor(turns)


UPRIGHT = task("2-upright", upright_loss, _upright_cases, rtol=1e-3, atol=1e-5)


def _nce_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[1.0, 0.0], [3.0, 4.0]]), torch.tensor([[2.0, 0.0], [0.0, 1.0]]), 0.5
    for count, length, tau, dtype in ((5, 3, 0.2, torch.float64), (1, 4, 0.5, torch.float32),
                                      (7, 16, 1.0, torch.float32)):
        yield drawn(g, count, length, dtype=dtype), drawn(g, count, length, dtype=dtype), tau


CONTRAST = task("2-contrast", info_nce, _nce_cases, rtol=1e-3, atol=1e-5)


def _gain_cases(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.tensor([[0.2, 0.4], [0.5, 0.3]]), torch.tensor([[0.6, 0.5], [0.3, 0.4]]),
           torch.tensor([[0.3, 0.2], [0.1, 0.2]]), torch.tensor([[0.2, 0.1], [0.3, 0.4]]))
    for layers, seeds, dtype in ((5, 3, torch.float64), (4, 1, torch.float32), (6, 4, torch.float64)):
        yield tuple(not_contiguous(torch.rand(layers, seeds, generator=g, dtype=dtype)) for _ in range(4))


GAIN = task("2-gain", gain, _gain_cases)


EXERCISES = UPRIGHT, CONTRAST, GAIN
