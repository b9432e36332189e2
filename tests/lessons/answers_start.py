"""Answers to the exercises of chapter 0, written otherwise than the references."""

from __future__ import annotations

import torch


def looped(x, w, *, turned=False, stride=1):
    """Place by place."""
    _, k, wide = w.shape
    w = torch.rot90(w, 2, (1, 2)) if turned else w
    rows = [torch.stack([(w * x[:, :, i : i + k, j : j + wide]).sum((1, 2, 3))
                         for j in range(0, x.shape[3] - wide + 1, stride)], -1)
            for i in range(0, x.shape[2] - k + 1, stride)]
    return torch.stack(rows, -2)


def at_once(score, x, side, step, *, grey=0.5, turned=False, kept=False):
    """All pictures with a square in one batch."""
    height, width = x.shape[2:]
    places = [(i, j) for i in range(0, height - side + 1, step) for j in range(0, width - side + 1, step)]
    inside = torch.zeros(len(places), 1, height, width, dtype=torch.bool)
    for n, (i, j) in enumerate(places):
        inside[n, :, i : i + side, j : j + side] = True
    if kept:
        inside = inside.cumsum(0) > 0
    covered = torch.where(~inside if turned else inside, torch.full_like(x, grey), x)
    return (score(x) - score(covered)).view(-1, len(range(0, width - side + 1, step)))


def dual(y, labels, new, lam, *, scale=1.0):
    """By the N×N matrix of inner products: W = yᵀ (y yᵀ + λ)⁻¹ t."""
    t = torch.eye(int(labels.max()) + 1, dtype=y.dtype)[labels]
    return new @ (y.T @ torch.linalg.inv(y @ y.T + scale * lam * torch.eye(len(y), dtype=y.dtype)) @ t)


MUTANTS = [
    ("0-match", lambda x, w: looped(x, w, turned=True), "turned by half a turn"),
    ("0-match", lambda x, w: looped(x, w, stride=2), "moves by two pixels"),
    ("0-match", lambda x, w: looped(torch.nn.functional.pad(x, (0, w.shape[2] - 1, 0, w.shape[1] - 1)), w),
     "the template hangs over"),
    ("0-occlusion", lambda s, x, side, step: -at_once(s, x, side, step), "the sign is turned"),
    ("0-occlusion", lambda s, x, side, step: at_once(s, x, side, step) - s(x), "difference to the score of x itself"),
    ("0-occlusion", lambda s, x, side, step: at_once(s, x, side, step, kept=True), "in a fresh copy"),
    ("0-occlusion", lambda s, x, side, step: at_once(s, x, side, step, grey=0.0), "the squares are black"),
    ("0-occlusion", lambda s, x, side, step: at_once(s, x, side, step, turned=True), "keep the rest"),
    ("0-probe", lambda y, labels, new, lam: dual(y, labels, new, lam, scale=len(y)), "you divided by N"),
    ("0-probe", lambda y, labels, new, lam: dual(y, labels, new, lam, scale=lam), "that is λ²"),
    ("0-probe", lambda y, labels, new, lam: dual(y, labels, new, lam, scale=0.5), "lost a factor 2"),
    ("0-probe", lambda y, labels, new, lam: dual(y, labels, new, lam).softmax(1), "without softmax or argmax"),
    ("0-probe", lambda y, labels, new, lam: new @ torch.linalg.inv(y.T @ y + lam) @ y.T @ torch.eye(
        int(labels.max()) + 1, dtype=y.dtype)[labels], "λ times the identity"),
]

RIGHT = [("0-match", looped), ("0-occlusion", at_once), ("0-probe", dual)]
