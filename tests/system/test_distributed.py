"""Two processes that share the pictures get the numbers of one that has them all."""

import subprocess
import sys

import pytest
import torch
import torch.distributed as dist

PROGRAM = """
import sys
import torch
import torch.distributed as dist
from torch import nn
from u3lab._system.distributed import wait_for_all
from u3lab import nets
from u3lab.datasets.labelled import LabelledPictures
from u3lab.dissection import dissect

rank, size, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
if size > 1:
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=size)
torch.manual_seed(0)
net = nets.Classifier(nn.Sequential(nn.Conv2d(3, 5, 3, padding=1), nn.ReLU()).eval(), layers={"relu": "1"})
g = torch.Generator().manual_seed(1)
images = torch.rand(7, 3, 12, 12, generator=g) * torch.linspace(0.2, 1, 7).view(7, 1, 1, 1)
data = LabelledPictures(("one", "two"), images, torch.rand(7, 2, 12, 12, generator=g) > 0.6)
found = dissect(net, "relu", data, share=0.1, batch_size=2)
torch.save((found.thresholds, found.intersection, found.union), f"{folder}/{size}_{rank}.pt")
if size > 1:
    wait_for_all()
    dist.destroy_process_group()
"""


TRAINING = """
import sys
import torch
import torch.distributed as dist
from tests.universal.networks import pictures, tiny
from u3lab._system.distributed import wait_for_all
from u3lab.training import loop
from u3lab.universal import UniversalSettings, adapt, train_domain

rank, size, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
if size > 1:
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=size)
loop.EVERY = 4
net = adapt(tiny(norms=False), "parallel").add_domain("new", 3)
x, y = pictures(10, 16), torch.arange(10) % 3
settings = UniversalSettings(steps=12, lr=0.01, lam=0.1, batch_size=5, augment=0.1)
steps = list(train_domain(net, "new", x, y, checkpoint=f"{folder}/state{size}", settings=settings))
curve = torch.tensor([[step.loss, step.value, *step.terms.values()] for step in steps])
torch.save((curve, torch.cat([w.detach().flatten() for w in net.domain_parameters("new")])),
           f"{folder}/{size}_{rank}.pt")
if size > 1:
    wait_for_all()
    dist.destroy_process_group()
"""


@pytest.mark.skipif(not dist.is_available(), reason="torch without torch.distributed")
def test_two_processes_train_a_domain_as_one_does(tmp_path):
    """The same global batch, five pictures, of which one process has three: the same curve and the same weights."""
    runs = [subprocess.Popen([sys.executable, "-c", TRAINING, str(rank), str(size), str(tmp_path)])
            for size in (1, 2) for rank in range(size)]
    assert [run.wait(timeout=300) for run in runs] == [0, 0, 0]
    alone, *shared = (torch.load(tmp_path / name, weights_only=True) for name in ("1_0.pt", "2_0.pt", "2_1.pt"))
    assert alone[0][0, 0] > alone[0][-1, 0] and alone[0][-1, 3] > 0
    for curve, weights in shared:
        assert torch.allclose(curve, alone[0], rtol=1e-4, atol=1e-6)
        assert torch.allclose(weights, alone[1], rtol=1e-3, atol=1e-5)
    assert torch.equal(shared[0][1], shared[1][1]) and (tmp_path / "state2").exists()


@pytest.mark.skipif(not dist.is_available(), reason="torch without torch.distributed")
def test_two_processes_get_the_numbers_of_one(tmp_path):
    runs = [subprocess.Popen([sys.executable, "-c", PROGRAM, str(rank), str(size), str(tmp_path)])
            for size in (1, 2) for rank in range(size)]
    assert [run.wait(timeout=120) for run in runs] == [0, 0, 0]
    alone, *shared = (torch.load(tmp_path / name, weights_only=True) for name in ("1_0.pt", "2_0.pt", "2_1.pt"))
    for found in shared:
        for a, b in zip(alone, found, strict=True):
            assert torch.equal(a, b)
