"""The dense labelling loss and its gradient, in parts, against the formula as plain torch writes it: the full matrix.

Every pixel of one map is asked for in another of the same size, so the matrix has side⁴ numbers. Memory is what a call
adds at its worst in a process of its own; it is measured first, since a fork must not have called anything. Times
are of one thread's work.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from tests.bench import measure, table
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
    """Measure and print the table."""
    print("\n# The dense labelling loss and its gradient against the full matrix\n", flush=True)
    sides = SIDES[:2] if quick else SIDES
    print(table.brief())
    print("\n| pixels | ours MB | full MB | ours/full | target | met | ours CPU ms | full CPU ms | ours/full | "
          "difference |\n|" + "---|" * 10)
    both = {side: (run(dense_labelling_loss, side), run(full, side)) for side in sides}
    peaks = {side: [measure.peak(one) for one in runs] for side, runs in both.items()}
    found = [_row(side, both[side], peaks[side], 3 if quick else 9) for side in sides]
    return {"labelling": found, "rows": [_as_data(one) for one in found]}


def _as_data(found: dict[str, Any]) -> dict[str, Any]:
    ours, theirs = ([1e3 * pair[side] for pair in found["times"]] for side in (0, 1))
    return table.race_as_data("loss and gradient, CPU time", ["landmarks/labelling"],
                              f"maps of {found['side']}×{found['side']}", None, ours, ("the full matrix", theirs))


def _row(side: int, runs: tuple[Run, Run], peaks: list[float | None], rounds: int) -> dict[str, Any]:
    """One line; ours and the full matrix take turns."""
    times: list[tuple[float, float]] = [tuple(map(_clock, runs)) for _ in range(rounds)]
    ours, theirs = (1e3 * statistics.median(side) for side in zip(*times, strict=True))
    ratio = statistics.median(a / b for a, b in times)
    apart = max(float((a - b).abs().max()) for a, b in zip(*(one() for one in runs), strict=True))
    memory = ["?", "?", "?", "?"] if None in peaks else [
        f"{peaks[0]:.0f}", f"{peaks[1]:.0f}", f"{peaks[0] / peaks[1]:.2f}",
        "yes" if peaks[0] <= TARGET * peaks[1] else "**no**"]
    aim = f"{TARGET} | {memory[3]}" if side >= 64 else "– | –"  # smaller ones are one part
    print(f"| {side}×{side} | {' | '.join(memory[:3])} | {aim} | {ours:.0f} | {theirs:.0f} | {ratio:.2f} | "
          f"{apart:.0e} |", flush=True)
    return {"side": side, "peaks": peaks, "times": times, "difference": apart}


def _clock(work: Run) -> float:
    start = time.process_time()  # not the clock on the wall, so that a busy machine does not matter
    work()
    return time.process_time() - start
