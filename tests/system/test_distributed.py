"""Two processes that share the pictures, or each batch, get the numbers of one that has them all."""

import pytest
import torch

from tests.system.two_processes import needs_distributed, same_learning, shared

PROGRAM = """
from torch import nn
from u3lab import nets
from u3lab.datasets.labelled import LabelledPictures
from u3lab.dissection import dissect

torch.manual_seed(0)
net = nets.Classifier(nn.Sequential(nn.Conv2d(3, 5, 3, padding=1), nn.ReLU()).eval(), layers={"relu": "1"})
g = torch.Generator().manual_seed(1)
images = torch.rand(7, 3, 12, 12, generator=g) * torch.linspace(0.2, 1, 7).view(7, 1, 1, 1)
data = LabelledPictures(("one", "two"), images, torch.rand(7, 2, 12, 12, generator=g) > 0.6)
found = dissect(net, "relu", data, share=0.1, batch_size=2)
found = found.thresholds, found.intersection, found.union
"""

TRAINING = """
from tests.universal.networks import pictures, tiny
from u3lab.training import loop
from u3lab.universal import UniversalSettings, adapt, train_domain

loop.EVERY = 4
net = adapt(tiny(norms=False), "parallel").add_domain("new", 3)
x, y = pictures(10, 16), torch.arange(10) % 3
settings = UniversalSettings(steps=12, lr=0.01, lam=0.1, batch_size=5, augment=0.1)
steps = list(train_domain(net, "new", x, y, checkpoint=f"{folder}/state{size}", settings=settings))
found = {"parallel": (torch.tensor([[step.loss, step.value, *step.terms.values()] for step in steps]),
                      torch.cat([w.detach().flatten() for w in net.domain_parameters("new")]))}
"""

# Batch norms see their own process's part of the batch: without them, nothing may differ. What moves, of the curve.
LEARNING = {
    "keypoints": (slice(1, 2), """
from torch import nn
from tests.helpers import without_norms
from u3course.lessons.landmarks.parts import discs
from u3lab.landmarks import AutoencodeSettings, KeypointAutoencoder, autoencode

model = KeypointAutoencoder(3, width=2, sigma=0.2)
without_norms(model)
judge = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False)).eval()
nn.init.constant_(judge[0].weight, 0.1)
settings = AutoencodeSettings(steps=6, batch_size=4, lr=0.003)
steps = list(autoencode(model, lambda n, g: discs(n, g, 16)[:2], net=judge, layers=["0"], settings=settings))
found = {"discs": (torch.tensor([[step.loss, step.value] for step in steps], dtype=torch.float64),
                   torch.cat([one.detach().flatten() for one in model.parameters()]))}
"""),
    "a labelling": (slice(None), """
from tests.helpers import without_norms
from tests.landmarks.test_training import blobs
from u3lab.landmarks import LabelSettings, labeller, train_labeller

found = {}
for loss, exchange in (("labelling", False), ("labelling", True), ("landmarks", False)):
    net = labeller(4, 3, seed=0)
    without_norms(net)
    settings = LabelSettings(steps=4, batch_size=4, exchange=exchange, queries=30)
    losses = [step.loss for step in train_labeller(net.eval(), blobs, loss=loss, settings=settings)]
    if loss == "landmarks":  # its softmax does not feel this bias, which Adam moves by the sign of rounding errors
        net.module.codes.bias.data.zero_()
    weights = torch.cat([w.detach().flatten() for w in net.parameters()])
    found[f"{loss} {exchange}"] = (torch.tensor(losses)[:, None], weights)
"""),
    "pretext tasks": (slice(0, 1), """
from tests.helpers import without_norms
from tests.selfsup.test_contract import raw
from u3lab.selfsup import PretextSettings, encoder, head_of, pretrain

found = {}
for name in ("order", "sorting", "correspondence", "sound", "moving"):
    net = encoder(2, seed=0)
    head = head_of(net, name)
    without_norms(net), without_norms(head)
    net.eval(), head.eval()
    settings = PretextSettings(steps=6, batch_size=4, lr=0.003)
    steps = list(pretrain(net, raw(name), name, head=head, settings=settings))
    found[name] = (torch.tensor([[step.loss, step.value] for step in steps], dtype=torch.float64),
                   torch.cat([w.detach().flatten() for w in (*net.parameters(), *head.parameters())]))
""")}


@needs_distributed
@pytest.mark.parametrize("what", LEARNING)
def test_two_processes_learn_as_one_does(tmp_path, what):
    moves, program = LEARNING[what]
    same_learning(*shared(program, tmp_path), moves=moves)


@needs_distributed
def test_two_processes_train_a_domain_as_one_does(tmp_path):
    """The same global batch, five pictures, of which one process has three: the same curve and the same weights."""
    found = shared(TRAINING, tmp_path)
    curve, _ = found[0]["parallel"]
    assert curve[0, 0] > curve[-1, 0] and curve[-1, 3] > 0
    same_learning(*found, moves=slice(0), far=1e-5)
    assert (tmp_path / "state2").exists()


@needs_distributed
def test_two_processes_get_the_numbers_of_one(tmp_path):
    alone, *both = shared(PROGRAM, tmp_path, timeout=120)
    for found in both:
        for a, b in zip(alone, found, strict=True):
            assert torch.equal(a, b)
