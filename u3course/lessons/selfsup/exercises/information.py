"""The exercises of notebook 02c: mutual information."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.course.definitions import Exercise, Mistake
from u3course.course.judging import by_cases, not_contiguous
from u3course.course.words import words


def joint_of(z: Tensor) -> Tensor:
    """P, the mean of z_a(x) z_b(x)ᵀ over pictures and ordered pairs of views a ≠ b: shares (v,n,k) → (k,k)."""
    pairs = [one.T @ other for a, one in enumerate(z) for b, other in enumerate(z) if a != b]
    return torch.stack(pairs).mean(0) / z.shape[1]


def _shares(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]]),
    for v, n, k, dtype in ((3, 7, 3, torch.float64), (2, 1, 4, torch.float32), (4, 50, 10, torch.float32)):
        yield not_contiguous((3 * torch.randn(v, n, k, generator=g, dtype=dtype)).softmax(2)),


JOINT = Exercise(**words("2c-joint"), reference=joint_of, judge=by_cases(joint_of, _shares, (
        Mistake(("a != b → a < b", "a != b → a < b ;; .mean(0) → .sum(0) / (len(z) * (len(z) - 1))"),
                "P is not symmetric: (x, gx) is as good a pair as (gx, x), so take each pair in both orders"),
        Mistake(("if a != b → ", "if a != b →  ;; .mean(0) → .sum(0) / (len(z) * (len(z) - 1))"), "each view is paired "
                "with itself, too; such a pair always agrees, even at random: leave it out"),
        Mistake(lambda z: joint_of(F.one_hot(z.argmax(2), z.shape[2]).to(z)),
                "you counted the most probable class of each view; use the shares as they are: an argmax has no "
                "gradient, so nothing could be learnt"),
        Mistake(lambda z: joint_of(z.mean(1, keepdim=True)),
                "that is the product of marginals, what *independent* answers would have; multiply first, picture by "
                "picture, and take the mean afterwards"),
        Mistake((" / z.shape[1] → ", ".mean(0) → .sum(0)", ".mean(0) / z.shape[1] → .sum(0)",
                 ".mean(0) → .sum(0) / len(z) ** 2"), "P does not sum to 1: divide the sum by the number of pictures, "
                "and by that of pairs of views, v·(v − 1)"),
    )))


def _mean_with_transpose(P: Tensor) -> Tensor:
    return (P + P.mT) / 2


def loss_of(P: Tensor, lam: float) -> Tensor:
    """L = −Σ_ab P_ab (ln P_ab − λ ln P_a − λ ln P_b), for each joint of P (…,k,k): (…)."""
    P = P.clamp_min(torch.finfo(P.dtype).eps)
    rows, columns = P.sum(-1, keepdim=True), P.sum(-2, keepdim=True)
    return -(P * (P.log() - lam * rows.log() - lam * columns.log())).sum((-1, -2))


def _cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[0.4, 0.2], [0.2, 0.2]]), 1.0
    for k, lam, dtype in ((3, 1.5, torch.float64), (5, 1.0, torch.float32), (4, 0.5, torch.float64)):
        drawn = torch.rand(k, k, generator=g, dtype=dtype).square().flatten().softmax(0).view(k, k)
        yield _mean_with_transpose(drawn), lam
    yield torch.tensor([[0.5, 0.0, 0.0], [0.0, 0.0, 0.25], [0.0, 0.25, 0.0]]), 1.0  # pairs that never occur
    yield torch.diag(torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.float64)), 1.0  # all is one class
    for shape in ((2, 3, 3), (3, 3, 4, 4)):  # many joints, as one for each displacement
        drawn = (3 * torch.rand(*shape, generator=g, dtype=torch.float64)).flatten(-2).softmax(-1).view(shape)
        yield _mean_with_transpose(drawn), 1.5


LOSS = Exercise(**words("2c-iic"), reference=loss_of, judge=by_cases(loss_of, _cases, (
        Mistake("lam * rows.log() - lam * columns.log())).sum((-1, -2)) → rows.log() - columns.log())).sum((-1, -2)) * "
                "lam", "λ stands before the marginals, not before the whole bracket: as a factor of the whole it would "
                "only change the rate"),
        Mistake(("- lam * rows.log() - lam * columns.log() → - lam * rows.log()",
                 "- lam * rows.log() - lam * columns.log() → - lam * columns.log()",
                 "lam * columns.log() → columns.log()"), "one marginal is missing, or "
                "each counts half: of a symmetric P both are alike, and λ stands before each of the two"),
        Mistake((".clamp_min(torch.finfo(P.dtype).eps) → ", ".clamp_min(torch.finfo(P.dtype).eps) →  ;; (P.log() → "
                 "(P.clamp_min(torch.finfo(P.dtype).eps).log()"), "where P is 0, 0 · ln 0 is 0, but a computer says "
                "NaN: `torch.log(0)` is −∞, and 0 times that is no number; keep P from 0 with `clamp_min` before the "
                "logarithms; in training, P has zeros as soon as the network is sure"),
        Mistake(".log() → .log2()", "these are bits; the formula has the natural logarithm, and its unit is the nat"),
        Mistake((".sum((-1, -2)) → .mean((-1, -2))", ".sum((-1, -2)) → .sum()",
                 ".sum((-1, -2)) → .sum((-1, -2)).mean()", "(P * (P.log() → ((P.log()",
                 "P.sum(-1, keepdim=True), P.sum(-2 → P.sum(0, keepdim=True), P.sum(1"),
                "give one loss for each joint: the sum over the last two axes only, each cell weighted by its P; take "
                "no mean over the k² cells, and no sum or mean over many joints"),
    ), rtol=1e-3, atol=1e-4))


def joint_at(z: Tensor, z_moved: Tensor, t: tuple[int, int]) -> Tensor:
    """P_t, the mean of z_a(u) z′_b(u + t) over pictures and places: two of (n,k,h,w) → (k,k)."""
    (down, right), (h, w) = t, z.shape[2:]
    here = z[..., max(0, -down):h - max(0, down), max(0, -right):w - max(0, right)]
    there = z_moved[..., max(0, down):h - max(0, -down), max(0, right):w - max(0, -right)]
    return torch.einsum("nihw,njhw->ij", here, there) / here[:, 0].numel()


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


def _ahead(t: tuple[int, int]) -> tuple[int, int]:
    return max(0, t[0]), max(0, t[1])


def _share(P: Tensor) -> Tensor:
    return P / P.sum()


AT = Exercise(**words("2c-displaced"), reference=joint_at, judge=by_cases(joint_at, _maps, (
        Mistake(lambda z, moved, t: joint_at(z, moved, _back(t)), "t has the wrong sign: z is at u, z′ at u + t"),
        Mistake((lambda z, moved, t: _share(_paired(z, moved.roll(_back(t), (2, 3)))), lambda z, moved, t:
                _share(_paired(*(_cut(one, _ahead(t)) for one in (z, moved.roll(_back(t), (2, 3))))))), "what leaves "
                "the map on one side comes back on the other, as with `torch.roll`; such pairs are no neighbours: "
                "leave them out"),
        Mistake(lambda z, moved, t: _share(_paired(z, moved)), "t is not used: each place is paired with itself"),
        Mistake((lambda z, moved, t: _paired(_cut(z, t), _cut(moved, _back(t))),
                lambda z, moved, t: _paired(_cut(z, t), _cut(moved, _back(t))) / z[:, 0].numel()), "P_t does not sum "
                "to 1: divide by the number of pairs, of which t leaves fewer than there are places"),
        Mistake("here = z[..., max(0, -down):h - max(0, down), max(0, -right):w - max(0, right)] → here = z[..., :h - "
                "down, :w - right] ;; max(0, down):h - max(0, -down), max(0, right):w - max(0, -right) → down:, right:",
                "your slices are right for t ≥ 0 only; with a negative one z begins at −t, and z′ ends that much "
                "earlier"),
    ), rtol=1e-3, atol=1e-5))


EXERCISES = JOINT, LOSS, AT
