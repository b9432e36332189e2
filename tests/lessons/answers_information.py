"""Right and wrong answers to the exercises of notebook 02c, made by other code than the library's."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from u3lab.selfsup import mutual_information


def entropy(shares: Tensor, axes: int = 1) -> Tensor:
    return torch.special.entr(shares).flatten(-axes).sum(-1)


def by_entropies(P: Tensor, lam: float) -> Tensor:
    return entropy(P, 2) - lam * (entropy(P.sum(-2)) + entropy(P.sum(-1)))


def cell_by_cell(P: Tensor, lam: float, sign: int = 1, log=math.log) -> Tensor:
    if P.ndim > 2:
        return torch.stack([cell_by_cell(one, lam, sign, log) for one in P])
    total = 0.0
    for i in range(len(P)):
        for j in range(len(P)):
            if P[i, j] > 0:
                rows, columns = float(P[i].sum()), float(P[:, j].sum())
                total -= sign * float(P[i, j]) * (log(float(P[i, j])) - lam * log(rows) - lam * log(columns))
    return torch.tensor(total, dtype=P.dtype)


def as_one_quotient(P: Tensor, lam: float) -> Tensor:
    return -(P * (P / (P.sum(-2, True) * P.sum(-1, True)) ** lam).log()).sum((-1, -2))


def pair_by_pair(z: Tensor, moved: Tensor) -> Tensor:
    return torch.stack([torch.outer(one, other) for one, other in zip(z, moved, strict=True)]).mean(0)


def both_ways(z: Tensor, moved: Tensor) -> Tensor:
    return torch.stack([pair_by_pair(z, moved), pair_by_pair(moved, z)]).mean(0)


def hard(z: Tensor) -> Tensor:
    return (z == z.amax(1, keepdim=True)).to(z)


def place_by_place(z: Tensor, moved: Tensor, t: tuple[int, int], wrap: bool = False) -> Tensor:
    n, _, h, w = z.shape
    pairs = []
    for y in range(h):
        for x in range(w):
            there = y + t[0], x + t[1]
            if wrap or (0 <= there[0] < h and 0 <= there[1] < w):
                pairs += [torch.outer(z[i, :, y, x], moved[i, :, there[0] % h, there[1] % w]) for i in range(n)]
    return torch.stack(pairs).mean(0)


MUTANTS = [
    ("2c-joint", lambda z, moved: pair_by_pair(z, moved) + pair_by_pair(moved, z), "the right one times 2"),
    ("2c-joint", pair_by_pair, "not made symmetric"),
    ("2c-joint", lambda z, moved: both_ways(hard(z), hard(moved)), "an argmax has no gradient"),
    ("2c-joint", lambda z, moved: both_ways(z.mean(0)[None], moved.mean(0)[None]), "product of the two marginals"),
    ("2c-joint", lambda z, moved: len(z) * both_ways(z, moved), "a sum over pictures"),
    ("2c-iic", lambda P, lam: entropy(P, 2) - lam * entropy(P.sum(-1)), "one marginal is missing"),
    ("2c-iic", lambda P, lam: cell_by_cell(P, lam, sign=-1), "the right one with the other sign: a minus is missing,"),
    ("2c-iic", lambda P, lam: entropy(P, 2), "`lam` = 0: what `lam` brings is missing"),
    ("2c-iic", lambda P, lam: by_entropies(P, lam / 2), "or each counts half"),
    ("2c-iic", lambda P, lam: by_entropies(P, 1.0), "`lam` = 1: `lam` is not used"),
    ("2c-iic", lambda P, lam: -lam * mutual_information(P), "not before the whole bracket"),
    ("2c-iic", lambda P, lam: by_entropies(P, -lam), "−`lam` in the place of `lam`: a sign is wrong"),
    ("2c-iic", lambda P, lam: cell_by_cell(P, lam, log=math.log2), "these are bits"),
    ("2c-iic", lambda P, lam: as_one_quotient(P, lam), "0 · ln 0 is 0"),
    ("2c-iic", lambda P, lam: by_entropies(P, lam) / P.shape[-1] ** 2, "Take no mean over the k² cells"),
    ("2c-iic", lambda P, lam: 2 * by_entropies(P, lam), "right values"),
    ("2c-iic", lambda P, lam: by_entropies(P, lam).sum(), "give one loss for each joint"),
    ("2c-iic", lambda P, lam: by_entropies(P, lam).mean(), "Take no mean over the k² cells"),
    ("2c-displaced", lambda z, moved, t: place_by_place(z, moved, t, wrap=True), "comes back on the other"),
    ("2c-displaced", lambda z, moved, t: place_by_place(z, moved, (-t[0], -t[1])), "the wrong sign"),
    ("2c-displaced", lambda z, moved, t: place_by_place(z, moved, (0, 0)), "t is not used"),
    ("2c-displaced", lambda z, moved, t: place_by_place(z, moved, t).mT, "transposed: axes 0 and 1 have changed"),
    ("2c-displaced", lambda z, moved, t: place_by_place(z, moved, t[::-1]), "`t` in reverse order"),
]
RIGHT = [("2c-joint", lambda z, moved: both_ways(z, moved)),
         ("2c-iic", by_entropies), ("2c-iic", cell_by_cell),
         ("2c-iic", lambda P, lam: -mutual_information(P, lam=lam)),
         ("2c-displaced", place_by_place)]
