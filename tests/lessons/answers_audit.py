"""Right and wrong answers to the exercises of notebook 08, made by other code than the library's."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

STEPS = ((-1, 0), (1, 0), (0, -1), (0, 1))


def looped(x: Tensor, where: Tensor, steps: int, near: tuple = STEPS, outside: str = "own", inside: bool = True
           ) -> Tensor:
    """Pixel by pixel. ``outside`` says what lies beyond the border."""
    y = x.clone()
    height, width = x.shape[2:]
    for _ in range(steps):
        old = y.clone()
        for b, _, i, j in where.expand(len(x), 1, height, width).nonzero().tolist() if inside else [
                (b, 0, i, j) for b in range(len(x)) for i in range(height) for j in range(width)]:
            values = []
            for down, right in near:
                k, m = min(max(i + down, 0), height - 1), min(max(j + right, 0), width - 1)
                beyond = (k, m) != (i + down, j + right)
                values.append(0 * old[b, 0, k, m] if beyond and outside == "black" else old[b, 0, k, m])
            y[b, 0, i, j] = sum(values) / len(values)
    return y


def one_by_one(score: Callable, healthy: Tensor, ill: Tensor, cell: tuple, down: int = 1) -> tuple:
    rises, falls = [], []
    for h, i in zip(healthy, ill, strict=True):
        mask = torch.zeros_like(h, dtype=torch.bool)
        mask[:, cell[0], cell[1]] = True
        rises.append(score(torch.where(mask, i, h)[None]) - score(h[None]))
        falls.append(down * (score(i[None]) - score(torch.where(mask, h, i)[None])))
    return torch.cat(rises), torch.cat(falls)


def counted(before: Tensor, after: Tensor, ill: Tensor, *, all_of: bool = False,
            order: tuple[bool, bool] = (True, False)) -> Tensor:
    shares = []
    for kind in order:
        asked = [n for n in range(len(ill)) if bool(ill[n]) == kind and (all_of or (bool(before[n] > 0) == kind))]
        flipped = [n for n in asked if bool(before[n] > 0) != bool(after[n] > 0)]
        shares.append(len(flipped) / len(asked))
    return torch.tensor(shares)


EIGHT = tuple((i, j) for i in (-1, 0, 1) for j in (-1, 0, 1))

MUTANTS = [
    ("8-fill", lambda x, where, steps: looped(x, ~where, steps), "everything but the outlined"),
    ("8-fill", lambda x, where, steps: looped(x, where, steps, inside=False), "averaged the whole picture"),
    ("8-fill", lambda x, where, steps: looped(x, where, 1), "one step"),
    ("8-fill", lambda x, where, steps: looped(x, where, steps, near=EIGHT), "nor of all nine"),
    ("8-fill", lambda x, where, steps: looped(x, where, steps, outside="black"), "black"),
    ("8-transplant", lambda s, h, i, c: one_by_one(s, h, i, c, down=-1), "wrong sign"),
    ("8-transplant", lambda s, h, i, c: one_by_one(s, h, i, c, down=0), "its own cell"),
    ("8-transplant", lambda s, h, i, c: one_by_one(s, h, i, c)[::-1], "the rise comes first"),
    ("8-transplant", lambda s, h, i, c: one_by_one(s, h, i, c[::-1]), "swapped rows and columns"),
    ("8-flips", lambda b, a, ill: counted(b, a, ill, all_of=True), "wrong before"),
    ("8-flips", lambda b, a, ill: counted(b, a, ill, order=(False, True)), "the ill comes first"),
    ("8-flips", lambda b, a, ill: torch.stack([
        ((b > 0) & (a <= 0) & ill).sum() / ill.sum(), ((b <= 0) & (a > 0) & ~ill).sum() / (~ill).sum()]),
     "divided by all slices"),
    ("8-flips", lambda b, a, ill: counted(2 * ill.double() - 1, a, ill), "wrong answers after"),
]
RIGHT = [("8-fill", looped), ("8-transplant", one_by_one), ("8-flips", counted)]
