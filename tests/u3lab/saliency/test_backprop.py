"""Three ReLU rules: by hand, from a pass that is kept, in every kind of torchvision network, for neurons of volumes."""

import copy
import math
from functools import cache
from itertools import permutations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.helpers import built, cat, refuses, relative, same_state, state, vgg11
from tests.u3lab.nets import own
from u3lab import U3Error, nets, saliency


class Tiny(nn.Module):
    """score = 2·relu(a) − 3·relu(b) with a = x₁ − x₂ and b = x₁ + x₂; the ReLU is whatever is given."""

    def __init__(self, relu) -> None:
        super().__init__()
        self.first, self.last, self.relu = nn.Linear(2, 2, bias=False), nn.Linear(2, 1, bias=False), relu
        self.first.weight.data = torch.tensor([[1.0, -1.0], [1.0, 1.0]])
        self.last.weight.data = torch.tensor([[2.0, -3.0]])
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.relu(self.first(x)))


SPELLINGS = {
    "module": nn.ReLU(), "module in place": nn.ReLU(inplace=True), "F.relu": F.relu, "F.relu_": F.relu_,
    "F.relu in place": lambda x: F.relu(x, inplace=True), "torch.relu": torch.relu, "torch.relu_": torch.relu_,
    "method": Tensor.relu, "method in place": Tensor.relu_,
    "6": nn.ReLU6(), "6 in place": nn.ReLU6(inplace=True), "F.relu6": F.relu6, "6 as hardtanh": nn.Hardtanh(0.0, 6.0),
    "6 as F.hardtanh": lambda x: F.hardtanh(x, min_val=0.0, max_val=6.0)}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("rule", saliency.RULES)
@pytest.mark.parametrize("x", [(3.0, 1.0), (1.0, 3.0), (-1.0, -3.0), (-3.0, 1.0), (0.0, 0.0), (7.0, 0.0), (4.0, 3.0),
                               (5.0, 1.0)])
def test_by_hand(x: tuple, rule: str, spelling: str):
    """The signal at the ReLU is (2, −3); the picture gets first.weightᵀ times what the rule lets through.

    At 0 a ReLU counts as inactive, and at 6 exactly a ReLU6 as saturated, as in torch.
    """
    most, through = 6 if "6" in spelling else math.inf, []
    for p, z in ((2.0, x[0] - x[1]), (-3.0, x[0] + x[1])):
        passes = {"gradient": 0 < z < most, "deconvnet": p > 0, "guided": p > 0 and 0 < z < most}[rule]
        through.append(p * passes)
    got = saliency.backprop(Tiny(SPELLINGS[spelling]), torch.tensor([x]), 0, rule=rule)
    assert got.tolist() == [[through[0] + through[1], through[1] - through[0]]]


def test_other_hardtanhs_are_no_relu():
    refuses(saliency.backprop, Tiny(nn.Hardtanh()), torch.ones(1, 2), 0, rule="guided", says="no ReLU")


def test_own_rule():
    """A student's own rule: the signal goes in, and the gate of the unit; what goes down comes out."""
    def blocked(p, through):
        return p.abs() - through(p.abs())  # only where the unit was not active

    got = saliency.backprop(Tiny(nn.ReLU()), torch.tensor([[1.0, 3.0]]), 0, rule=blocked)
    assert got.tolist() == [[2.0, -2.0]]


QUESTIONS = [{"target": 285}, {"target": 285, "rule": "guided"}, {"target": 504, "rule": "deconvnet"},
             {"target": 285, "rule": "guided", "layer": "fire5"},
             {"target": ("fire6", 3, 4, 5), "layer": "fire2"}, {"target": ("fire6", 3, 4, 5), "rule": "deconvnet"}]


def test_kept_pass_equals_fresh_ones_in_any_order():
    net, picture = nets.load("squeezenet1_1", device="cpu"), cat(128).float()
    fresh = [saliency.backprop(net, picture, **question) for question in QUESTIONS]
    kept = saliency.forward_pass(net, picture)
    orders = list(permutations(range(len(QUESTIONS))))[::60]
    assert len(orders) == 12
    for order in orders:
        for index in order:
            assert torch.equal(kept.backprop(**QUESTIONS[index]), fresh[index]), (order, index)


