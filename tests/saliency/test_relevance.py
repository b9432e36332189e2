"""Maps made from true derivatives, against closed forms and plain loops."""

import copy

import pytest
import torch
from torch import Tensor, nn

from tests.helpers import case, cat, refuses, relative
from u3lab import nets, saliency


def test_the_modulated_gradient_is_of_what_the_network_itself_sees():
    """x_m at the input is the normalised picture: mean grey says nothing."""
    net = nets.load("squeezenet1_1", device="cpu")
    picture = cat(96).float()
    expected = saliency.backprop(net, picture, 285) * net.std * net.normalise(picture)
    torch.testing.assert_close(saliency.modulated_gradient(net, picture, 285), expected, rtol=1e-4, atol=1e-5)


def test_grad_cam_of_a_convolution_that_a_relu_overwrites():
    """The activation of the layer that was asked for is meant, not what the ReLU in place makes of it."""
    module, x, target, *_ = case("squeezenet1_1")
    apart = copy.deepcopy(module)
    for layer in apart.modules():
        if hasattr(layer, "inplace"):
            layer.inplace = False
    for layer in ("features.0", "features.6.squeeze"):
        assert relative(saliency.grad_cam(module, x, target, layer=layer),
                        saliency.grad_cam(apart, x, target, layer=layer)) < 1e-12


def test_grad_cam_takes_the_last_convolution():
    net, picture = nets.load("squeezenet1_1", device="cpu"), cat().float()
    assert torch.equal(saliency.grad_cam(net, picture, 285), saliency.grad_cam(net, picture, 285, layer="fire9"))
    assert saliency.grad_cam(net, picture, 285).shape == (1, 1, 14, 14)
    net, picture = nets.load("efficientnet_lite0", device="cpu"), cat(224).float()
    assert torch.equal(saliency.grad_cam(net, picture, 285), saliency.grad_cam(net, picture, 285, layer="head"))


@pytest.mark.parametrize("neuron, below", [(("fire5", 3, 2, 2), "fire4"), (("fire3", 3, 2, 2), "fire2"),
                                           (("features.6.squeeze", 1, 2, 2), "fire3"), (("conv10", 3, 1, 1), "fire9")])
def test_grad_cam_of_a_neuron_takes_the_deepest_grid_below_it(neuron, below: str):
    net, picture = nets.load("squeezenet1_1", device="cpu"), cat(96).float()
    assert torch.equal(saliency.grad_cam(net, picture, neuron), saliency.grad_cam(net, picture, neuron, layer=below))


def test_grad_cam_of_a_neuron_with_nothing_below():
    net, picture = nets.load("squeezenet1_1", device="cpu"), cat(96).float()
    refuses(saliency.grad_cam, net, picture, ("conv1", 1, 2, 2), says=("no layer", "below 'conv1'", "grid"))


@pytest.mark.oracle("the mean of one copy after the other", saliency=["smooth grad"])
def test_smooth_grad_is_a_mean_over_noisy_copies():
    module, x, target, *_ = case("squeezenet1_1")
    x = torch.cat([x, 3 * x.flip(3)])  # the noise is a fraction of each picture's own range
    generator = torch.Generator().manual_seed(7)
    total = torch.zeros_like(x)
    for _ in range(3):
        noise = torch.randn(x.shape[1:], generator=generator)  # one for all pictures of the batch
        for index, picture in enumerate(x):
            spread = 0.2 * (picture.max() - picture.min())
            total[index] += saliency.backprop(module, (picture + spread * noise)[None], target)[0]
    got = saliency.smooth_grad(module, x, target, noise=0.2, samples=3, seed=7)
    assert relative(got, total / 3) < 1e-5


class Cubic(nn.Module):
    """S(x) = Σ x³."""

    def forward(self, x: Tensor) -> Tensor:
        return (x ** 3).flatten(1).sum(1, keepdim=True)


def test_quadrature_is_exact_for_polynomials():
    """∫₀¹ 3(x' + α(x − x'))² dα (x − x') = x³ − x'³ for each pixel; two nodes are enough for a square."""
    x = torch.rand(2, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    got = saliency.integrated_gradients(Cubic().eval(), x, 0, baseline=0.25, steps=2)
    torch.testing.assert_close(got, x ** 3 - 0.25 ** 3)
