"""Volumes (B,C,D,H,W): maps against plain autograd and loops; what is not defined for them says so."""

import warnings

import numpy as np
import pytest
import torch
from torch import nn

from tests.helpers import refuses, relative
from tests.nets import own
from u3lab import nets, saliency

X = own.pictures(2, 8, 12, 10)


@pytest.fixture
def net() -> nets.Classifier:
    return nets.wrap(own.of_volumes(), size=(8, 12, 10), mean=own.MEAN, std=own.STD)


def slope(net: nets.Classifier, x: torch.Tensor, k: int) -> torch.Tensor:
    x = x.clone().requires_grad_()
    return torch.autograd.grad(net.module((x - 0.4) / 0.2)[:, k].sum(), x)[0]


def test_gradient(net):
    assert relative(saliency.backprop(net, X, [1, 1]), slope(net, X, 1)) < 1e-5
    assert relative(saliency.METHODS["gradient"](net, X, 1), slope(net, X, 1).abs()) < 1e-5


def test_smooth_grad(net):
    """Noise in units of each volume's own range, the same draws for all."""
    generator = torch.Generator().manual_seed(5)
    reach = (X.flatten(1).max(1).values - X.flatten(1).min(1).values).view(-1, 1, 1, 1, 1)
    expected = sum(slope(net, X + 0.2 * reach * torch.randn(1, 8, 12, 10, generator=generator), 3)
                   for _ in range(3)) / 3
    assert relative(saliency.smooth_grad(net, X, 3, noise=0.2, samples=3, seed=5), expected) < 1e-4


def test_integrated_gradients(net):
    nodes, weights = np.polynomial.legendre.leggauss(5)
    expected = X * sum(w / 2 * slope(net, X * (a + 1) / 2, 0) for a, w in zip(nodes, weights, strict=True)).float()
    assert relative(saliency.integrated_gradients(net, X, 0, steps=5), expected) < 1e-4
    whole = saliency.integrated_gradients(net, X, 0, steps=200).sum((1, 2, 3, 4))
    torch.testing.assert_close(whole, net(X)[:, 0] - net(0 * X)[:, 0], rtol=0.02, atol=0.02)


def test_grad_cam(net):
    stem, first, second = own.of_volumes().stem, own.of_volumes().layer1, own.of_volumes().layer2
    a = second(first(stem((X - 0.4) / 0.2))).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(own.of_volumes().fc(a.flatten(2).mean(2))[:, 2].sum(), a)
    expected = (gradient.mean((2, 3, 4), keepdim=True) * a).sum(1, keepdim=True).clamp(min=0).detach()
    found = saliency.grad_cam(net, X, 2)
    assert found.shape == (2, 1, 2, 3, 3) and relative(found, expected) < 1e-5
    fine = saliency.guided_grad_cam(net, X, 2)
    enlarged = nn.functional.interpolate(expected, X.shape[2:], mode="trilinear")
    assert relative(fine, saliency.backprop(net, X, 2, rule="guided") * enlarged) < 1e-4


def test_a_neuron_has_three_places(net):
    neuron = "layer1", 3, 1, 2, 4
    x = X.clone().requires_grad_()
    value = own.of_volumes().layer1(own.of_volumes().stem((x - 0.4) / 0.2))[:, 3, 1, 2, 4]
    assert relative(saliency.backprop(net, X, neuron), torch.autograd.grad(value.sum(), x)[0]) < 1e-5
    refuses(saliency.backprop, net, X, ("layer1", 3, 1, 2), says="channel, z, y, x")
    refuses(saliency.backprop, net, X, ("layer1", 3, 4, 2, 4), says=("z of 'layer1' = 4", "0 to 3"))


def test_edges():
    grey = X.double().numpy()
    expected = np.sqrt(sum(np.diff(grey, axis=axis, append=np.take(grey, [-1], axis)) ** 2 for axis in (2, 3, 4)))
    assert relative(saliency.METHODS["edges (no network)"](own.of_volumes(), X, 0).double(),
                    torch.from_numpy(expected)) < 1e-5


@pytest.mark.parametrize("name, words", [("LRP z⁺", "no relevance rule.*conv3d"),
                                         ("excitation", "no relevance rule.*conv3d")])
def test_what_is_not_defined_for_them(net, name: str, words: str):
    refuses(saliency.METHODS[name], net, X, 1, says=words)


def test_a_volume_that_is_none(net):
    refuses(net, X[0], says=("a batch of volumes", r"\(B,1,D,H,W\)", r"x\[None\]"))
    refuses(net, X.expand(-1, 3, -1, -1, -1), says=r"make it grey with x\.mean")
    refuses(net, 2 * X, says=r"\[0,1\]")


def test_an_empty_map_says_so():
    """Grad-CAM of a network in which nothing speaks for the class."""
    module = own.drawn(own.ResNet(2))
    module.fc.weight.data[1] = -1
    net = nets.wrap(module, size=24)
    with pytest.warns(UserWarning, match=r"maps \[0, 1\] of this batch are empty"):
        heat = saliency.METHODS["Grad-CAM"](net, own.pictures(), 1)
    assert not heat.any()
    module.fc.weight.data[1] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert saliency.METHODS["Grad-CAM"](net, own.pictures(), 1).any()
