"""Two processes that share a batch of pairs learn keypoints as one process does that has it all."""

from tests.system.two_processes import needs_distributed, same_learning, shared

# Batch norms see their own process's part of the batch: without them, nothing may differ.
PROGRAM = """
from torch import nn
from tests.helpers import without_norms
from u3lab.lessons.landmarks.parts import discs
from u3lab.landmarks import AutoencodeSettings, KeypointAutoencoder, autoencode

model = KeypointAutoencoder(3, width=2, sigma=0.2)
without_norms(model)
judge = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False)).eval()
nn.init.constant_(judge[0].weight, 0.1)
settings = AutoencodeSettings(steps=6, batch_size=4, lr=0.003)
steps = list(autoencode(model, lambda n, g: discs(n, g, 16)[:2], net=judge, layers=["0"], settings=settings))
found = {"discs": (torch.tensor([[step.loss, step.value] for step in steps], dtype=torch.float64),
                   torch.cat([one.detach().flatten() for one in model.parameters()]))}
"""


@needs_distributed
def test_two_processes_learn_keypoints_as_one_does(tmp_path):
    same_learning(*shared(PROGRAM, tmp_path), moves=slice(1, 2))
