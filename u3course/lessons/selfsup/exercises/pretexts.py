"""The exercises of notebook 02: learning without labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3course.course.definitions import Exercise, Mistake
from u3course.course.judging import by_cases, drawn, not_contiguous
from u3course.course.words import words


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


UPRIGHT = Exercise(**words("2-upright"), reference=upright_loss, judge=by_cases(upright_loss, _upright_cases, (
        Mistake("net(views) → net(x)", "you asked about the pictures as they are: the network has to see what you "
                "turned"),
        Mistake("one.rot90(int(k) → one.rot90(-int(k)", "you turned to the right; g counts quarter "
                "turns to the left, so `rot90(k, (1, 2))` with k itself"),
        Mistake("F.cross_entropy(net(views), g) → F.cross_entropy(net(views), g, reduction='sum')", "that is the sum "
                "over the batch; the loss is the mean"),
        Mistake(("F.cross_entropy(net(views), g) → F.cross_entropy(net(views).softmax(1), g)",
                 "F.cross_entropy(net(views), g) → -net(views)[torch.arange(len(g)), g].mean()"), "cross-entropy "
                "takes the scores as they are and makes the softmax itself: give it no probabilities, and do not "
                "leave the softmax out"),
        Mistake(("int(k) → int(g[0])", "int(k) → 1"), "all pictures have the same turn; each has its own, g[i] of "
                "picture i"),
    ), rtol=1e-3, atol=1e-5))


def _nce_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[1.0, 0.0], [3.0, 4.0]]), torch.tensor([[2.0, 0.0], [0.0, 1.0]]), 0.5
    for count, length, tau, dtype in ((5, 3, 0.2, torch.float64), (1, 4, 0.5, torch.float32),
                                      (7, 16, 1.0, torch.float32)):
        yield drawn(g, count, length, dtype=dtype), drawn(g, count, length, dtype=dtype), tau


CONTRAST = Exercise(**words("2-contrast"), reference=info_nce, judge=by_cases(info_nce, _nce_cases, (
        Mistake("F.normalize(a, dim=1), F.normalize(b, dim=1) → a, b", "these are inner products; a cosine needs codes "
                "of length 1, so normalise each row first"),
        Mistake(("F.normalize(a, dim=1), F.normalize(b, dim=1) → F.normalize(a, dim=0), F.normalize(b, dim=0)",
                 "F.normalize(a, dim=1), F.normalize(b, dim=1) → a / a.norm(), b / b.norm()"), "you normalised the "
                "columns, or all codes at once; each code, a row, is to have length 1: dim=1"),
        Mistake(("return (F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2 → "
                 "return F.cross_entropy(scores, own)",
                 "return (F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2 → "
                 "return F.cross_entropy(scores.T, own)", " + F.cross_entropy(scores.T, own) → "),
                "that is one way only: a_i chooses among all b, and b_i among all a; return the mean of both"),
        Mistake("/ tau → * tau", "you multiplied by τ: a small τ is to make the differences larger, so divide"),
        Mistake("(F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2 → -scores.diagonal().mean()",
                "you only pull together what belongs together; then one code for all pictures is the best answer; the "
                "softmax over the row pushes the others away"),
    ), rtol=1e-3, atol=1e-5))


def _gain_cases(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.tensor([[0.2, 0.4], [0.5, 0.3]]), torch.tensor([[0.6, 0.5], [0.3, 0.4]]),
           torch.tensor([[0.3, 0.2], [0.1, 0.2]]), torch.tensor([[0.2, 0.1], [0.3, 0.4]]))
    for layers, seeds, dtype in ((5, 3, torch.float64), (4, 1, torch.float32), (6, 4, torch.float64)):
        yield tuple(not_contiguous(torch.rand(layers, seeds, generator=g, dtype=dtype)) for _ in range(4))


GAIN = Exercise(**words("2-gain"), reference=gain, judge=by_cases(gain, _gain_cases, (
        Mistake("in (val, floor_val) → in (test, floor_test)", "you chose the layer on the test: the best of several "
                "is lucky, so the gain comes out too large; choose on validation"),
        Mistake("floor_test[theirs] → floor_test[ours]", "you read the floor at the task's layer; the floor may be "
                "better elsewhere; it has a best layer of its own"),
        Mistake("return test[ours] - floor_test[theirs] → return torch.stack([test[int(val[:, s].argmax()), s] - "
                "floor_test[int(floor_val[:, s].argmax()), s] for s in range(val.shape[1])])", "you chose a layer for "
                "each seed; take one layer for all, the best on average"),
        Mistake("test[ours] - floor_test[theirs] → val[ours] - floor_val[theirs]", "you read the gain off the "
                "validation photos, which have chosen the layer; report the test"),
        Mistake("one.mean(1) → one.mean(0)", "you averaged over the layers, axis 0; the layer is best by its mean over "
                "the seeds, axis 1"),
    )))


EXERCISES = UPRIGHT, CONTRAST, GAIN
