"""Ablation against a network without the channel, and against what a linear layer loses on paper."""

import pytest
import torch
from torch import nn

from tests.helpers import refuses
from tests.u3lab.nets import own
from u3lab import nets
from u3lab.dissection.ablation import ablate, ablation_curve, accuracy_drop
from u3lab.measures import balanced_accuracy
from u3lab.nets.surgery import narrow


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4))
    return nets.Classifier(module.eval(), layers={"relu": "1", "scores": "4"}, size=64)


def test_damage_and_curve_agree(small):
    """Of loud units: silencing the first makes another difference than silencing both."""
    draw, target = torch.Generator().manual_seed(1), 0
    with torch.no_grad():
        features = 9 * torch.rand(40, 6, 4, 4, generator=draw) * torch.rand(40, 6, 1, 1, generator=draw)
        labels = ablate(small, "relu", features, []).argmax(1)
        target = int(labels.mode().values)
        alone = accuracy_drop(small, "relu", features, labels, target)
        curve = list(ablation_curve(small, "relu", features, labels, target, [4, 1], [0, 1, 2]))
    assert alone.shape == (6,) and curve[0] - curve[1] == pytest.approx(float(alone[4]))
    both = balanced_accuracy(ablate(small, "relu", features, [1, 4]), labels, target)
    assert curve[2] == pytest.approx(both) and len(set(curve)) == 3


@pytest.mark.parametrize("make, sides, layer", [
    (own.grey, (24, 20), "layer1"), (own.of_volumes, (8, 12, 10), "layer1"), (own.segmenter, (24, 20), "backbone.1")])
def test_any_network_is_asked_with_channels_of_zeros(make, sides: tuple, layer: str):
    """By hand: a hook that writes them while the pictures go through."""
    net, x = nets.wrap(make(), size=sides), own.pictures(3, *sides)
    hook = net.layer(layer).register_forward_hook(lambda module, _, y: y.index_fill(1, torch.tensor([1, 4]), 0))
    wanted = net(x)
    hook.remove()
    found = ablate(net, layer, net.features(x, layer), [1, 4])
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(ablate(net, layer, net.features(x, layer), []), net(x), atol=1e-5, rtol=1e-4)
    assert not torch.allclose(found, net(x), atol=1e-2)
    if found.ndim > 2:
        refuses(accuracy_drop, net, layer, net.features(x, layer), torch.tensor([0, 1, 0]), 1, says="answers with maps")


def test_one_score_tells_yes_from_no():
    module = own.drawn(nn.Sequential(nn.Conv3d(1, 5, 3), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(),
                                     nn.Linear(5, 1)), seed=3)
    net, x = nets.wrap(module, size=(6, 7, 8)), own.pictures(12, 6, 7, 8)
    module[4].bias.data -= net(x).median()
    labels, features = (net(x)[:, 0] > 0).long(), net.features(x, "1")
    drops = accuracy_drop(net, "1", features, labels, 1)
    for k, drop in enumerate(drops.tolist()):
        said = (ablate(net, "1", features, [k])[:, 0] > 0).long()
        shares = [(said[labels == one] == one).double().mean() for one in (0, 1)]
        assert drop == pytest.approx(1 - float(sum(shares)) / 2)
    assert drops.max() > 0


def test_slips_are_told(small):
    features = small.features(torch.rand(1, 3, 64, 64), "relu")
    refuses(ablate, small, "relu", features, [True, False], says=r"units\[0\] = True; give a whole number from 0 to 5")
    refuses(ablation_curve, small, "relu", torch.rand(2, 6, 30, 30), torch.tensor([0, 1]), 0, [4, 1], [0, 3],
            says=r"counts\[1\] = 3; give a whole number from 0 to 2")  # before the first value


def test_a_mask_silences_the_units_that_it_marks(small):
    features = small.features(torch.rand(2, 3, 64, 64), "relu")
    mask = torch.tensor([False, True, False, False, True, False])
    assert torch.equal(ablate(small, "relu", features, mask), ablate(small, "relu", features, [1, 4]))
    assert torch.equal(ablate(small, "relu", features, ~mask & mask), ablate(small, "relu", features, []))


@pytest.mark.parametrize("last", ["conv", "linear"])
def test_a_narrow_network_has_the_scores_of_its_classes(last):
    torch.manual_seed(0)
    head = [nn.Conv2d(6, 5, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()] if last == "conv" else [
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5)]
    net = nets.Classifier(nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), *head).eval(), classes=list("abcde"))
    x = torch.rand(4, 3, 8, 8)
    few = narrow(net, ["d", 0])
    with torch.no_grad():
        torch.testing.assert_close(few(x), net(x)[:, [3, 0]])
        assert net(x).shape == (4, 5) and few.classes == ("d", "a")
    none = nets.Classifier(nn.Sequential(nn.ReLU()).eval(), classes=list("ab"))
    refuses(narrow, none, ["a"], says="no layer with a row of weights")
