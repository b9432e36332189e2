"""An encoder and its head as one network, and how much of a map lies in a mask."""

from __future__ import annotations

import pytest
import torch

from u3lab import saliency, selfsup
from u3lab.lessons.selfsup import pretexts
from u3lab.worlds import faces


@pytest.fixture(scope="module")
def network():
    net = selfsup.encoder(4, seed=0)
    return net, selfsup.head_of(net, "upright", seed=0)


def test_it_answers_as_the_encoder_and_its_head_do(network):
    net, head = network
    x = faces.draw(8, seed=3).images
    answer, posed = selfsup.solve(net, head, x, "upright", seed=1)
    asked = pretexts.joined(net, head)
    torch.testing.assert_close(asked.logits(posed.views[:, 0]), answer)
    for layer in net.layers:
        assert torch.equal(asked.features(x, layer), net.features(x, layer))


def test_the_gradient_is_that_of_the_score(network):
    x = faces.draw(2, seed=3).images
    asked = pretexts.joined(*network)
    found = saliency.METHODS["gradient"](asked, x, 2)
    given = x.clone().requires_grad_()
    asked(given)[:, 2].sum().backward()
    torch.testing.assert_close(found, given.grad.abs().amax(1, keepdim=True))


def test_shares_within_a_mask():
    mask = torch.zeros(3, 1, 8, 8)
    mask[..., :4] = 1  # the left half
    left, even, nothing = torch.zeros(1, 2, 2), torch.ones(1, 2, 2), torch.zeros(1, 2, 2)
    left[..., 0] = 5
    assert pretexts.within(torch.stack([left, even, nothing]), mask).tolist() == [1, 0.5, 0.5]
    mask[..., :6] = 1  # and half of the right cells
    assert pretexts.within(torch.stack([left, even, nothing]), mask).tolist() == [1, 0.75, 0.75]


def test_the_spot_is_in_the_middle():
    spot = pretexts.middle(64)
    assert torch.equal(spot, spot.flip(-1)) and torch.equal(spot, spot.mT)
    assert float(spot[0, 0, 31:33, 31:33].min()) == float(spot.max())
    assert float(spot[0, 0, 32, 48] / spot[0, 0, 32, 32]) == pytest.approx(2.718281828 ** (-(16.5**2 - 0.5**2) / 512))
