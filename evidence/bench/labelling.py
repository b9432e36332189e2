"""The dense labelling loss and its gradient, in parts, against the formula as plain torch writes it: the full matrix.

Every pixel of one map is asked for in another of the same size, so the matrix has side⁴ numbers. Memory is what a call
adds at its worst in a process of its own; it is measured first, since a fork must not have called anything. Times
are of one thread's work.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from evidence.bench import measure, table
from evidence.bench.rows import difference
from u3lab.landmarks import dense_labelling_loss
from u3lab.landmarks.places import cells

SIDES, GAMMA = (32, 64, 96), 0.5
TARGET = 0.5  # memory, ours/full at 64×64
Run = Callable[[], list[Tensor]]


def full(codes: Tensor, moved: Tensor, gone: Tensor) -> Tensor:
    """L with S, p and all distances at once."""
    p = torch.einsum("bdu,bdv->buv", codes.flatten(2), moved.flatten(2)).softmax(-1)
    far = torch.cdist(gone, cells(moved)[None], compute_mode="donot_use_mm_for_euclid_dist")
    return (p * far**GAMMA).sum(-1).mean()


def run(loss: Callable[..., Tensor], side: int) -> Run:
    """The loss and its gradients between two maps of R³, all numbers in one list."""
    codes, moved = (torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    codes, moved, gone = codes.requires_grad_(), moved.requires_grad_(), 0.9 * cells(codes)[None]

    def call() -> list[Tensor]:
        value = loss(codes, moved, gone)
        return [value.detach(), *torch.autograd.grad(value, (codes, moved))]
    return call


def report(quick: bool) -> dict[str, Any]:
    """Measure and print the tables; of the rows that ship, CPU times, the largest maps are left out."""
    sides, rounds = SIDES[:2] if quick else SIDES, 3 if quick else 9
    both = {side: (run(dense_labelling_loss, side), run(full, side)) for side in sides}
    peaks = {side: [measure.peak(one) for one in runs] for side, runs in both.items()}
    memory, rows = [], []
    for side, (ours, theirs) in both.items():
        times = [(measure.cpu_milliseconds(ours), measure.cpu_milliseconds(theirs)) for _ in range(rounds)]
        rows.append(table.race_as_data("loss and gradient, CPU time", ["landmarks/labelling"], f"maps of {side}×{side}",
                                       None, [a for a, _ in times], ("the full matrix", [b for _, b in times])))
        rows[-1]["peers"][0]["difference"] = difference(ours(), theirs())
        mine, other = peaks[side]
        share = None if mine is None else mine / other
        memory.append({"side": side, "ours MB": mine, "full MB": other, "ours/full": share,  # small ones are one part
                       f"at most {TARGET}": None if share is None or side < 64 else share <= TARGET})
    table.show_all(rows)
    table.show_all(memory)
    return {"memory": memory, "rows": rows}
