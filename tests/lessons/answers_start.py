"""Answers to the exercises of chapter 0 on templates, written otherwise than the references."""

from __future__ import annotations

import torch


def looped(x, w, *, turned=False, stride=1, of=lambda products: products.sum((1, 2, 3))):
    """Place by place."""
    _, k, wide = w.shape
    w = torch.rot90(w, 2, (1, 2)) if turned else w
    rows = [torch.stack([of(w * x[:, :, i : i + k, j : j + wide]) for j in range(0, x.shape[3] - wide + 1, stride)], -1)
            for i in range(0, x.shape[2] - k + 1, stride)]
    return torch.stack(rows, -2)


def neighbours(layers):
    """From the top down: how many of the places below are seen by so many."""
    side = 1
    for k, s in reversed(layers):
        side = (side - 1) * s + k
    return side


def strides(layers, upto):
    product = 1
    for _, s in layers[:upto]:
        product *= s
    return product


MUTANTS = [
    ("0-match", lambda x, w: looped(x, w, turned=True), "turned by half a turn"),
    ("0-match", lambda x, w: looped(x, w, of=lambda p: p.mean((1, 2, 3))), "too small by the number of values: a"),
    ("0-match", lambda x, w: looped(x, w, of=lambda p: p.sum((2, 3))), "not summed over axis 1 yet"),
    ("0-match", lambda x, w: looped(x, w).clamp(min=0), "the right one with all that is negative clipped to 0; keep"),
    ("0-match", lambda x, w: looped(x, w)[:, None], "an axis of length 1"),
    ("0-match", lambda x, w: looped(x, w, stride=2), "moves by two pixels"),
    ("0-match", lambda x, w: looped(torch.nn.functional.pad(x, (0, w.shape[2] - 1, 0, w.shape[1] - 1)), w),
     "the template hangs over"),
    ("0-match", lambda x, w: looped(x, w).float(), "float32, and float64 is wanted"),
    ("0-match", lambda x, w: -looped(x, w), "right values"),
    ("0-match", lambda x, w: looped(x, w, of=lambda p: p.sum((0, 1, 2, 3)).expand(len(p))), "right values"),
    ("0-reach", lambda layers: sum(k - 1 for k, _ in layers) + 1, "strides are left out"),
    ("0-reach", lambda layers: 1 + sum(k * strides(layers, n) for n, (k, _) in enumerate(layers)), "adds k − 1 steps"),
    ("0-reach", lambda layers: 1 + sum((k - 1) * strides(layers, n + 1) for n, (k, _) in enumerate(layers)),
     "the strides below"),
    ("0-reach", lambda layers: 1 + sum((k - 1) * ([1] + [s for _, s in layers])[n] for n, (k, _) in enumerate(layers)),
     "multiply all the way up"),
    ("0-reach", lambda layers: neighbours(layers) * neighbours(layers), "the square of the right one; a root is"),
    ("0-reach", lambda layers: torch.tensor([k for k, _ in layers]).prod(), "sides do not multiply"),
]

RIGHT = [("0-match", looped), ("0-reach", neighbours)]
