"""The same numbers as TorchRay (for non-commercial use, hence optional): all it shares with chapter 6.

TorchRay is the lecture's own code base. It is not kept up, but works with a present torch.
"""

import copy

import pytest
from torch import Tensor, nn

from tests.helpers import Case, case, fused, relative
from u3lab import saliency

pytest.importorskip("torchray")
pytestmark = pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")

from torchray.attribution import deconvnet, grad_cam, gradient, guided_backprop, linear_approx  # noqa: E402
from torchray.attribution import excitation_backprop as theirs_eb  # noqa: E402
from torchray.attribution.common import Probe, get_backward_gradient  # noqa: E402


@pytest.fixture(params=["squeezenet1_1", "resnet18", "vgg11", "vgg11_bn"])
def given(request: pytest.FixtureRequest) -> Case:
    return case(request.param)


def signal(x: Tensor) -> Tensor:
    """TorchRay's hook for what to make of a signal; here, nothing."""
    return x.grad


def leaf(x: Tensor) -> Tensor:
    return x.clone().requires_grad_()


def peer(module: nn.Module) -> nn.Module:
    """A copy; the sums of a ResNet become modules, which TorchRay can replace."""
    module = copy.deepcopy(module)
    return theirs_eb.update_resnet(module) if type(module).__name__ == "ResNet" else module


@pytest.mark.oracle("TorchRay", saliency=["gradient", "deconvnet", "guided"])
@pytest.mark.parametrize("rule, method", [("gradient", gradient.gradient), ("deconvnet", deconvnet.deconvnet),
                                          ("guided", guided_backprop.guided_backprop)])
def test_backprop(given: Case, rule: str, method):
    module, x, target, *_ = given
    theirs = method(peer(module), leaf(x), target, gradient_to_saliency=signal)
    assert relative(saliency.backprop(module, x, target, rule=rule), theirs) < 1e-12


@pytest.mark.oracle("TorchRay", saliency=["modulated gradient"])
def test_the_modulated_gradient(given: Case):
    module, x, target, middle, _ = given
    theirs = linear_approx.linear_approx(peer(module), leaf(x), target, saliency_layer=middle)
    ours = saliency.modulated_gradient(module, x, target, layer=middle).sum(1, keepdim=True)
    assert relative(ours, theirs) < 1e-12


@pytest.mark.oracle("TorchRay", saliency=["Grad-CAM"])
def test_grad_cam(given: Case):
    module, x, target, _, late = given
    theirs = grad_cam.grad_cam(peer(module), leaf(x), target, saliency_layer=late)
    assert relative(saliency.grad_cam(module, x, target, layer=late), theirs) < 1e-12


@pytest.mark.oracle("TorchRay", saliency=["excitation"])
@pytest.mark.parametrize("whole", [True, False])
def test_excitation_backprop(given: Case, whole: bool):
    """TorchRay trusts inputs to be ≥ 0, as the paper does; u3lab clamps them. For x ≥ 0 both are the same.

    The sums of a ResNet, made modules by its own update_resnet, share by a/(a + b), and so do u3lab's.
    """
    module, x, target, middle, _ = given
    x = x.clamp(min=0)
    theirs = theirs_eb.excitation_backprop(peer(module), leaf(x), target, saliency_layer="" if whole else middle,
                                           gradient_to_saliency=signal)
    ours = saliency.excitation_backprop(module, x, target, layer=None if whole else middle)
    assert relative(ours, theirs) < 1e-9


def test_batch_norm():
    """TorchRay passes signals through a batch norm unchanged. With γ > 0 its scale cancels in the quotient, and that is
    the same as folding it; with γ < 0 it turns the weights over, so that other inputs are the exciting ones."""
    module, x, target, *_ = case("vgg11_bn")
    x, module = x.clamp(min=0), copy.deepcopy(module)

    def by_torchray(net: nn.Module) -> Tensor:
        return theirs_eb.excitation_backprop(peer(net), leaf(x), target, gradient_to_saliency=signal)

    assert relative(by_torchray(module), by_torchray(fused(module))) < 1e-9
    module.features[1].weight.data[::2].neg_()
    ours = saliency.excitation_backprop(module, x, target)
    assert relative(ours, by_torchray(module)) > 0.01
    assert relative(ours, by_torchray(fused(module))) < 1e-9


CLASSIFIERS = {"squeezenet1_1": ("features.12", "classifier.1"), "vgg11": ("classifier.4", "classifier.6"),
               "vgg11_bn": ("classifier.4", "classifier.6")}


def contrast_by_hand(module: nn.Module, x: Tensor, target: int, layer: str, contrast: str, classifier: str) -> Tensor:
    """The signal that TorchRay's contrastive method has at a layer before it sums over channels and clamps."""
    module = copy.deepcopy(module).requires_grad_(False)
    last = module.get_submodule(classifier)
    with theirs_eb.ExcitationBackpropContext():
        probe = Probe(module.get_submodule(contrast), target="output")
        for sign in (-1, 1):
            end = Probe(module.get_submodule(layer), target="output")
            scores = module(leaf(x))
            last.weight.data.mul_(sign)
            scores.backward(get_backward_gradient(scores, target))
            last.weight.data.mul_(sign)
            if sign < 0:
                probe.contrast = [probe.data[0].grad]
                end.remove()
    return end.data[0].grad


@pytest.mark.oracle("TorchRay", saliency=["contrastive excitation"])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_contrastive_excitation_backprop(name: str):
    """TorchRay's map clamps after the sum over channels; u3lab gives the layer's shape and clamps each neuron."""
    module, x, target, middle, _ = case(name)
    contrast, classifier = CLASSIFIERS[name]
    theirs = contrast_by_hand(module, x, target, middle, contrast, classifier)
    ours = saliency.excitation_backprop(module, x, target, layer=middle, contrastive=True)
    assert relative(ours, theirs.clamp(min=0)) < 1e-7
