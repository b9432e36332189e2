"""Attacked pictures, and a guard that is fitted on them."""

import torch

from tests.helpers import squeezenet
from u3course.lessons.adversarial.detecting import KINDS, Guard, samples
from u3lab.adversarial.detection import fit_detector


def test_samples():
    net = squeezenet()
    made = samples(net, names=["dog", "coffee"], crops=2, steps=3, size=96)
    assert [one.kind for one in made] == list(KINDS) * 4
    assert [one.source for one in made] == ["dog"] * 8 + ["coffee"] * 8
    for genuine, noisy, blurred, attacked in zip(*(made[i::4] for i in range(4)), strict=True):
        for one in (genuine, noisy, blurred, attacked):
            assert one.image.shape == (1, 3, 96, 96) and one.label == genuine.label == int(net(genuine.image).argmax())
            assert (one.image * 255 - (one.image * 255).round()).abs().max() < 1e-3
        assert 0 < ((attacked.image - genuine.image) * 255).abs().max().round() <= 2
        assert 1.5 < ((noisy.image - genuine.image) * 255).std() < 8.5
        assert blurred.image.diff().abs().mean() < genuine.image.diff().abs().mean()
    noises = [float(((noisy.image - genuine.image) * 255).std()) for genuine, noisy in zip(made[::4], made[1::4],
                                                                                           strict=True)]
    assert max(noises) > 1.3 * min(noises)  # each its own
    again = samples(net, names=["dog"], crops=1, steps=3, size=96)
    assert torch.equal(again[1].image, made[1].image) and torch.equal(again[3].image, made[3].image)
    assert not torch.equal(made[0].image, made[4].image)


def test_a_guard_refuses_a_twentieth_at_either_end():
    """In order of suspicion, with every second one attacked; and the log-odds are those of the fitted detector."""
    h = torch.arange(400.0)[:, None] / 100 + torch.tensor([[0.0, 0.0], [1.5, 0.0]]).repeat(200, 1)
    marks = torch.tensor([False, True]).repeat(200)
    guard = Guard.fit(h, marks)
    odds = fit_detector(h, marks)(h[~marks].double())
    assert [int((odds < guard.low).sum()), int((odds > guard.high).sum())] == [10, 10]
