"""Notebook 02c: its exercises, the loss of IIC from the joint and one joint for many displacements, and its quiz."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, not_contiguous
from u3lab.lessons.selfsup.information_questions import QUIZ

__all__ = ["EXERCISES", "QUIZ"]


def loss_of(P: Tensor, lam: float) -> Tensor:
    """L = −Σ_ij P_ij (ln P_ij − λ ln P_i − λ ln P_j) of (P + Pᵀ)/2: P (k,k) is 0 or more and sums to 1."""
    P = ((P + P.T) / 2).clamp_min(torch.finfo(P.dtype).eps)
    rows, columns = P.sum(1, keepdim=True), P.sum(0, keepdim=True)
    return -(P * (P.log() - lam * rows.log() - lam * columns.log())).sum()


def _cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[0.4, 0.3], [0.1, 0.2]]), 1.0
    for k, lam, dtype in ((3, 1.5, torch.float64), (5, 1.0, torch.float32), (4, 0.5, torch.float64)):
        yield not_contiguous(torch.rand(k, k, generator=g, dtype=dtype).square().flatten().softmax(0).view(k, k)), lam
    yield torch.tensor([[0.5, 0.0, 0.0], [0.0, 0.0, 0.25], [0.0, 0.25, 0.0]]), 1.0  # pairs that never occur
    yield torch.diag(torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.float64)), 1.0  # all is one class


def _parts(P: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """ln P_ij, ln P_i and ln P_j, clamped."""
    least = torch.finfo(P.dtype).eps
    return tuple(one.clamp_min(least).log() for one in (P, P.sum(1, keepdim=True), P.sum(0, keepdim=True)))


def _even(P: Tensor) -> Tensor:
    return (P + P.T) / 2


def _of(P: Tensor, lam: float, rows: float = 1, columns: float = 1) -> Tensor:
    """The sum with other factors before the logarithms of the marginals."""
    log = _parts(P)
    return -(P * (log[0] - lam * rows * log[1] - lam * columns * log[2])).sum()


def _unclamped(P: Tensor, lam: float) -> Tensor:
    P = _even(P)
    return -(P * (P.log() - lam * P.sum(1, keepdim=True).log() - lam * P.sum(0, keepdim=True).log())).sum()


def _unclamped_marginals(P: Tensor, lam: float) -> Tensor:
    P = _even(P)
    return -(P * (_parts(P)[0] - lam * P.sum(1, keepdim=True).log() - lam * P.sum(0, keepdim=True).log())).sum()


_NAN = ("where P is 0, 0 · ln 0 is 0, but a computer says NaN: `torch.log(0)` is −∞, and 0 times that is no number. "
        "Keep P from 0 with `clamp_min` before the logarithms. In training, P has zeros as soon as the network is sure")
LOSS = Exercise(
    id="2c-iic", title="The loss of a joint", minutes=15, difficulty="medium", points=4,
    goal="P holds the shares of all pairs of classes, the mean of z z′ᵀ over a batch: 0 or more, with the sum 1. Both "
         "views are of equal right, so first make it symmetric: (P + Pᵀ)/2. With its marginals P_i (sums of rows) and "
         "P_j (sums of columns), return L = −Σ_ij P_ij (ln P_ij − λ ln P_i − λ ln P_j). Entries that are 0 count 0.",
    signature="def my_loss(P, lam):   # (k,k), a number → a scalar",
    hints=(
        "If the check says NaN: look for ln 0. `P.clamp_min(1e-12)` keeps a number from 0; in float32, "
        "`torch.finfo(P.dtype).eps` is a good floor.",
        "For independent classes, P_ij = P_i P_j, and with λ = 1 the bracket is 0 in each cell. Try it with "
        "`P = torch.full((2, 2), 0.25)`: L has to be 0.",
        "`P.sum(1, keepdim=True)` has the shape (k,1), so that it spreads over the columns of P; `P.sum(0, "
        "keepdim=True)` is (1,k). Four lines will do: symmetrise and clamp, two marginals, the sum with its sign."),
    reference=loss_of, judge=by_cases(loss_of, _cases, (
        Mistake(lambda P, lam: _of(P, lam), "P is not made symmetric: (x, gx) is as good a pair as (gx, x), so P is "
                "(P + Pᵀ)/2 first"),
        Mistake(lambda P, lam: -_of(_even(P), lam), "the sign is wrong: this is I itself, and the smaller a loss, the "
                "better. A network that minimises your number would tell *nothing* about its pictures"),
        Mistake(lambda P, lam: _of(P + P.T, lam), "you added Pᵀ but did not halve: the sum of all pairs is 2 now"),
        Mistake(lambda P, lam: _of(_even(P), lam, rows=0, columns=0), "both marginals are missing. What is left is the "
                "entropy of P, and its least value is one class for everything"),
        Mistake(lambda P, lam: _of(_even(P), lam, columns=0), "one of the two marginals is missing: both ln P_i and "
                "ln P_j are taken off"),
        Mistake(lambda P, lam: _of(_even(P), lam, rows=2), "there are three marginals in your sum; each counts once"),
        Mistake(lambda P, lam: _of(_even(P), 1.0), "λ is not used: it stands before both marginals"),
        Mistake(lambda P, lam: lam * _of(_even(P), 1.0), "λ stands before the marginals, not before the whole bracket: "
                "as a factor of the whole it would only change the rate"),
        Mistake(lambda P, lam: _of(_even(P), lam, rows=-1, columns=-1), "the marginals have the wrong sign: they are "
                "taken *off* ln P_ij"),
        Mistake(_unclamped, _NAN), Mistake(_unclamped_marginals, _NAN),
        Mistake(lambda P, lam: _unclamped(P, lam).nan_to_num(0), "you turned NaN into 0 after the sum. That hides the "
                "whole loss, and its gradient is still NaN; keep P from 0 before the logarithms"),
        Mistake(lambda P, lam: _of(_even(P), lam) / torch.log(torch.tensor(2.0)), "these are bits; the formula has the "
                "natural logarithm, and its unit is the nat"),
        Mistake(lambda P, lam: _of(_even(P), lam) / P.numel(), "you took a mean over the k² cells; it is a sum, "
                "weighted by P already"),
        Mistake(lambda P, lam: -(_parts(_even(P))[0] - lam * _parts(_even(P))[1] - lam * _parts(_even(P))[2]).sum(),
                "the weights are missing: each bracket is multiplied with P_ij, so that frequent pairs count more"),
        Mistake(lambda P, lam: -(_even(P).diag() * (_parts(_even(P))[0] - lam * _parts(_even(P))[1]
                                                    - lam * _parts(_even(P))[2]).diag()).sum(),
                "you summed over the diagonal, the pairs that agree; the sum goes over all pairs (i, j)"),
    ), rtol=1e-3, atol=1e-4))

EXERCISES = (LOSS,)
