"""The same numbers as captum (BSD) on SqueezeNet with its real weights and on ResNet-18 and VGG-11 with random ones.

Where captum follows another convention, a test shows that the convention is all that differs.
"""

import copy
from types import MethodType

import pytest
import torch
from torch import Tensor, nn

from tests.helpers import Case, case, cat, relative
from u3lab import nets, saliency

attr = pytest.importorskip("captum.attr")

NETWORKS = "squeezenet1_1", "resnet18", "vgg11", "vgg11_bn"
TOLERANCE = 1e-4


@pytest.fixture(params=NETWORKS)
def given(request: pytest.FixtureRequest) -> Case:
    return case(request.param)


def peer(module: nn.Module) -> nn.Module:
    """captum hooks networks, and LRP reloads their weights: it gets a copy."""
    return copy.deepcopy(module)


def leaf(x: Tensor) -> Tensor:
    return x.clone().requires_grad_()


def by_captum(module: nn.Module, x: Tensor, target: int, rule: str) -> Tensor:
    if rule == "gradient":
        return attr.Saliency(peer(module)).attribute(leaf(x), target, abs=False)
    method = {"deconvnet": attr.Deconvolution, "guided": attr.GuidedBackprop}[rule]
    return method(peer(module)).attribute(leaf(x), target)


@pytest.mark.oracle("captum", saliency=["gradient", "deconvnet", "guided"])
@pytest.mark.filterwarnings("ignore:Setting backward hooks")
@pytest.mark.parametrize("rule", saliency.RULES)
def test_backprop(given: Case, rule: str):
    module, x, target, *_ = given
    assert relative(saliency.backprop(module, x, target, rule=rule), by_captum(module, x, target, rule)) < 1e-12


@pytest.mark.filterwarnings("ignore:Setting backward hooks")
@pytest.mark.parametrize("rule, method", [("gradient", attr.NeuronGradient), ("guided", attr.NeuronGuidedBackprop)])
def test_neuron(rule: str, method):
    module, x, *_ = case("squeezenet1_1")
    channel = saliency.forward_pass(module, x, layers=["features.7"])["features.7"][0, :, 5, 6].argmax().item()
    copied = peer(module)
    theirs = method(copied, copied.features[7]).attribute(leaf(x), (channel, 5, 6))
    assert relative(saliency.backprop(module, x, ("features.7", channel, 5, 6), rule=rule), theirs) < 1e-12


@pytest.mark.oracle("captum", saliency=["gradient × input"])
def test_gradient_times_input(given: Case):
    """Of what the network itself sees, it is the modulated gradient."""
    module, x, target, *_ = given
    theirs = attr.InputXGradient(peer(module)).attribute(leaf(x), target)
    assert relative(saliency.METHODS["gradient × input"].map(module, x, target), theirs) < 1e-12
    assert relative(saliency.modulated_gradient(module, x, target), theirs) < 1e-12


def test_gradient_times_input_of_the_shipped_classifier_is_of_the_picture_itself():
    """Not of the normalised one, of which the modulated gradient is."""
    net, picture = nets.load("squeezenet1_1", device="cpu").double(), cat()
    theirs = attr.InputXGradient(peer(net)).attribute(leaf(picture), 285)
    assert relative(saliency.METHODS["gradient × input"].map(net, picture, "Egyptian cat"), theirs) < 1e-12
    assert relative(saliency.modulated_gradient(net, picture, "Egyptian cat"), theirs) > 0.1


@pytest.mark.oracle("captum", saliency=["modulated gradient"])
def test_the_modulated_gradient_at_a_layer(given: Case):
    module, x, target, middle, _ = given
    copied = peer(module)
    theirs = attr.LayerGradientXActivation(copied, copied.get_submodule(middle)).attribute(x, target)
    assert relative(saliency.modulated_gradient(module, x, target, layer=middle), theirs) < 1e-12


@pytest.mark.oracle("captum", saliency=["Grad-CAM"])
def test_grad_cam(given: Case):
    """captum leaves the final ReLU off unless it is asked for."""
    module, x, target, _, late = given
    copied = peer(module)
    theirs = attr.LayerGradCam(copied, copied.get_submodule(late)).attribute(x, target, relu_attributions=True)
    assert relative(saliency.grad_cam(module, x, target, layer=late), theirs) < 1e-12