def test_layers_of_a_kept_pass():
    net, picture = nets.load("squeezenet1_1", device="cpu"), cat(128).float()
    kept = saliency.forward_pass(net, picture, layers=["features.3.squeeze"])
    assert set(kept.activations) == {*net.layers, "features.3.squeeze"}
    for layer, activation in kept.activations.items():
        torch.testing.assert_close(activation, net.features(picture, layer))
        assert kept.backprop(285, rule="guided", layer=layer).shape == activation.shape
    torch.testing.assert_close(kept.logits, net(picture))
    refuses(kept.backprop, 285, layer="features.4", says=r"features\.4.*was not kept.*fire5")


def test_neuron_and_layer_are_what_autograd_says():
    """d fire6[3,4,5] / d fire3, cut by hand out of the network."""
    net, picture = nets.load("squeezenet1_1", device="cpu"), cat(128).float()
    layers = net.module.features
    with torch.no_grad():
        fire3 = layers[:5](net.normalise(picture))
    fire3.requires_grad_()
    fire6 = layers[5:10](fire3)
    channel = fire6[0, :, 4, 5].argmax().item()
    (expected,) = torch.autograd.grad(fire6[0, channel, 4, 5], fire3)
    got = saliency.backprop(net, picture, ("fire6", channel, 4, 5), layer="fire3")
    assert expected.abs().max() > 0
    torch.testing.assert_close(got, expected)


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


class Breaks(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        raise KeyError("half way through")


def test_network_is_left_as_it_was_when_an_error_interrupts():
    net, x = copy.deepcopy(network("resnet18")), pictures("resnet18")[:1]
    scores, whole, net.layer3 = net(x), net.layer3, Breaks().eval()
    broken = state(net)
    for ask in (saliency.backprop, saliency.lrp, saliency.excitation_backprop, saliency.grad_cam):
        with pytest.raises(KeyError, match="half way"):
            ask(net, x, CLASS)
        with pytest.raises((U3Error, RuntimeError)):
            ask(net, x[:, :1], CLASS)
        assert same_state(broken, state(net))
    net.layer3 = whole
    with pytest.raises(ZeroDivisionError):
        saliency.backprop(net, x, CLASS, rule=lambda p, through: 1 / 0)
    assert torch.equal(net(x), scores)
    assert torch.relu(torch.tensor(-1.0)) == 0  # no mode is left active
    assert torch.overrides._get_current_function_mode_stack() == []


def test_a_neuron_of_volumes_has_three_places():
    volumes, x = own.pictures(2, 8, 12, 10), own.pictures(2, 8, 12, 10).requires_grad_()
    net = nets.wrap(own.of_volumes(), size=(8, 12, 10), mean=own.MEAN, std=own.STD)
    value = own.of_volumes().layer1(own.of_volumes().stem((x - 0.4) / 0.2))[:, 3, 1, 2, 4]
    found = saliency.backprop(net, volumes, ("layer1", 3, 1, 2, 4))
    assert relative(found, torch.autograd.grad(value.sum(), x)[0]) < 1e-5
    refuses(saliency.backprop, net, volumes, ("layer1", 3, 1, 2), says="channel, z, y, x")
    refuses(saliency.backprop, net, volumes, ("layer1", 3, 4, 2, 4), says=("z of 'layer1' = 4", "0 to 3"))
    for name in ("LRP z⁺", "excitation"):
        refuses(saliency.METHODS[name], net, volumes, 1, says="no relevance rule.*conv3d")
    refuses(net, volumes[0], says=("a batch of volumes", r"\(B,1,D,H,W\)", r"x\[None\]"))
    refuses(net, volumes.expand(-1, 3, -1, -1, -1), says=r"make it grey with x\.mean")
