"""Cutting a network at any layer and going on from there changes nothing."""

from functools import cache

import pytest
import torch
from torch import Tensor, nn

from tests.helpers import built, cat, refuses, resnet18, squeezenet, vgg11
from tests.u3lab.nets import own
from u3lab import nets
from u3lab.nets.surgery import before_relu, forward_from


@cache
def network(name: str) -> nets.Classifier:
    """A network with a grid of 64 pixels, or the real one."""
    if name == "squeezenet1_1":
        return squeezenet()
    if name == "efficientnet_lite0":
        return nets.load(name, device="cpu")
    return nets.Classifier(built(vgg11 if name == "vgg11" else resnet18), size=64, name=name)


SOME = [("squeezenet1_1", "conv1"), ("squeezenet1_1", "fire2"), ("squeezenet1_1", "fire9"), ("squeezenet1_1", "conv10"),
        ("squeezenet1_1", "features.0"), ("efficientnet_lite0", "stem"), ("efficientnet_lite0", "stage3"),
        ("efficientnet_lite0", "head"), ("efficientnet_lite0", "blocks.3.0.bn1"), ("vgg11", "features.7"),
        ("vgg11", "features.5"), ("resnet18", "layer2.0"), ("resnet18", "layer4.1"), ("resnet18", "maxpool")]


@pytest.mark.parametrize("name, layer", SOME)
def test_up_to_a_layer_and_on_from_there(name: str, layer: str):
    net = network(name)
    x = cat(64 if net.size == 64 else 96).float()
    x = torch.cat([x, x.flip(3), x.flip(2)])
    expected = net(x).detach()
    before, rectify = before_relu(net, layer, x)
    assert torch.equal(rectify(before), net.features(x, layer))
    found = forward_from(net, layer, rectify(before))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert not (found.requires_grad or before.requires_grad)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())
    torch.testing.assert_close(net(x).detach(), expected, rtol=0, atol=0)


@pytest.mark.parametrize("make, sides", [(own.grey, (24, 20)), (own.of_volumes, (8, 12, 10)),
                                         (own.segmenter, (24, 20))])
def test_any_network_goes_on_from_its_layers(make, sides: tuple):
    net, x = nets.wrap(make(), size=sides), own.pictures(2, *sides)
    for layer in net.layers:
        torch.testing.assert_close(forward_from(net, layer, net.features(x, layer)), net(x), rtol=1e-4, atol=1e-5)
        if layer != "fc":
            before, rectify = before_relu(net, layer, x)
            assert torch.equal(rectify(before), net.features(x, layer))
    assert before_relu(net, net.layers[-2], x)[0].min() < 0 and before.ndim == x.ndim


def test_a_transformers_maps_are_not_all_that_goes_on():
    net, x = nets.wrap(own.vit(), size=32), own.pictures(1, 32, 32)
    refuses(forward_from, net, "blocks.0", net.features(x, "blocks.0"), says="1 tokens beside those of the patches")


@pytest.mark.parametrize("name, layer, negative", [
    ("squeezenet1_1", "conv1", True), ("squeezenet1_1", "fire5", True), ("squeezenet1_1", "conv10", True),
    ("efficientnet_lite0", "stem", True), ("efficientnet_lite0", "stage2", True), ("efficientnet_lite0", "head", True),
    ("resnet18", "layer1.1", True), ("resnet18", "maxpool", False), ("vgg11", "features.2", False)])
def test_where_features_come_from_before_the_relu(name: str, layer: str, negative: bool):
    """Also in a ResNet block, whose one ReLU module is called twice; not behind a pooling layer."""
    net = network(name)
    before, _ = before_relu(net, layer, cat(64 if net.size == 64 else 96).float())
    assert bool(before.min() < 0) == negative


def test_the_scores_can_be_differentiated_by_the_features():
    net, x = squeezenet(), cat(96).float()
    features = net.features(x, "fire6").clone()
    with torch.no_grad():
        given = features.clone().requires_grad_()
    scores = forward_from(net, "fire6", given)
    (slope,) = torch.autograd.grad(scores[0, 285], given)
    seen = []
    with net.watch({"fire6": lambda output: seen.append(output.requires_grad_())}):
        whole = net(x)
    (expected,) = torch.autograd.grad(whole[0, 285], seen[0])
    torch.testing.assert_close(slope, expected, rtol=1e-4, atol=1e-6)
    assert torch.equal(given.detach(), features)  # a ReLU in place behind the layer leaves them alone


class Around(nn.Module):
    """A layer with a way around it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return (x + self.second(x)).mean((2, 3))


class Twice(nn.Module):
    """A layer that is used two times."""

    def __init__(self) -> None:
        super().__init__()
        self.only = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.only(self.only(x)).mean((2, 3))


def test_slips(picture: Tensor):
    net = squeezenet()
    features = net.features(picture, "fire5")
    bare = nets.Classifier(Around().eval(), size=8, name="around")
    refuses(forward_from, bare, "second", torch.rand(1, 3, 8, 8), says=("second", "around", "leads around"))
    assert forward_from(bare, "first", torch.rand(1, 3, 8, 8)).isfinite().all()
    twice = nets.Classifier(Twice().eval(), size=8)
    refuses(forward_from, twice, "only", torch.rand(1, 3, 8, 8), says=("only", "computed 2 times"))
    refuses(forward_from, net, "fire5", features[:, :128], says=("fire5", "256 channels", "128"))
    flat = nets.Classifier(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 5)).eval(), size=8)
    refuses(forward_from, flat, "0", torch.rand(1, 4, 7, 7), says=("cannot take features", "8×8 pixels"))
    refuses(forward_from, net, "fire5", [1, 2], says=("features are a tensor", r"not \[1, 2\]"))
    refuses(forward_from, net, "fire5", features * float("nan"), says="NaN")
    refuses(before_relu, network("resnet18"), "fc", picture[..., :64, :64], says="no grid")
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())
