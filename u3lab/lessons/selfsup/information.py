"""Notebook 02c: its exercises: the loss of IIC from the joint and one joint for many displacements."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, not_contiguous
from u3lab.selfsup import displaced_joints

__all__ = ["EXERCISES"]


def loss_of(P: Tensor, lam: float) -> Tensor:
    """L = −Σ_ij P_ij (ln P_ij − λ ln P_i − λ ln P_j) of (P + Pᵀ)/2, for each joint of P (…,k,k): (…)."""
    P = ((P + P.mT) / 2).clamp_min(torch.finfo(P.dtype).eps)
    rows, columns = P.sum(-1, keepdim=True), P.sum(-2, keepdim=True)
    return -(P * (P.log() - lam * rows.log() - lam * columns.log())).sum((-1, -2))


def _cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[0.4, 0.3], [0.1, 0.2]]), 1.0
    for k, lam, dtype in ((3, 1.5, torch.float64), (5, 1.0, torch.float32), (4, 0.5, torch.float64)):
        yield not_contiguous(torch.rand(k, k, generator=g, dtype=dtype).square().flatten().softmax(0).view(k, k)), lam
    yield torch.tensor([[0.5, 0.0, 0.0], [0.0, 0.0, 0.25], [0.0, 0.25, 0.0]]), 1.0  # pairs that never occur
    yield torch.diag(torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.float64)), 1.0  # all is one class
    for shape in ((2, 3, 3), (3, 3, 4, 4)):  # many joints, as one for each displacement
        yield (3 * torch.rand(*shape, generator=g, dtype=torch.float64)).flatten(-2).softmax(-1).view(shape), 1.5


LOSS = Exercise(
    id="2c-iic", title="The loss of a joint", minutes=15, difficulty="medium", points=4,
    goal="P is one joint (k,k), or many of them (…,k,k), such as one for each displacement in section 4. Each has the "
         "shares of all pairs of classes: 0 or more, with the sum 1. Neither view is special, so first make each "
         "symmetric: (P + Pᵀ)/2. With its marginals P_i (sums of rows) and P_j (sums of columns), return for each "
         "L = −Σ_ij P_ij (ln P_ij − λ ln P_i − λ ln P_j). Entries that are 0 count 0.",
    signature="def my_loss(P, lam):   # (…,k,k), a number → (…)",
    hints=(
        "If the check says NaN: look for ln 0. `P.clamp_min(1e-12)` keeps a number from 0; in float32, "
        "`torch.finfo(P.dtype).eps` is a good floor.",
        "For independent classes, P_ij = P_i P_j, and with λ = 1 the bracket is 0 in each cell. Try it with "
        "`P = torch.full((2, 2), 0.25)`: L has to be 0.",
        "Count axes from the end: `P.mT` exchanges the last two, `P.sum(-1, keepdim=True)` has the shape (…,k,1), so "
        "that it spreads over the columns of P, and `P.sum(-2, keepdim=True)` is (…,1,k). Four lines will do: "
        "symmetrise and clamp, two marginals, the sum over the last two axes with its sign."),
    reference=loss_of, judge=by_cases(loss_of, _cases, (
        Mistake("(P + P.mT) / 2 → P", "P is not made symmetric: (x, gx) is as good a pair as (gx, x), so P is "
                "(P + Pᵀ)/2 first"),
        Mistake("lam * rows.log() - lam * columns.log())).sum((-1, -2)) → rows.log() - columns.log())).sum((-1, -2)) * "
                "lam", "λ stands before the marginals, not before the whole bracket: as a factor of the whole it would "
                "only change the rate"),
        Mistake((".clamp_min(torch.finfo(P.dtype).eps) → ", ".clamp_min(torch.finfo(P.dtype).eps) →  ;; (P.log() → "
                 "(P.clamp_min(torch.finfo(P.dtype).eps).log()"), "where P is 0, 0 · ln 0 is 0, but a computer says "
                "NaN: `torch.log(0)` is −∞, and 0 times that is no number. Keep P from 0 with `clamp_min` before the "
                "logarithms. In training, P has zeros as soon as the network is sure"),
        Mistake(".log() → .log2()", "these are bits; the formula has the natural logarithm, and its unit is the nat"),
        Mistake((".sum((-1, -2)) → .mean((-1, -2))", ".sum((-1, -2)) → .sum()",
                 ".sum((-1, -2)) → .sum((-1, -2)).mean()"),
                "give one loss for each joint: a sum over the last two axes only, weighted by P already. Take no mean "
                "over the k² cells, and no sum or mean over many joints"),
    ), rtol=1e-3, atol=1e-4))



def joint_at(z: Tensor, z_moved: Tensor, t: tuple[int, int]) -> Tensor:
    """P_t = Σ_i Σ_u z_i(u) z′_i(u + t)ᵀ over its sum, by the library's convolution: two of (n,k,h,w) → (k,k)."""
    reach = max(abs(t[0]), abs(t[1]))
    return displaced_joints(z, z_moved, reach)[reach + t[0], reach + t[1]]


