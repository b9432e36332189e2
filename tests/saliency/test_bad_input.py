"""One slip a test: each gives one U3Error that says what was given, what is wanted and what to do."""

import pytest
import torch
from torch import nn

from tests.helpers import built, cat, refuses, resnet18, slip
from u3lab import saliency

# ---- layers, neurons, classes ----------------------------------------------------------------------------------------


def test_wrong_layer_gets_the_near_name(net, picture):
    with slip("squeezenet1_1 has no layer 'fire55'", "did you mean 'fire5'", "conv1, fire2"):
        saliency.backprop(net, picture, 285, layer="fire55")


def test_wrong_layer_of_a_neuron(net, picture):
    refuses(saliency.backprop, net, picture, ("fier6", 0, 0, 0), says=("no layer 'fier6'", "did you mean 'fire6'"))


def test_layer_that_is_no_name(net, picture):
    refuses(saliency.grad_cam, net, picture, 285, layer=5, says=("no layer 5", "layers are"))


def test_channel_out_of_range(net, picture):
    refuses(saliency.backprop, net, picture, ("fire5", 256, 1, 1), says=("channel", "= 256", "fire5", "0 to 255"))


def test_negative_channel(net, picture):
    refuses(saliency.backprop, net, picture, ("fire5", -1, 1, 1), says=("channel", "= -1", "0 to 255"))


@pytest.mark.parametrize("place, words", [((3, 99, 1), ("y of", "= 99", "0 to")),
                                          ((3, 1, 99), ("x of", "= 99", "0 to")),
                                          ((3, 1.5, 1), ("y of", "= 1.5", "0 to"))])
def test_position_out_of_range(net, picture, place, words):
    refuses(saliency.backprop, net, picture, ("fire5", *place), says=words)


def test_neuron_with_too_few_coordinates(net, picture):
    refuses(saliency.backprop, net, picture, ("fire5", 3), says=(r"\('fire5', 3\)", "channel, y, x"))


@pytest.mark.parametrize("target, wrong", [(10, 10), (-1, -1), ([3, -1], -1), ([3, 10], 10)])
def test_class_of_a_network_without_names(target, wrong):
    x = cat(64).float().expand(2, -1, -1, -1)
    refuses(saliency.backprop, built(resnet18), x, target, says=(f"class {wrong} does not exist", "0 to 9"))


def test_unknown_class_name(net, picture):
    refuses(saliency.backprop, net, picture, "egyptian catt", says=("no class 'egyptian catt'", "Egyptian cat"))


def test_class_name_of_a_network_without_names(picture):
    refuses(saliency.backprop, built(resnet18), picture, "tabby", says="no class 'tabby'")


@pytest.mark.parametrize("target", [None, 3.5, [3.5]])
def test_target_of_a_wrong_kind(net, picture, target):
    refuses(saliency.backprop, net, picture, target, says=("not a class", "number or its name"))


@pytest.mark.parametrize("targets", [[1, 2], [], (1, 2, 3)])
def test_target_list_of_wrong_length(net, picture, targets):
    refuses(saliency.backprop, net, picture, targets, says=(f"{len(targets)} targets for 1 pictures", "one a picture"))


@pytest.mark.parametrize("ask", [
    lambda net, x: saliency.backprop(net, x, ("fire3", 1, 2, 2), layer="fire5"),
    lambda net, x: saliency.modulated_gradient(net, x, ("fire3", 1, 2, 2), layer="fire5"),
    lambda net, x: saliency.grad_cam(net, x, ("fire3", 1, 2, 2), layer="fire5"),
    lambda net, x: saliency.lrp(net, x, ("fire3", 1, 2, 2), layer="fire5"),
    lambda net, x: saliency.excitation_backprop(net, x, ("fire3", 1, 2, 2), layer="fire5"),
])
def test_layer_above_the_target(net, picture, ask):
    refuses(ask, net, picture, says=("does not lead to the target", "layer below"))


def test_relevance_between_a_convolution_and_its_batch_norm():
    module, x = built(resnet18), cat(64).float()
    refuses(saliency.lrp, module, x, 3, layer="layer1.0.conv1", says=("one layer", "pick the batch norm"))
    assert saliency.lrp(module, x, 3, layer="layer1.0.bn1").shape == (1, 64, 16, 16)


