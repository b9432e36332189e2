"""Every kind of torchvision network: all its ReLUs obey, and it is left as it was, whatever happens in between."""

import copy
from functools import cache

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.helpers import built, cat, same_state, state, vgg11
from u3lab import U3Error, saliency


def from_torchvision(name: str, **options):
    def build() -> nn.Module:
        from torchvision import models

        return getattr(models, name)(num_classes=10, **options)
    return build


BUILDS = {name: from_torchvision(name) for name in (
    "alexnet", "resnet18", "densenet121", "mobilenet_v2", "shufflenet_v2_x0_5", "squeezenet1_0", "mnasnet0_5",
    "regnet_x_400mf", "regnet_y_400mf", "mobilenet_v3_small")}
BUILDS["vgg11_bn"] = lambda: vgg11(batch_norm=True)
BUILDS["googlenet"] = from_torchvision("googlenet", init_weights=False, aux_logits=False)
BUILDS["inception_v3"] = from_torchvision("inception_v3", init_weights=False)  # with its auxiliary classifier
CLASS = 3


@cache
def network(name: str) -> nn.Module:
    return built(BUILDS[name])


def pictures(name: str) -> Tensor:
    side = 75 if name == "inception_v3" else 64
    x = cat(side).float()
    return torch.cat([x, x.flip(3)])


class ByHand(torch.autograd.Function):
    """The three rules again, written from the papers: the mask comes from the input of the ReLU."""

    @staticmethod
    def forward(ctx, x: Tensor, rule: str, ceiling: float) -> Tensor:
        ctx.save_for_backward((x > 0) & (x < ceiling))
        ctx.rule = rule
        return torch.minimum(torch.maximum(x, torch.zeros(())), torch.full((), ceiling))

    @staticmethod
    def backward(ctx, p: Tensor):
        (on,) = ctx.saved_tensors
        p = {"gradient": p * on, "deconvnet": p * (p > 0), "guided": p * (p > 0) * on}[ctx.rule]
        return p, None, None


def expected_saliency(name: str, rule: str, monkeypatch: pytest.MonkeyPatch) -> Tensor:
    """torch's own functional ReLUs, which all modules call, replaced one after the other."""
    hardtanh = F.hardtanh
    with monkeypatch.context() as patch:
        patch.setattr(F, "relu", lambda x, inplace=False: ByHand.apply(x, rule, float("inf")))
        patch.setattr(F, "relu6", lambda x, inplace=False: ByHand.apply(x, rule, 6.0))
        patch.setattr(F, "hardtanh", lambda x, low=-1.0, high=1.0, inplace=False: ByHand.apply(x, rule, high)
                      if low == 0 else hardtanh(x, low, high))
        x = pictures(name).requires_grad_()
        scores = network(name)(x)
        (result,) = torch.autograd.grad(scores[:, CLASS].sum(), x)
    return result


@pytest.mark.parametrize("name", BUILDS)
def test_every_relu_obeys(name: str, monkeypatch: pytest.MonkeyPatch):
    kept = saliency.forward_pass(network(name), pictures(name))
    for rule in saliency.RULES:
        ours, theirs = kept.backprop(CLASS, rule=rule), expected_saliency(name, rule, monkeypatch)
        assert theirs.abs().max() > 0
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5 * theirs.abs().max().item())


def ask_everything(net: nn.Module, x: Tensor) -> None:
    saliency.modulated_gradient(net, x, CLASS)
    for ask in (saliency.excitation_backprop, *(one.map for one in saliency.METHODS.values() if not one.optimises)):
        try:
            ask(net, x, CLASS)
        except U3Error as error:  # gates have no rule; half way up vgg11_bn is a convolution before its norm
            assert "no relevance rule" in str(error) or "pick the batch norm" in str(error)
    saliency.backprop(net, x, CLASS, rule="guided")


@pytest.mark.parametrize("name", BUILDS)
def test_network_is_left_as_it_was(name: str):
    net, x = network(name), pictures(name)[:1]
    for index, parameter in enumerate(net.parameters()):
        parameter.requires_grad_(index % 2 == 0)  # some frozen, some not: both have to stay
    before, scores = state(net), net(x)
    if not torch.is_tensor(scores):
        scores = scores.logits
    ask_everything(net, x)
    assert same_state(before, state(net))
    assert torch.equal(net(x), scores.detach())


class Breaks(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        raise KeyError("half way through")


def test_network_is_left_as_it_was_when_an_error_interrupts():
    net = copy.deepcopy(network("resnet18"))
    x, before, scores = pictures("resnet18")[:1], state(net), net(pictures("resnet18")[:1])
    for slip in (lambda: saliency.backprop(net, x, 99), lambda: saliency.backprop(net, x, CLASS, layer="nowhere"),
                 lambda: saliency.backprop(net, x, CLASS, rule=lambda p, active: 1 / 0),
                 lambda: saliency.backprop(net, x[:, :1], CLASS), lambda: saliency.lrp(net, x[:, :1], CLASS),
                 lambda: saliency.excitation_backprop(net, x, CLASS, layer="nowhere"), lambda: saliency.lrp(net, x,
                                                                                                            99)):
        with pytest.raises((U3Error, ZeroDivisionError, RuntimeError)):
            slip()
        assert same_state(before, state(net))
    whole, net.layer3 = net.layer3, Breaks().eval()
    broken = state(net)
    for ask in (saliency.backprop, saliency.lrp, saliency.excitation_backprop, saliency.grad_cam):
        with pytest.raises(KeyError, match="half way"):
            ask(net, x, CLASS)
        assert same_state(broken, state(net))
    net.layer3 = whole
    assert same_state(before, state(net)) and torch.equal(net(x), scores)
    assert torch.relu(torch.tensor(-1.0)) == 0  # no mode is left active
    assert torch.overrides._get_current_function_mode_stack() == []