def _maps(g: torch.Generator) -> Iterator[tuple]:
    for (n, k, h, w), t, dtype in (((1, 2, 3, 3), (0, 1), torch.float64), ((2, 3, 5, 4), (0, 0), torch.float32),
                                   ((2, 3, 5, 6), (2, -1), torch.float64), ((3, 2, 4, 7), (-1, 3), torch.float64)):
        z, moved = (3 * torch.rand(2, n, k, h, w, generator=g, dtype=dtype)).softmax(2)
        yield not_contiguous(z), moved, t


def _cut(z: Tensor, t: tuple[int, int]) -> Tensor:
    """z at those places u for which u + t is on the map."""
    h, w = z.shape[2:]
    return z[..., max(0, -t[0]):h - max(0, t[0]), max(0, -t[1]):w - max(0, t[1])]


def _paired(a: Tensor, b: Tensor, over: str = "nihw,njhw->ij") -> Tensor:
    return torch.einsum(over, a, b)


def _back(t: tuple[int, int]) -> tuple[int, int]:
    return -t[0], -t[1]


def _share(P: Tensor) -> Tensor:
    return P / P.sum()


AT = Exercise(
    id="2c-displaced", title="The joint of neighbours", minutes=15, difficulty="medium", points=4,
    goal="z and z′ hold shares of k classes at each place of a map, (n,k,h,w). Given a displacement t = (down, right) "
         "in whole places, which may be negative, return P_t (k,k): entry (i, j) is the mean, over all pictures and "
         "all places u for which u + t is still on the map, of z_i(u) z′_j(u + t). Do not make it symmetric.",
    signature="def my_joint_at(z, z_moved, t):   # two of (n,k,h,w), a pair of whole numbers → (k,k)",
    hints=(
        "For t = (0, 0) it is `torch.einsum('nihw,njhw->ij', z, z_moved)` over n·h·w.",
        "For t = (0, 1) the last column of z has no partner, and the first column of z′ is nobody's: z[..., :-1] meets "
        "z_moved[..., 1:].",
        "In each direction, of d = t[0] or t[1] and the side s, z keeps the places from max(0, −d) to s − max(0, d), "
        "and z′ those from max(0, d) to s − max(0, −d)."),
    reference=joint_at, judge=by_cases(joint_at, _maps, (
        Mistake(lambda z, moved, t: joint_at(z, moved, _back(t)), "t has the wrong sign: z is at u, z′ at u + t"),
        Mistake(lambda z, moved, t: _share(_paired(z, moved.roll(_back(t), (2, 3)))), "what leaves the map on one side "
                "comes back on the other, as with `torch.roll`; such pairs are no neighbours: leave them out"),
        Mistake(lambda z, moved, t: _share(_paired(z, moved)), "t is not used: each place is paired with itself"),
        Mistake(lambda z, moved, t: _paired(_cut(z, t), _cut(moved, _back(t))), "this is a sum over pairs; divide by "
                "their number, so that P_t sums to 1"),
        Mistake(lambda z, moved, t: _paired(_cut(z, t), _cut(moved, _back(t))) / z[:, 0].numel(), "you divided by all "
                "places; t leaves fewer pairs than that. P_t has to sum to 1"),
    ), rtol=1e-3, atol=1e-5))

EXERCISES = (LOSS, AT)
