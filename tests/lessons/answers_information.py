"""Right and wrong answers to the exercise of notebook 02c, made by other code than the library's."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from u3lab.selfsup import mutual_information


def entropy(shares: Tensor) -> Tensor:
    return torch.special.entr(shares).sum()


def by_entropies(P: Tensor, lam: float, half: float = 0.5) -> Tensor:
    P = half * (P + P.mT)
    return entropy(P) - lam * (entropy(P.sum(0)) + entropy(P.sum(1)))


def cell_by_cell(P: Tensor, lam: float, both: bool = True, sign: int = 1, log=math.log) -> Tensor:
    P = (P + P.T) / 2 if both else P
    total = 0.0
    for i in range(len(P)):
        for j in range(len(P)):
            if P[i, j] > 0:
                rows, columns = float(P[i].sum()), float(P[:, j].sum())
                total -= sign * float(P[i, j]) * (log(float(P[i, j])) - lam * log(rows) - lam * log(columns))
    return torch.tensor(total, dtype=P.dtype)


MUTANTS = [
    ("2c-iic", lambda P, lam: cell_by_cell(P, lam, both=False), "not made symmetric"),
    ("2c-iic", lambda P, lam: cell_by_cell(P, lam, sign=-1), "the sign is wrong"),
    ("2c-iic", lambda P, lam: by_entropies(P, lam, half=1.0), "did not halve"),
    ("2c-iic", lambda P, lam: entropy((P + P.T) / 2), "both marginals are missing"),
    ("2c-iic", lambda P, lam: by_entropies(P, lam / 2), "one of the two marginals is missing"),
    ("2c-iic", lambda P, lam: by_entropies(P, 1.0), "λ is not used"),
    ("2c-iic", lambda P, lam: -lam * mutual_information((P + P.T) / 2), "not before the whole bracket"),
    ("2c-iic", lambda P, lam: by_entropies(P, -lam), "the marginals have the wrong sign"),
    ("2c-iic", lambda P, lam: cell_by_cell(P, lam, log=math.log2), "these are bits"),
    ("2c-iic", lambda P, lam: (lambda Q: -(Q * (Q / (Q.sum(0) * Q.sum(1)[:, None]) ** lam).log()).sum())((P + P.T) / 2),
     "0 · ln 0 is 0"),
    ("2c-iic", lambda P, lam: by_entropies(P, lam) / P.shape[0] ** 2, "a mean over the k² cells"),
    ("2c-iic", lambda P, lam: 2 * by_entropies(P, lam), "right values"),
]
RIGHT = [("2c-iic", by_entropies), ("2c-iic", cell_by_cell),
         ("2c-iic", lambda P, lam: -mutual_information((P + P.T) / 2, lam=lam))]
