"""What maps are worth: findings about backpropagation maps as numbers, shuffled networks, deletion and insertion."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.helpers import cat, refuses, relative, seeded, squeezenet
from tests.u3lab.nets import own
from u3lab import images, nets, saliency
from u3lab.measures import rank_correlation
from u3lab.saliency.metrics import (
    channel_similarity,
    deletion_curve,
    edges,
    randomise_downwards,
    strongest_channels,
)


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
    refuses(channel_similarity, kept, "1", 2, 2, channels=1, says=("channels = 1", "two or more"))


def test_strongest_channels_by_hand():
    kept = saliency.forward_pass(squeezenet(), cat(96).float())
    answers = kept["fire5"][0, :, 3, 4].tolist()
    by_hand = sorted(range(len(answers)), key=lambda c: -answers[c])[:5]
    assert strongest_channels(kept, "fire5", 3, 4, 5) == by_hand
    assert len(strongest_channels(kept, "fire5", 3, 4, 10_000)) == 256


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


def test_edges_of_volumes():
    x = own.pictures(2, 8, 12, 10)
    grey = x.double().numpy()
    expected = np.sqrt(sum(np.diff(grey, axis=axis, append=np.take(grey, [-1], axis)) ** 2 for axis in (2, 3, 4)))
    assert relative(edges(x).double(), torch.from_numpy(expected)) < 1e-5


@pytest.mark.parametrize("make, sides, target", [
    (own.grey, (24, 20), 2), (own.of_volumes, (8, 12, 10), 2), (own.segmenter, (24, 20), nets.Region(1)),
    (own.vit, (32, 32), 2)])
def test_any_network_is_shuffled_and_its_maps_compared(make, sides: tuple, target: object):
    """By hand: every bank of weights with two axes or more, from the last on, and SciPy's rank correlation."""
    from scipy.stats import spearmanr

    net, x, ask = nets.wrap(make(), size=sides), own.pictures(1, *sides), saliency.METHODS["gradient"]
    original, by_hand, generator, expected = ask(net, x, target), copy.deepcopy(net), seeded(4), []
    check = {bank: rank_correlation(original, ask(broken, x, target))
             for bank, broken in randomise_downwards(net, seed=4)}
    for name, module in reversed(list(by_hand.module.named_modules())):
        if banks := [weight for key, weight in module.named_parameters(recurse=False) if weight.ndim > 1]:
            for bank in banks:
                bank.data = bank.data.flatten()[torch.randperm(bank.numel(), generator=generator)].view_as(bank)
            heat = ask(by_hand, x, target)
            expected.append((name or net.name, spearmanr(original.flatten(), heat.flatten()).statistic))
    assert list(check) == [name for name, _ in expected]
    assert [*check.values()] == pytest.approx([share for _, share in expected], abs=1e-5)
    assert min(check.values()) < 0.9 and len(check) >= 4
    assert torch.equal(ask(net, x, target), original)  # the caller's network is as it was


def test_a_bank_that_no_layer_of_its_own_holds_is_shuffled_too():
    """Attention keeps its three banks in one parameter."""
    module = nn.Sequential(nn.Conv2d(1, 8, 8, 8), nn.Flatten(2), nn.MultiheadAttention(8, 2)).eval()
    (name, broken), *_ = [(name, copy.deepcopy(one.module[2])) for name, one in randomise_downwards(
        nets.Classifier(module)) if name == "2"]
    assert name == "2" and not torch.equal(broken.in_proj_weight, module[2].in_proj_weight)


def test_insertion_is_deletion_of_the_reversed_map_backwards():
    x, heat = images.load("coffee", size=96), torch.rand(1, 1, 96, 96, generator=torch.Generator().manual_seed(0))
    _, deleted = deletion_curve(squeezenet(), x, "espresso", heat, steps=4)
    _, inserted = deletion_curve(squeezenet(), x, "espresso", -heat, steps=4, insertion=True)
    torch.testing.assert_close(inserted, deleted.flip(0), atol=1e-5, rtol=0)


@pytest.mark.parametrize("spacing", [None, (4.0, 1.0, 0.5)])
def test_deletion_of_volumes_blurs_in_millimetres(spacing: tuple | None):
    from scipy.ndimage import gaussian_filter

    net, x = nets.wrap(own.of_volumes(), size=(8, 12, 10), spacing=spacing), own.pictures(1, 8, 12, 10)
    sigma = np.array([0, 0, *(2 / mm for mm in spacing or (1, 1, 1))])
    radius = np.ceil(3 * sigma).astype(int).tolist()
    away = torch.from_numpy(gaussian_filter(x.numpy(), sigma, mode="nearest", radius=radius))
    heat = torch.zeros(1, 1, 8, 12, 10)
    heat[:, :, :4] = 1
    _, p = deletion_curve(net, x, 1, heat, steps=2, sigma=2.0)
    half = torch.cat([away[:, :, :4], x[:, :, 4:]], 2)
    expected = [net.probabilities(one)[0, 1] for one in (x, half, away)]
    torch.testing.assert_close(p, torch.stack(expected), atol=1e-5, rtol=0)
    refuses(deletion_curve, net, x, 1, heat[:, :, 0], says=r"its map \(1,1,h,w\)")


def test_heat_that_is_none():
    x, nan = images.load("coffee", size=64), torch.full((1, 1, 8, 8), float("nan"))
    for heat, words in ((torch.rand(1, 3, 8, 8), (r"\(1, 3, 8, 8\)", "max_abs")), (nan, ("heat", "NaN"))):
        refuses(deletion_curve, squeezenet(), x, 504, heat, says=words)
