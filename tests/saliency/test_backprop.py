"""One backward pass, three ReLU rules: against values worked out by hand, and on every kind of torchvision network."""

from __future__ import annotations

import copy
from functools import cache
from itertools import permutations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.saliency.networks import built, case, cat, vgg11
from u3lab import U3Error, nets, saliency

# ---- by hand ---------------------------------------------------------------------------------------------------------


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


# the signal at the ReLU is (2, −3); the picture gets first.weightᵀ times what the rule lets through
BY_HAND = [
    ((3.0, 1.0), "gradient", (-1.0, -5.0)),   # both active: 2·(1,−1) − 3·(1,1)
    ((3.0, 1.0), "deconvnet", (2.0, -2.0)),   # the negative signal stops
    ((3.0, 1.0), "guided", (2.0, -2.0)),
    ((1.0, 3.0), "gradient", (-3.0, -3.0)),   # a is inactive
    ((1.0, 3.0), "deconvnet", (2.0, -2.0)),   # passes although a is inactive
    ((1.0, 3.0), "guided", (0.0, 0.0)),       # a is inactive and the signal at b negative
    ((-1.0, -3.0), "gradient", (2.0, -2.0)),  # b is inactive
    ((-1.0, -3.0), "guided", (2.0, -2.0)),
    ((-3.0, 1.0), "gradient", (0.0, 0.0)),    # nothing is active
    ((-3.0, 1.0), "deconvnet", (2.0, -2.0)),
    ((0.0, 0.0), "gradient", (0.0, 0.0)),     # at zero a ReLU counts as inactive
    ((0.0, 0.0), "guided", (0.0, 0.0)),
]
SPELLINGS = {
    "module": nn.ReLU(), "module in place": nn.ReLU(inplace=True), "F.relu": F.relu, "F.relu_": F.relu_,
    "F.relu in place": lambda x: F.relu(x, inplace=True), "torch.relu": torch.relu, "torch.relu_": torch.relu_,
    "method": Tensor.relu, "method in place": Tensor.relu_,
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("x, rule, expected", BY_HAND)
def test_by_hand(x: tuple, rule: str, expected: tuple, spelling: str):
    got = saliency.backprop(Tiny(SPELLINGS[spelling]), torch.tensor([x]), 0, rule)
    assert got.tolist() == [list(expected)]


@pytest.mark.parametrize("relu6", [nn.ReLU6(), nn.ReLU6(inplace=True), F.relu6, nn.Hardtanh(0.0, 6.0),
                                   lambda x: F.hardtanh(x, min_val=0.0, max_val=6.0)])
@pytest.mark.parametrize("x, rule, expected", [
    ((7.0, 0.0), "gradient", (0.0, 0.0)),     # a = b = 7: both are saturated
    ((7.0, 0.0), "deconvnet", (2.0, -2.0)),   # does not ask
    ((7.0, 0.0), "guided", (0.0, 0.0)),
    ((4.0, 3.0), "gradient", (2.0, -2.0)),    # a = 1 passes, b = 7 is saturated
    ((4.0, 3.0), "guided", (2.0, -2.0)),
    ((5.0, 1.0), "gradient", (2.0, -2.0)),    # b = 6 exactly counts as saturated, as in torch
])
def test_relu6_by_hand(x: tuple, rule: str, expected: tuple, relu6):
    assert saliency.backprop(Tiny(relu6), torch.tensor([x]), 0, rule).tolist() == [list(expected)]


def test_other_hardtanhs_are_no_relu():
    with pytest.raises(U3Error, match="no ReLU"):
        saliency.backprop(Tiny(nn.Hardtanh()), torch.ones(1, 2), 0, "guided")


def test_own_rule():
    """A student's own rule: the signal and where the unit was active go in, what goes down comes out."""
    got = saliency.backprop(Tiny(nn.ReLU()), torch.tensor([[1.0, 3.0]]), 0, lambda p, active: p.abs() * ~active)
    assert got.tolist() == [[2.0, -2.0]]


def test_max_pooling_sends_the_signal_to_the_winner_in_every_rule():
    net = nn.Sequential(nn.MaxPool2d(2), nn.ReLU(), nn.Flatten()).eval()
    x = torch.tensor([[[[1.0, 4.0], [3.0, 2.0]]]])
    for rule in saliency.RULES:
        assert saliency.backprop(net, x, 0, rule).flatten().tolist() == [0, 1, 0, 0]


# ---- torchvision's networks ------------------------------------------------------------------------------------------


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
    trace = saliency.record(network(name), pictures(name))
    for rule in saliency.RULES:
        ours, theirs = trace.backprop(CLASS, rule), expected_saliency(name, rule, monkeypatch)
        assert theirs.abs().max() > 0
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5 * theirs.abs().max().item())


@pytest.mark.parametrize("name", BUILDS)
def test_gradient_is_plain_autograd_exactly(name: str):
    x = pictures(name).requires_grad_()
    (expected,) = torch.autograd.grad(network(name)(x)[:, CLASS].sum(), x)
    assert torch.equal(saliency.backprop(network(name), pictures(name), CLASS), expected)


def state(net: nn.Module) -> dict:
    """All that a caller could notice. Parameters by identity and by value."""
    return {
        "values": copy.deepcopy(net.state_dict()),
        "parameters": [(name, id(p), p.requires_grad, p.grad, p._version) for name, p in net.named_parameters()],
        "modules": [(name, id(m), m.training, getattr(m, "inplace", None), len(m._forward_hooks),
                     len(m._forward_pre_hooks), len(m._backward_hooks), len(m._backward_pre_hooks), m.forward.__func__)
                    for name, m in net.named_modules()],
        "functions": [getattr(F, f) for f in ("relu", "relu_", "hardtanh", "conv2d", "linear", "batch_norm")],
    }


