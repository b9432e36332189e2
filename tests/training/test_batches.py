"""Which pictures a step sees, and how they are moved."""

import torch

from u3lab.training.loop import Batches


def test_each_epoch_has_each_picture_once():
    batches = Batches(10, 4, seed=0)
    seen = torch.cat([batches.at(step) for step in range(10)])
    assert all(sorted(seen[k : k + 10].tolist()) == list(range(10)) for k in range(0, 40, 10))
    assert seen[:10].tolist() != seen[10:20].tolist()
    assert torch.equal(Batches(10, 4, seed=0).at(7), batches.at(7)), "a function of seed and step"
    assert not torch.equal(torch.cat([Batches(10, 4, seed=1).at(step) for step in range(3)]), seen[:12])


def test_more_at_a_step_than_there_are_pictures():
    few = Batches(3, 8, 0)
    assert torch.cat([few.at(step) for step in range(3)]).view(8, 3).sort(1).values.equal(torch.arange(3).repeat(8, 1))


def test_pictures_move_by_no_more_than_asked():
    x = torch.zeros(64, 3, 40, 40)
    x[:, :, 18:22, 18:22] = 1  # the middle
    moved = Batches(64, 64, 0).moved(x, 0, 0.1)
    weights = moved.mean(1) / moved.mean(1).sum((1, 2), keepdim=True)
    rows = (weights.sum(2) * torch.arange(40)).sum(1) - 19.5
    assert 3 < rows.abs().max() <= 4.6 and rows.std() > 1
    assert moved.min() >= 0 and moved.max() <= 1
    slope = torch.linspace(0, 1, 40).expand(64, 3, 40, 40)
    zoomed = Batches(64, 64, 0).moved(slope, 0, 0.1)[:, 0, 20]
    wider = (zoomed[:, 25] - zoomed[:, 15]) * 39 / 10
    assert 0.9 <= wider.min() < 0.91 and 1.09 < wider.max() <= 1.1001
    assert torch.equal(Batches(64, 64, 0).moved(x, 0, 0.0), x)