@pytest.mark.oracle("captum", saliency=["guided Grad-CAM"])
@pytest.mark.filterwarnings("ignore:Setting backward hooks")
def test_guided_grad_cam(given: Case):
    """captum enlarges Grad-CAM to the nearest cell unless it is told "bilinear", as the paper does."""
    module, x, target, _, late = given
    copied = peer(module)
    theirs = attr.GuidedGradCam(copied, copied.get_submodule(late)).attribute(leaf(x), target,
                                                                              interpolate_mode="bilinear")
    assert relative(saliency.guided_grad_cam(module, x, target, layer=late), theirs) < 1e-12


@pytest.mark.oracle("captum", saliency=["integrated gradients"])
@pytest.mark.parametrize("baseline", [0.0, 0.5])
def test_integrated_gradients(given: Case, baseline: float):
    """Both integrate by Gauss–Legendre; captum keeps the nodes in single precision."""
    module, x, target, *_ = given
    theirs = attr.IntegratedGradients(peer(module)).attribute(x, torch.full_like(x, baseline), target, n_steps=5)
    ours = saliency.integrated_gradients(module, x, target, baseline=baseline, steps=5)
    assert relative(ours, theirs) < 1e-6


def test_efficientnet_lite():
    """A network with ReLU6 and batch norms. captum's guided backpropagation leaves ReLU6 alone, so only these two."""
    net, picture = nets.load("efficientnet_lite0", device="cpu"), cat(224).float()
    copied = peer(net)
    assert relative(saliency.backprop(net, picture, 285), by_captum(net, picture, 285, "gradient")) < TOLERANCE
    cam = attr.LayerGradCam(copied, copied.module.bn2).attribute(picture, 285, relu_attributions=True)
    assert relative(saliency.grad_cam(net, picture, 285, layer="head"), cam) < TOLERANCE


def by_captums_lrp(module: nn.Module, x: Tensor, target: int, epsilon: float) -> Tensor:
    from captum.attr._core.lrp import SUPPORTED_LAYERS_WITH_RULES
    from captum.attr._utils.lrp_rules import EpsilonRule

    for layer in module.modules():
        if type(layer) in SUPPORTED_LAYERS_WITH_RULES:
            layer.rule = EpsilonRule(epsilon)
    return attr.LRP(module).attribute(leaf(x), target).detach()


@pytest.mark.oracle("captum", saliency=["LRP ε"])
@pytest.mark.parametrize("name", ["squeezenet1_1", "vgg11", "vgg11_bn"])
def test_lrp_epsilon(name: str):
    """captum has batch norms as layers of their own; with the ε-rule that only moves an ε elsewhere."""
    module, x, target, *_ = case(name)
    theirs = by_captums_lrp(peer(module), x, target, 1e-13)
    assert relative(saliency.lrp(module, x, target, epsilon=1e-13), theirs) < 1e-6


def with_addition_modules(module: nn.Module) -> nn.Module:
    """A copy of a ResNet whose sums are modules: of a plain ``a + b`` captum gives all relevance to each branch."""
    from captum.attr._utils.custom_modules import Addition_Module
    from torchvision.models.resnet import BasicBlock

    def forward(self, x: Tensor) -> Tensor:
        way_round = x if self.downsample is None else self.downsample(x)
        return self.relu2(self.plus(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))), way_round))

    module = copy.deepcopy(module)
    for block in module.modules():
        if isinstance(block, BasicBlock):
            block.relu, block.relu2, block.plus = nn.ReLU(), nn.ReLU(), Addition_Module()
            block.forward = MethodType(forward, block)
    return module


def test_lrp_epsilon_of_a_residual_network():
    module, x, target, *_ = case("resnet18")
    theirs = by_captums_lrp(with_addition_modules(module), x, target, 1e-13)
    assert relative(saliency.lrp(module, x, target, epsilon=1e-13), theirs) < 1e-6


@pytest.mark.oracle("captum", saliency=["LRP z⁺"])
def test_z_plus_without_biases():
    """captum's Alpha1_Beta0_Rule clamps weights only: it keeps negative biases and multiplies x⁻ by w⁺ instead of w⁻.

    Without biases and with x ≥ 0 nothing of that matters.
    """
    from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule

    module, x, target, *_ = case("vgg11")
    module, x = copy.deepcopy(module), x.clamp(min=0)
    layers = [layer for layer in module.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    for layer in layers:
        layer.bias.data.zero_()
    copied = peer(module)
    for layer in copied.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            layer.rule = Alpha1_Beta0_Rule()
    theirs = attr.LRP(copied).attribute(leaf(x), target)
    assert relative(saliency.lrp(module, x, target, rule="z_plus", epsilon=1e-9), theirs) < TOLERANCE
