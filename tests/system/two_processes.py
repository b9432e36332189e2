"""A program that is run by one process, and by two that share its batches; what each of them found."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

needs_distributed = pytest.mark.skipif(not dist.is_available(), reason="torch without torch.distributed")
BEFORE = """
import sys
import torch
import torch.distributed as dist

rank, size, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
if size > 1:
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=size)
"""
AFTER = """
torch.save(found, f"{folder}/{size}_{rank}.pt")
if size > 1:
    dist.barrier()
    dist.destroy_process_group()
"""


def shared(program: str, folder: Path, timeout: float = 300) -> tuple[object, object, object]:
    """What the program has called ``found``: alone, and in either of two processes."""
    runs = [subprocess.Popen([sys.executable, "-c", BEFORE + program + AFTER, str(rank), str(size), str(folder)])
            for size in (1, 2) for rank in range(size)]
    assert [run.wait(timeout=timeout) for run in runs] == [0, 0, 0]
    return tuple(torch.load(folder / name, weights_only=True) for name in ("1_0.pt", "2_0.pt", "2_1.pt"))


def same_learning(alone: dict, first: dict, second: dict, *, moves: slice = slice(None), far: float = 1e-4) -> None:
    """Name → curve and weights: each curve moves, both processes have one's numbers, and each other's to the bit."""
    for name, (curve, weights) in alone.items():
        assert (curve[1:, moves] != curve[:-1, moves]).all(), name
        for other_curve, other_weights in (first[name], second[name]):
            assert torch.allclose(other_curve, curve, rtol=1e-4, atol=1e-6), name
            assert torch.allclose(other_weights, weights, rtol=1e-3, atol=far), name
        assert torch.equal(first[name][1], second[name][1]), name