def same_state(a: dict, b: dict) -> bool:
    values = zip(a["values"].items(), b["values"].items(), strict=True)
    return all(k == j and torch.equal(v, w) for (k, v), (j, w) in values) and all(
        a[key] == b[key] for key in ("parameters", "modules", "functions"))


def ask_everything(net: nn.Module, x: Tensor) -> None:
    for rule in saliency.RULES:
        saliency.backprop(net, x, CLASS, rule)
    saliency.linear_approximation(net, x, CLASS)
    saliency.grad_cam(net, x, CLASS)
    saliency.smooth_grad(net, x, CLASS, samples=1)
    saliency.integrated_gradients(net, x, CLASS, steps=1)
    for ask in (saliency.lrp, saliency.excitation_backprop):
        try:
            ask(net, x, CLASS)
        except U3Error as error:  # networks with gates have no relevance rule
            assert "no relevance rule" in str(error)
    saliency.backprop(net, x, CLASS, "guided")


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
                 lambda: saliency.backprop(net, x, CLASS, lambda p, active: 1 / 0),
                 lambda: saliency.backprop(net, x[:, :1], CLASS), lambda: saliency.lrp(net, x[:, :1], CLASS),
                 lambda: saliency.excitation_backprop(net, x, CLASS, "nowhere"), lambda: saliency.lrp(net, x, 99)):
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


def test_hooks_of_the_caller_are_called_and_stay():
    net = copy.deepcopy(network("squeezenet1_0"))
    seen = []
    net.features[0].register_forward_hook(lambda module, inputs, output: seen.append(tuple(output.shape)))
    saliency.backprop(net, pictures("squeezenet1_0"), CLASS, "guided")
    assert len(seen) == 1 and len(net.features[0]._forward_hooks) == 1


def test_it_works_under_no_grad_and_leaves_the_pictures_alone():
    net, x = network("resnet18"), pictures("resnet18")
    asked = x.clone()
    with torch.no_grad():
        quiet = saliency.backprop(net, asked, CLASS, "guided")
        saliency.lrp(net, asked, CLASS)
    assert torch.equal(quiet, saliency.backprop(net, x, CLASS, "guided"))
    assert torch.equal(asked, x) and not asked.requires_grad and asked.grad is None and not quiet.requires_grad


def test_pictures_of_a_batch_do_not_see_each_other():
    net, x = case("squeezenet1_1").module, case("squeezenet1_1").x
    both = torch.cat([x, x.flip(3)])
    for rule in saliency.RULES:
        apart = [saliency.backprop(net, one, target, rule) for one, target in ((both[:1], 285), (both[1:], 504))]
        torch.testing.assert_close(saliency.backprop(net, both, [285, 504], rule), torch.cat(apart))


# ---- a kept pass -----------------------------------------------------------------------------------------------------

QUESTIONS = [(285, "gradient", None), (285, "guided", None), (504, "deconvnet", None), (285, "guided", "fire5"),
             (("fire6", 3, 4, 5), "gradient", "fire2"), (("fire6", 3, 4, 5), "deconvnet", None)]


def test_kept_pass_equals_fresh_ones_in_any_order():
    net, picture = nets.load("squeezenet1_1", device="cpu"), cat(128).float()
    fresh = [saliency.backprop(net, picture, *question) for question in QUESTIONS]
    trace = saliency.record(net, picture)
    orders = list(permutations(range(len(QUESTIONS))))[::60]
    assert len(orders) == 12
    for order in orders:
        for index in order:
            assert torch.equal(trace.backprop(*QUESTIONS[index]), fresh[index]), (order, index)


def test_layers_of_a_kept_pass():
    net, picture = nets.load("squeezenet1_1", device="cpu"), cat(128).float()
    trace = saliency.record(net, picture, ["features.3.squeeze"])
    assert set(trace.activations) == {*net.layers, "features.3.squeeze"}
    for layer, activation in trace.activations.items():
        torch.testing.assert_close(activation, net.features(picture, layer))
        assert trace.backprop(285, "guided", layer).shape == activation.shape
    torch.testing.assert_close(trace.logits, net(picture))
    with pytest.raises(U3Error, match=r"features\.4.*was not kept.*fire5"):
        trace.backprop(285, layer="features.4")


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
        rows, columns = saliency.backprop(net, picture, ("conv1", channel, 20, 30), rule)[0].sum(0).nonzero().T
        assert (rows.min(), rows.max(), columns.min(), columns.max()) == (40, 42, 60, 62)  # 3×3 with stride 2


def test_class_by_name_number_and_tensor():
    net, picture = nets.load("squeezenet1_1", device="cpu"), cat(96).float()
    expected = saliency.backprop(net, picture, 285)
    for target in ("Egyptian cat", "egyptian CAT", [285], (285,), ["Egyptian cat"], torch.tensor(285),
                   torch.tensor([285]), torch.tensor([285]).numpy()[0]):
        assert torch.equal(saliency.backprop(net, picture, target), expected), target
    assert torch.equal(saliency.backprop(net, picture, net(picture).argmax()),
                       saliency.backprop(net, picture, int(net(picture).argmax())))


def test_pictures_in_double_precision():
    """NumPy makes float64; the network computes in its own precision."""
    net = nets.load("squeezenet1_1", device="cpu")
    single = saliency.backprop(net, cat(96).float(), 285)
    torch.testing.assert_close(saliency.backprop(net, cat(96), 285).float(), single)