def test_grad_cam_of_a_layer_without_space():
    with slip("'fc' has no spatial grid", "convolutional"):
        saliency.grad_cam(built(resnet18), cat(64).float(), 3, layer="fc")


def test_grad_cam_of_a_network_without_space():
    with slip("no layer .* spatial grid"):
        saliency.grad_cam(nn.Sequential(nn.Flatten(), nn.Linear(12, 2)).eval(), torch.rand(1, 3, 2, 2), 0)


def test_contrastive_excitation_of_a_neuron(net, picture):
    with slip("contrastive", "give a class"):
        saliency.excitation_backprop(net, picture, ("fire5", 1, 2, 2), contrastive=True)


# ---- settings --------------------------------------------------------------------------------------------------------


def test_unknown_rule(net, picture):
    with slip("no rule 'gradiant'", "gradient, deconvnet, guided"):
        saliency.backprop(net, picture, 285, rule="gradiant")


def test_unknown_rule_of_smooth_grad(net, picture):
    with slip("no rule 'gradiant'", "gradient, deconvnet, guided"):
        saliency.smooth_grad(net, picture, 285, rule="gradiant")


def test_unknown_relevance_rule(net, picture):
    refuses(saliency.lrp, net, picture, 285, rule="gamma", says=("rule = 'gamma'", "epsilon, alpha_beta, z_plus"))


@pytest.mark.parametrize("rule", [None, 3, ["gradient"]])
def test_rule_that_is_no_name(net, picture, rule):
    refuses(saliency.backprop, net, picture, 285, rule=rule, says=("there is no rule", "gradient, deconvnet, guided"))
    refuses(saliency.lrp, net, picture, 285, rule=rule, says=("rule = ", "choose one of epsilon, alpha_beta, z_plus"))


@pytest.mark.parametrize("epsilon", [0, -1e-6, float("nan"), float("inf"), "a", None])
def test_epsilon(net, picture, epsilon):
    refuses(saliency.lrp, net, picture, 285, epsilon=epsilon, says=(f"epsilon = {epsilon!r}", "above 0"))


@pytest.mark.parametrize("alpha, beta, words", [(0.5, -0.5, ("beta = -0.5", "0 or more")),
                                                (2.0, float("nan"), ("beta = nan", "0 or more")),
                                                ("a", 1, ("alpha = 'a'", "a number")),
                                                (float("inf"), 1, ("alpha = inf", "a number")),
                                                (2, None, ("beta = None", "0 or more"))])
def test_alpha_and_beta(net, picture, alpha, beta, words):
    refuses(saliency.lrp, net, picture, 285, rule="alpha_beta", alpha=alpha, beta=beta, says=words)


@pytest.mark.parametrize("alpha, beta", [(1, 1), (2, 0)])
def test_alpha_minus_beta(net, picture, alpha, beta):
    with slip("alpha − beta is", "must be 1", "alpha=2, beta=1"):
        saliency.lrp(net, picture, 285, rule="alpha_beta", alpha=alpha, beta=beta)


@pytest.mark.parametrize("steps", [0, -1, 2.5, "a", None, 1001])
def test_steps(net, picture, steps):
    with slip(f"steps = {steps!r}", "whole number", "from 1 to 1000"):
        saliency.integrated_gradients(net, picture, 285, steps=steps)


def test_baseline_of_another_size(net, picture):
    with slip("baseline", r"\(1, 3, 10, 10\)", r"\(1, 3, 96, 96\)"):
        saliency.integrated_gradients(net, picture, 285, baseline=torch.zeros(1, 3, 10, 10))


def test_baseline_out_of_range(net, picture):
    refuses(saliency.integrated_gradients, net, picture, 285, baseline=3.0, says=r"\[0,1\]")


@pytest.mark.parametrize("samples", [0, 2.5, "a"])
def test_samples(net, picture, samples):
    with slip(f"samples = {samples!r}", "whole number", "from 1 on"):
        saliency.smooth_grad(net, picture, 285, samples=samples)


@pytest.mark.parametrize("noise", [-0.1, float("nan"), float("inf"), "a"])
def test_noise(net, picture, noise):
    refuses(saliency.smooth_grad, net, picture, 285, noise=noise, says=(f"noise = {noise!r}", "0 or more"))
