"""The same numbers as zennit (copyleft, hence optional): ReLU rules, LRP, excitation backpropagation."""

import copy

import pytest
import torch
from torch import Tensor, nn

from tests.helpers import Case, case, fused, relative
from u3lab import saliency

pytest.importorskip("zennit")

from zennit.attribution import Gradient  # noqa: E402
from zennit.composites import (  # noqa: E402
    DeconvNet,
    ExcitationBackprop,
    GuidedBackprop,
    LayerMapComposite,
    layer_map_base,
)
from zennit.rules import AlphaBeta, Epsilon, ZPlus  # noqa: E402
from zennit.torchvision import ResNetBasicBlockCanonizer  # noqa: E402
from zennit.types import Linear as Weighted  # noqa: E402

CANONISERS = [ResNetBasicBlockCanonizer()]  # makes the sums of a ResNet visible to zennit; no effect on the others
RULES = {
    "epsilon": ({}, Epsilon(1e-6)),
    "epsilon 0.1": ({"epsilon": 0.1}, Epsilon(0.1)),
    "z_plus": ({}, ZPlus(1e-6)),
    "alpha_beta": ({}, AlphaBeta(2, 1, 1e-6)),
    "alpha_beta 3, 2": ({"alpha": 3.0, "beta": 2.0, "epsilon": 1e-3}, AlphaBeta(3, 2, 1e-3)),
}


@pytest.fixture(params=["squeezenet1_1", "resnet18", "vgg11", "vgg11_bn"])
def given(request: pytest.FixtureRequest) -> Case:
    return case(request.param)


def by_zennit(module: nn.Module, x: Tensor, target: int, composite, layer: str | None = None,
              from_score: bool = False) -> Tensor:
    """What arrives at the input, or at a layer; it starts with 1 or with the score."""
    module, kept = copy.deepcopy(module), []

    def keep(layer: nn.Module, inputs: tuple, output: Tensor) -> None:
        output.retain_grad()
        kept.append(output)

    with Gradient(module, composite):
        if layer is not None:
            module.get_submodule(layer).register_forward_hook(keep)
        x = x.clone().requires_grad_()
        scores = module(x)
        start = torch.zeros_like(scores)
        start[0, target] = scores[0, target].detach() if from_score else 1
        scores.backward(start)
    return x.grad if layer is None else kept[0].grad


@pytest.mark.oracle("zennit", saliency=["deconvnet", "guided"])
@pytest.mark.parametrize("rule, composite", [("guided", GuidedBackprop), ("deconvnet", DeconvNet)])
def test_backprop(given: Case, rule: str, composite):
    module, x, target, *_ = given
    assert relative(saliency.backprop(module, x, target, rule=rule), by_zennit(module, x, target, composite())) < 1e-12


def lrp_composite(name: str) -> LayerMapComposite:
    options, rule = RULES[name]
    base = layer_map_base(options.get("epsilon", 1e-6))
    return LayerMapComposite(base + [(Weighted, rule)], canonizers=CANONISERS)


@pytest.mark.oracle("zennit", saliency=["LRP ε", "LRP z⁺", "LRP α2β1"])
@pytest.mark.parametrize("name", RULES)
def test_lrp(given: Case, name: str):
    """zennit gets networks that are folded already: up to 0.5 its own merging of batch norms leaves their ε in."""
    module, x, target, *_ = given
    theirs = by_zennit(fused(module), x, target, lrp_composite(name), from_score=True)
    assert relative(saliency.lrp(module, x, target, rule=name.split()[0], **RULES[name][0]), theirs) < 1e-6


@pytest.mark.parametrize("name", ["epsilon", "alpha_beta"])
def test_lrp_at_a_layer(given: Case, name: str):
    module, x, target, middle, _ = given
    theirs = by_zennit(fused(module), x, target, lrp_composite(name), middle, from_score=True)
    assert relative(saliency.lrp(module, x, target, rule=name, layer=middle), theirs) < 1e-6


def test_lrp_through_relu6():
    """Both send relevance through ReLU6 as it is, saturated or not."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU6(inplace=True), nn.Conv2d(8, 8, 3), nn.ReLU6(),
                           nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 4)).double().eval()
    x = 30 * torch.randn(1, 3, 12, 12, dtype=torch.float64)
    assert (module[:2](x) == 6).any()
    for name in RULES:
        theirs = by_zennit(module, x, 1, lrp_composite(name), from_score=True)
        assert relative(saliency.lrp(module, x, 1, rule=name.split()[0], **RULES[name][0]), theirs) < 1e-6


def excitation(**options) -> ExcitationBackprop:
    return ExcitationBackprop(stabilizer=1e-12, canonizers=CANONISERS, **options)


@pytest.mark.oracle("zennit", saliency=["excitation"])
def test_excitation_backprop(given: Case):
    """Without biases, as in the paper, and for x ≥ 0, which the paper assumes."""
    module, x, target, *_ = given
    x = x.clamp(min=0)
    theirs = by_zennit(fused(module), x, target, excitation(zero_params="bias"))
    assert relative(saliency.excitation_backprop(module, x, target), theirs) < 1e-7


def test_excitation_backprop_at_a_layer(given: Case):
    """Behind a ReLU x ≥ 0 holds by itself, so that the picture need not be clamped."""
    module, x, target, middle, _ = given
    theirs = by_zennit(fused(module), x, target, excitation(zero_params="bias"), middle)
    assert relative(saliency.excitation_backprop(module, x, target, layer=middle), theirs) < 1e-7
