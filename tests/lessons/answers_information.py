"""Right and wrong answers to the exercises of notebook 02c, made by other code than the library's."""

from __future__ import annotations

import math
from itertools import combinations, permutations, product

import torch
from torch import Tensor

from u3lab.selfsup import mutual_information


def entropy(shares: Tensor, axes: int = 1) -> Tensor:
    return torch.special.entr(shares).flatten(-axes).sum(-1)


def by_entropies(P: Tensor, lam: float) -> Tensor:
    return entropy(P, 2) - lam * (entropy(P.sum(-2)) + entropy(P.sum(-1)))


def cell_by_cell(P: Tensor, lam: float, log=math.log) -> Tensor:
    if P.ndim > 2:
        return torch.stack([cell_by_cell(one, lam, log) for one in P])
    total = 0.0
    for i in range(len(P)):
        for j in range(len(P)):
            if P[i, j] > 0:
                rows, columns = float(P[i].sum()), float(P[:, j].sum())
                total -= float(P[i, j]) * (log(float(P[i, j])) - lam * log(rows) - lam * log(columns))
    return torch.tensor(total, dtype=P.dtype)


def as_one_quotient(P: Tensor, lam: float) -> Tensor:
    return -(P * (P / (P.sum(-2, True) * P.sum(-1, True)) ** lam).log()).sum((-1, -2))


def pair_by_pair(z: Tensor, pairs: list[tuple[int, int]]) -> Tensor:
    outer = [torch.outer(z[a, n], z[b, n]) for a, b in pairs for n in range(z.shape[1])]
    return torch.stack(outer).mean(0)


def all_pairs(z: Tensor) -> Tensor:
    return pair_by_pair(z, list(permutations(range(len(z)), 2)))


def without_loops(z: Tensor) -> Tensor:
    v, n, _ = z.shape
    together = z.sum(0)
    return (together.T @ together - torch.einsum("vna,vnb->ab", z, z)) / (n * v * (v - 1))


def hard(z: Tensor) -> Tensor:
    return (z == z.amax(-1, keepdim=True)).to(z)


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
    ("2c-joint", lambda z: pair_by_pair(z, list(combinations(range(len(z)), 2))), "P is not symmetric"),
    ("2c-joint", lambda z: pair_by_pair(z, list(product(range(len(z)), repeat=2))), "paired with itself"),
    ("2c-joint", lambda z: all_pairs(hard(z)), "an argmax has no gradient"),
    ("2c-joint", lambda z: all_pairs(z.mean(1)[:, None]), "product of marginals"),
    ("2c-joint", lambda z: z.shape[1] * all_pairs(z), "P does not sum to 1"),
    ("2c-joint", lambda z: z.shape[1] * len(z) * (len(z) - 1) * without_loops(z), "P does not sum to 1"),
    ("2c-iic", lambda P, lam: entropy(P, 2) - lam * entropy(P.sum(-1)), "one marginal is missing"),
    ("2c-iic", lambda P, lam: -lam * mutual_information(P), "not before the whole bracket"),
    ("2c-iic", lambda P, lam: cell_by_cell(P, lam, log=math.log2), "these are bits"),
    ("2c-iic", lambda P, lam: as_one_quotient(P, lam), "0 · ln 0 is 0"),
    ("2c-iic", lambda P, lam: by_entropies(P, lam) / P.shape[-1] ** 2, "take no mean over the k² cells"),
    ("2c-iic", lambda P, lam: by_entropies(P, lam).sum(), "give one loss for each joint"),
    ("2c-iic", lambda P, lam: by_entropies(P, lam).mean(), "take no mean over the k² cells"),
    ("2c-displaced", lambda z, moved, t: place_by_place(z, moved, t, wrap=True), "comes back on the other"),
    ("2c-displaced", lambda z, moved, t: place_by_place(z, moved, (-t[0], -t[1])), "the wrong sign"),
    ("2c-displaced", lambda z, moved, t: place_by_place(z, moved, (0, 0)), "t is not used"),
]
RIGHT = [("2c-joint", all_pairs), ("2c-joint", without_loops),
         ("2c-iic", by_entropies), ("2c-iic", cell_by_cell),
         ("2c-iic", lambda P, lam: -mutual_information(P, lam=lam)),
         ("2c-displaced", place_by_place)]
