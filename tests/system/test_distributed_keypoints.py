"""Two processes that share a batch of pairs learn keypoints as one process does that has it all."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
import torch.distributed as dist

# Batch norms see their own process's part of the batch: without them, nothing may differ.
PROGRAM = """
import sys
import torch
import torch.distributed as dist
from torch import nn
from tests.helpers import without_norms
from torch.distributed import barrier
from u3lab.lessons.landmarks.parts import discs
from u3lab.landmarks import AutoencodeSettings, KeypointAutoencoder, autoencode

rank, size, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
if size > 1:
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=size)
model = KeypointAutoencoder(3, width=2, sigma=0.2)
without_norms(model)
judge = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False)).eval()
nn.init.constant_(judge[0].weight, 0.1)
settings = AutoencodeSettings(steps=6, batch_size=4, lr=0.003)
steps = list(autoencode(model, lambda n, g: discs(n, g, 16)[:2], net=judge, layers=["0"], settings=settings))
torch.save((torch.tensor([[step.loss, step.value] for step in steps], dtype=torch.float64),
            torch.cat([one.detach().flatten() for one in model.parameters()])), f"{folder}/{size}_{rank}.pt")
if size > 1:
    barrier()
    dist.destroy_process_group()
"""


@pytest.mark.skipif(not dist.is_available(), reason="torch without torch.distributed")
def test_two_processes_learn_keypoints_as_one_does(tmp_path):
    runs = [subprocess.Popen([sys.executable, "-c", PROGRAM, str(rank), str(size), str(tmp_path)])
            for size in (1, 2) for rank in range(size)]
    assert [run.wait(timeout=300) for run in runs] == [0, 0, 0]
    (curve, weights), *shared = (torch.load(tmp_path / name, weights_only=True)
                                 for name in ("1_0.pt", "2_0.pt", "2_1.pt"))
    assert (curve[1:, 1] != curve[:-1, 1]).all()
    for other_curve, other_weights in shared:
        assert torch.allclose(other_curve, curve, rtol=1e-4, atol=1e-6)
        assert torch.allclose(other_weights, weights, rtol=1e-3, atol=1e-4)
    assert torch.equal(shared[0][1], shared[1][1])
