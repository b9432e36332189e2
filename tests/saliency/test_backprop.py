"""One backward pass, three ReLU rules: against values worked out by hand, and from a pass that is kept."""

import math
from itertools import permutations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.helpers import cat, refuses
from u3lab import nets, saliency


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


def test_a_neuron_sees_its_receptive_field_only():
    net, picture = nets.load("squeezenet1_1", device="cpu"), cat(128).float()
    channel = net.features(picture, "conv1")[0, :, 20, 30].argmax().item()
    for rule in saliency.RULES:
        rows, columns = saliency.backprop(net, picture, ("conv1", channel, 20, 30), rule=rule)[0].sum(0).nonzero().T
        assert (rows.min(), rows.max(), columns.min(), columns.max()) == (40, 42, 60, 62)  # 3×3 with stride 2


def test_pictures_in_double_precision():
    """NumPy makes float64; the network computes in its own precision."""
    net = nets.load("squeezenet1_1", device="cpu")
    single = saliency.backprop(net, cat(96).float(), 285)
    torch.testing.assert_close(saliency.backprop(net, cat(96), 285).float(), single)
