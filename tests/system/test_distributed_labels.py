"""Two processes that share a batch of pairs learn a labelling as one process does that has it all."""

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
from tests.helpers import without_norms
from tests.landmarks.test_training import blobs
from u3lab._system.distributed import wait_for_all
from u3lab.landmarks import LabelSettings, label, labeller

rank, size, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
if size > 1:
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=size)

found = {}
for loss, exchange in (("labelling", False), ("labelling", True), ("landmarks", False)):
    net = labeller(4, 3, seed=0)
    without_norms(net)
    settings = LabelSettings(steps=4, batch_size=4, exchange=exchange, queries=30)
    losses = [step.loss for step in label(net.eval(), blobs, loss=loss, settings=settings)]
    if loss == "landmarks":  # its softmax does not feel this bias, which Adam moves by the sign of rounding errors
        net.module.codes.bias.data.zero_()
    weights = torch.cat([w.detach().flatten() for w in net.parameters()])
    found[f"{loss} {exchange}"] = (torch.tensor(losses), weights)
torch.save(found, f"{folder}/{size}_{rank}.pt")
if size > 1:
    wait_for_all()
    dist.destroy_process_group()
"""


@pytest.mark.skipif(not dist.is_available(), reason="torch without torch.distributed")
def test_two_processes_learn_a_labelling_as_one_does(tmp_path):
    runs = [subprocess.Popen([sys.executable, "-c", PROGRAM, str(rank), str(size), str(tmp_path)])
            for size in (1, 2) for rank in range(size)]
    assert [run.wait(timeout=300) for run in runs] == [0, 0, 0]
    alone, *shared = (torch.load(tmp_path / name, weights_only=True) for name in ("1_0.pt", "2_0.pt", "2_1.pt"))
    for name, (curve, weights) in alone.items():
        assert (curve[1:] != curve[:-1]).all(), name
        for other_curve, other_weights in (one[name] for one in shared):
            assert torch.allclose(other_curve, curve, rtol=1e-4, atol=1e-6), name
            assert torch.allclose(other_weights, weights, rtol=1e-3, atol=1e-4), name
        assert torch.equal(shared[0][name][1], shared[1][name][1]), name
