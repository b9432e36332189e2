"""Ways to doubt a map: shuffled networks, deletion and insertion, against what must come out."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.helpers import refuses, squeezenet
from tests.nets import own
from u3lab import images, nets, saliency
from u3lab.measures import rank_correlation
from u3lab.saliency.sanity import deletion_curve, randomise_downwards


def coffee(size: int = 227) -> Tensor:
    return images.load("coffee", size=size)


def left(net: nets.Classifier, x: Tensor, target: object, name: str, seed: int = 0) -> dict[str, float]:
    """How much of a method's map is left when one bank more forgets each time, from the last on: rank correlations."""
    ask = saliency.METHODS[name]
    original = ask(net, x, target)
    return {bank: rank_correlation(original, ask(broken, x, target))
            for bank, broken in randomise_downwards(net, seed=seed)}


@pytest.mark.parametrize("make, sides, target", [
    (own.grey, (24, 20), 2), (own.of_volumes, (8, 12, 10), 2), (own.segmenter, (24, 20), nets.Region(1)),
    (own.vit, (32, 32), 2)])
def test_any_network_is_shuffled_and_its_maps_compared(make, sides: tuple, target: object):
    """By hand: every bank of weights with two axes or more, from the last on, and SciPy's rank correlation."""
    from scipy.stats import spearmanr

    net, x = nets.wrap(make(), size=sides), own.pictures(1, *sides)
    check, by_hand = left(net, x, target, "gradient", 4), copy.deepcopy(net)
    original, generator, expected = saliency.METHODS["gradient"](net, x, target), torch.Generator().manual_seed(4), []
    for name, module in reversed(list(by_hand.module.named_modules())):
        if banks := [weight for key, weight in module.named_parameters(recurse=False) if weight.ndim > 1]:
            for bank in banks:
                bank.data = bank.data.flatten()[torch.randperm(bank.numel(), generator=generator)].view_as(bank)
            heat = saliency.METHODS["gradient"](by_hand, x, target)
            expected.append((name or net.name, spearmanr(original.flatten(), heat.flatten()).statistic))
    assert list(check) == [name for name, _ in expected]
    assert [*check.values()] == pytest.approx([share for _, share in expected], abs=1e-5)
    assert min(check.values()) < 0.9 and len(check) >= 4
    assert torch.equal(saliency.METHODS["gradient"](net, x, target), original)  # the caller's network is as it was


def test_a_bank_that_no_layer_of_its_own_holds_is_shuffled_too():
    """Attention keeps its three banks in one parameter."""
    module = nn.Sequential(nn.Conv2d(1, 8, 8, 8), nn.Flatten(2), nn.MultiheadAttention(8, 2)).eval()
    (name, broken), *_ = [(name, copy.deepcopy(one.module[2])) for name, one in randomise_downwards(
        nets.Classifier(module)) if name == "2"]
    assert name == "2" and not torch.equal(broken.in_proj_weight, module[2].in_proj_weight)


def test_insertion_is_deletion_of_the_reversed_map_backwards():
    x, heat = coffee(96), torch.rand(1, 1, 96, 96, generator=torch.Generator().manual_seed(0))
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
    refuses(deletion_curve, squeezenet(), coffee(64), 504, torch.rand(1, 3, 8, 8), says=(r"\(1, 3, 8, 8\)", "max_abs"))
    nan = torch.full((1, 1, 8, 8), float("nan"))
    refuses(deletion_curve, squeezenet(), coffee(64), 504, nan, says=("heat", "NaN"))
