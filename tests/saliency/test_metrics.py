"""The lecture's findings about backpropagation maps: the measures on made maps, then the statements themselves."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.helpers import cat, refuses, relative, squeezenet
from tests.nets import own
from u3lab import images, saliency
from u3lab.saliency.metrics import channel_similarity, coherence, edges, strongest_channels


def filters(weight: Tensor) -> nn.Module:
    """One convolution whose units are all active on pictures in [0,1]."""
    conv = nn.Conv2d(3, len(weight), weight.shape[-1])
    conv.weight.data, conv.bias.data = weight, torch.full((len(weight),), 100.0)
    return nn.Sequential(conv, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(len(weight), 2)).eval()


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_similarity_is_the_mean_correlation_of_pairs():
    """A plain rewrite for three channels."""
    weight = normal(3, 3, 3, 3)
    kept = saliency.forward_pass(filters(weight), cat(16).float())
    pairs = [torch.corrcoef(torch.stack([weight[i].abs().flatten(), weight[j].abs().flatten()]))[0, 1]
             for i, j in ((0, 1), (0, 2), (1, 2))]
    assert channel_similarity(kept, "1", 2, 2, channels=3) == pytest.approx(float(sum(pairs) / 3), abs=1e-5)


def test_strongest_channels_by_hand():
    kept = saliency.forward_pass(squeezenet(), cat(96).float())
    answers = kept["fire5"][0, :, 3, 4].tolist()
    by_hand = sorted(range(len(answers)), key=lambda c: -answers[c])[:5]
    assert strongest_channels(kept, "fire5", 3, 4, 5) == by_hand
    assert len(strongest_channels(kept, "fire5", 3, 4, 10_000)) == 256


def test_coherence_of_noise_and_of_a_ramp():
    assert abs(coherence(normal(1, 3, 128, 128))) < 0.02
    ramp = (torch.arange(64.0)[:, None] + torch.arange(64.0)).expand(1, 1, 64, 64)
    assert coherence(ramp) == pytest.approx(1, abs=1e-6)
    assert coherence(-ramp) == pytest.approx(1, abs=1e-6)
    assert coherence(torch.ones(1, 1, 8, 8)) == 0  # nothing varies
    stripes = normal(64)[(torch.arange(64)[:, None] - torch.arange(64)) % 64].view(1, 1, 64, 64)
    assert coherence(stripes) == pytest.approx(1, abs=1e-6) and coherence(stripes.flip(-1)) < 0.5


@pytest.mark.oracle("the values by hand", saliency=["edges (no network)"])
def test_edges_of_a_step():
    """A step from 0 to 1 between columns 3 and 4 is one line of ones."""
    x = torch.zeros(1, 3, 6, 8)
    x[..., 4:] = 1
    expected = torch.zeros(1, 1, 6, 8)
    expected[..., 3] = 1
    torch.testing.assert_close(edges(x), expected)


@pytest.mark.parametrize("name", ["coffee", "dog"])
def test_neurons_look_alike_in_the_picture_but_not_just_below(name: str):
    """All neurons of one place share a path down; it, not the neuron, gives deconvnet and guided maps their look."""
    kept = saliency.forward_pass(squeezenet(), images.load(name, size=227))
    gradient, deconvnet, guided = (channel_similarity(kept, "fire9", 7, 7, rule=rule) for rule in saliency.RULES)
    assert deconvnet > 0.9 and guided > 0.9
    assert gradient < deconvnet - 0.2
    for rule in saliency.RULES:
        assert channel_similarity(kept, "fire9", 7, 7, rule=rule, back_to="fire8") < 0.4


def test_one_channel_is_no_pair():
    kept = saliency.forward_pass(squeezenet(), cat(96).float())
    refuses(channel_similarity, kept, "fire9", 2, 2, channels=1, says=("channels = 1", "two or more"))


def test_edges_of_volumes():
    x = own.pictures(2, 8, 12, 10)
    grey = x.double().numpy()
    expected = np.sqrt(sum(np.diff(grey, axis=axis, append=np.take(grey, [-1], axis)) ** 2 for axis in (2, 3, 4)))
    assert relative(edges(x).double(), torch.from_numpy(expected)) < 1e-5
