"""The network that colours: what it sees, what its pictures are made of, and that the shipped one knows something."""

import pytest
import torch
from skimage.color import rgb2lab

from u3course.lessons.selfsup import colouring
from u3course.worlds import faces
from u3lab import images, selfsup
from u3lab.datasets import photos
from u3lab.selfsup import TASKS, colour, decolorise


@pytest.fixture(scope="module")
def network():
    return colouring.shipped()


def test_the_network_sees_the_lightness_alone(network):
    unseen = images.load(photos.load(photos.names("nature", split="test")[0]), size=96)
    x = 0.35 + 0.3 * unseen  # so that a screen can show each lightness in another colour
    other = colouring.painted(x, torch.full((1, 2, 12, 12), 10.0))
    assert (x - other).abs().max() > 0.05
    scores, again = (colouring.guess(*network, one).scores for one in (x, other))
    assert scores.shape == (1, len(colour.bins()), 12, 12)
    torch.testing.assert_close(scores, again, atol=1e-3, rtol=1e-3)


def test_a_painted_picture_has_the_colours_that_it_was_given():
    x = torch.full((1, 3, 16, 16), 0.5)
    x[:, 0] += 0.2
    made = colouring.painted(x, torch.tensor([12.0, -7.0]).view(1, 2, 1, 1).expand(1, 2, 2, 2))
    ab = rgb2lab(made[0].permute(1, 2, 0).double().numpy())[..., 1:]
    assert abs(ab[..., 0] - 12).max() < 0.1 and abs(ab[..., 1] + 7).max() < 0.1


def test_both_losses_are_those_of_the_tasks():
    x = faces.draw(4, seed=3).images
    net = selfsup.encoder(8, seed=0)
    head = selfsup.head_of(net, colouring.TASK)
    (shares, mean), posed = selfsup.solve(net, head, x, colouring.TASK)
    ab = posed.target
    terms = colouring.TASK.loss((shares, mean), ab)
    assert terms == decolorise(10.0).loss(shares, ab) | TASKS["colour L2"].loss(mean, ab)
    assert torch.equal(colouring.true_colours(x), colour.colours(x)[1][:, :, 4::8, 4::8])


def test_the_shipped_network_is_better_than_grey_on_its_own_kind_and_l2_is_duller(network):
    x = faces.draw(24, split="test", seed=5).images
    ab, (scores, mean) = colouring.true_colours(x), colouring.guess(*network, x)
    assert (mean - ab).square().sum(1).sqrt().mean() < 0.95 * ab.square().sum(1).sqrt().mean()
    vivid = colour.bins()[scores.argmax(1)].movedim(-1, 1)
    assert mean.square().sum(1).sqrt().mean() < vivid.square().sum(1).sqrt().mean()
