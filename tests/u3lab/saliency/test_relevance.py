"""Maps made from true derivatives, against closed forms and plain loops; each slip gives one U3Error that helps."""

import copy

import pytest
import torch
from torch import Tensor, nn

from tests.helpers import built, case, cat, refuses, relative, resnet18
from u3lab import nets, saliency
from u3lab.saliency import backprop, excitation_backprop, grad_cam, integrated_gradients, lrp


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


ABOVE = ("does not lead to the target", "layer below")
# What is wrong → function, target, options, and the words of the sentence, with SqueezeNet and one picture. Arguments
# that are wrong by themselves are in tests.calls.
SLIPS = {
    "a layer": (backprop, 285, {"layer": "fire55"}, (
        "squeezenet1_1 has no layer 'fire55'", "did you mean 'fire5'", "conv1, fire2")),
    "a neuron's layer": (backprop, ("fier6", 0, 0, 0), {}, ("no layer 'fier6'", "did you mean 'fire6'")),
    "a channel": (backprop, ("fire5", 256, 1, 1), {}, ("channel", "= 256", "fire5", "0 to 255")),
    "y": (backprop, ("fire5", 3, 99, 1), {}, ("y of", "= 99", "0 to")),
    "x": (backprop, ("fire5", 3, 1, 1.5), {}, ("x of", "= 1.5", "0 to")),
    "a neuron of two numbers": (backprop, ("fire5", 3), {}, (r"\('fire5', 3\)", "channel, y, x")),
    **{f"a layer above the target, {ask.__name__}": (ask, ("fire3", 1, 2, 2), {"layer": "fire5"}, ABOVE)
       for ask in (backprop, saliency.modulated_gradient, grad_cam, lrp, excitation_backprop)},
    "a contrast of a neuron": (excitation_backprop, ("fire5", 1, 2, 2), {"contrastive": True}, (
        "contrastive", "give a class")),
    **{f"alpha {alpha}, beta {beta}": (lrp, 285, {"rule": "alpha_beta", "alpha": alpha, "beta": beta}, words)
       for alpha, beta, words in ((0.5, -0.5, ("beta = -0.5", "0 or more")), (2, None, ("beta = None", "0 or more")),
                                  *((*both, ("alpha − beta is", "must be 1", "alpha=2, beta=1"))
                                    for both in ((1, 1), (2, 0))))},
    "a rule": (backprop, 285, {"rule": "gradiant"}, ("no rule 'gradiant'", "gradient, deconvnet, guided")),
    "a baseline's size": (integrated_gradients, 285, {"baseline": torch.zeros(1, 3, 10, 10)}, (
        "baseline", r"\(1, 3, 10, 10\)", r"\(1, 3, 96, 96\)")),
    "a baseline beyond 1": (integrated_gradients, 285, {"baseline": 3.0}, r"\[0,1\]"),
}


@pytest.mark.parametrize("kind", SLIPS)
def test_a_slip(net, picture, kind):
    function, target, options, words = SLIPS[kind]
    refuses(function, net, picture, target, **options, says=words)


@pytest.mark.parametrize("target, wrong", [(10, 10), (-1, -1), ([3, -1], -1), ([3, 10], 10)])
def test_class_of_a_network_without_names(target, wrong):
    x = cat(64).float().expand(2, -1, -1, -1)
    refuses(backprop, built(resnet18), x, target, says=(f"class {wrong} does not exist", "0 to 9"))


def test_class_name_of_a_network_without_names(picture):
    refuses(backprop, built(resnet18), picture, "tabby", says="no class 'tabby'")


def test_relevance_between_a_convolution_and_its_batch_norm():
    module, x = built(resnet18), cat(64).float()
    refuses(lrp, module, x, 3, layer="layer1.0.conv1", says=("one layer", "pick the batch norm"))
    assert lrp(module, x, 3, layer="layer1.0.bn1").shape == (1, 64, 16, 16)


def test_grad_cam_of_what_has_no_space():
    words = "'fc' has no spatial grid", "convolutional"
    refuses(grad_cam, built(resnet18), cat(64).float(), 3, layer="fc", says=words)
    flat = nn.Sequential(nn.Flatten(), nn.Linear(12, 2)).eval()
    refuses(grad_cam, flat, torch.rand(1, 3, 2, 2), 0, says="no layer .* spatial grid")
