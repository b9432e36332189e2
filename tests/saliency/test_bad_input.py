"""Each slip gives one U3Error that says what was given, what is wanted and what to do."""

import pytest
import torch
from torch import nn

from tests.helpers import built, cat, refuses, resnet18
from u3lab import saliency
from u3lab.saliency import backprop, excitation_backprop, grad_cam, integrated_gradients, lrp

ABOVE = ("does not lead to the target", "layer below")
# What is wrong → function, target, options, and the words of the sentence, with SqueezeNet and one picture. Arguments
# that are wrong by themselves are in tests.calls.
SLIPS = {
    "a layer": (backprop, 285, {"layer": "fire55"}, (
        "squeezenet1_1 has no layer 'fire55'", "did you mean 'fire5'", "conv1, fire2")),
    "a neuron's layer": (backprop, ("fier6", 0, 0, 0), {}, ("no layer 'fier6'", "did you mean 'fire6'")),
    "a channel": (backprop, ("fire5", 256, 1, 1), {}, ("channel", "= 256", "fire5", "0 to 255")),
    "a channel below 0": (backprop, ("fire5", -1, 1, 1), {}, ("channel", "= -1", "0 to 255")),
    "y": (backprop, ("fire5", 3, 99, 1), {}, ("y of", "= 99", "0 to")),
    "x": (backprop, ("fire5", 3, 1, 99), {}, ("x of", "= 99", "0 to")),
    "half a y": (backprop, ("fire5", 3, 1.5, 1), {}, ("y of", "= 1.5", "0 to")),
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
