"""LRP and excitation backpropagation against slow, explicit loops, the sums of the papers term by term, and by hand
through each building block of networks.
"""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.helpers import built, case, cat, fused, lin, mixed, refuses, relative
from u3lab import nets, saliency

EPSILON = 1e-6


def by_loops(layer: nn.Linear, x: list[float], r: list[float], rule: str, alpha=2.0, beta=1.0, epsilon=EPSILON) -> list:
    """Relevance of each input j: a sum over outputs i of a share that a plain quotient gives."""
    w, b = layer.weight.tolist(), layer.bias.tolist()
    result = [0.0] * len(x)
    for i in range(len(w)):
        terms = [x[j] * w[i][j] for j in range(len(x))]
        above, below = sum(t for t in [*terms, b[i]] if t > 0), sum(t for t in [*terms, b[i]] if t < 0)
        z = sum(terms) + b[i]
        excited = sum(max(x[j], 0) * max(w[i][j], 0) for j in range(len(x)))
        for j, term in enumerate(terms):
            if rule == "epsilon":
                result[j] += term / (z + (epsilon if z >= 0 else -epsilon)) * r[i]
            elif rule == "excitation":
                result[j] += max(x[j], 0) * max(w[i][j], 0) / excited * r[i] if excited else 0
            elif term > 0:
                result[j] += alpha * term / (above + epsilon) * r[i]
            elif term < 0:
                result[j] -= beta * term / (below - epsilon) * r[i]
    return result


RULES = [("epsilon", {}), ("epsilon", {"epsilon": 0.5}), ("z_plus", {"alpha": 1.0, "beta": 0.0}), ("alpha_beta", {}),
         ("alpha_beta", {"alpha": 1.5, "beta": 0.5}), ("alpha_beta", {"alpha": 3.0, "beta": 2.0, "epsilon": 0.01})]


@pytest.mark.parametrize("rule, options", RULES)
@pytest.mark.parametrize("seed", range(3))
def test_lrp_on_two_dense_layers(rule: str, options: dict, seed: int):
    first, last = mixed(5, 4, seed), mixed(4, 3, seed + 10)
    x = torch.randn(1, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))  # of either sign
    hidden = first(x).relu()
    score = last(hidden)[0, 1].item()
    middle = by_loops(last, hidden[0].tolist(), [0, score, 0], rule, **options)
    expected = by_loops(first, x[0].tolist(), middle, rule, **options)
    given = {k: v for k, v in options.items() if rule != "z_plus"}
    net = nn.Sequential(first, nn.ReLU(), last).eval()
    for layer, wanted in ((None, expected), ("1", middle)):
        got = saliency.lrp(net, x, 1, rule=rule, layer=layer, **given)
        torch.testing.assert_close(got, torch.tensor([wanted], dtype=torch.float64))


@pytest.mark.parametrize("seed", range(3))
def test_contrastive_excitation_on_two_dense_layers(seed: int):
    first, last = mixed(5, 6, seed), mixed(6, 3, seed + 10)
    x = torch.rand(1, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    hidden = first(x).relu()[0].tolist()
    against = copy.deepcopy(last)
    against.weight.data.neg_()
    pro, contra = (by_loops(layer, hidden, [0, 1, 0], "excitation") for layer in (last, against))
    signed = by_loops(first, x[0].tolist(), [a - b for a, b in zip(pro, contra, strict=True)], "excitation")
    net = nn.Sequential(first, nn.ReLU(), last).eval()
    got = saliency.excitation_backprop(net, x, 1, contrastive=True)
    torch.testing.assert_close(got[0], torch.tensor(signed, dtype=torch.float64).clamp(min=0))


class Block(nn.Module):
    """score = Σ relu(a + b), with a = −x and b = 3x, summed in one of the ways that networks write it."""

    def __init__(self, add) -> None:
        super().__init__()
        self.a, self.b, self.add = nn.Conv2d(1, 1, 1, bias=False), nn.Conv2d(1, 1, 1, bias=False), add
        self.a.weight.data.fill_(-1)
        self.b.weight.data.fill_(3)
        self.double().eval()

    def forward(self, x: Tensor) -> Tensor:
        return self.add(self.a(x), self.b(x)).relu().flatten(1)


def in_place(a: Tensor, b: Tensor) -> Tensor:
    a += b
    return a


SUMS = {"+": lambda a, b: a + b, "+=": in_place, "torch.add": torch.add, "add_": lambda a, b: a.add_(b),
        "method": lambda a, b: a.add(b)}


@pytest.mark.parametrize("add", SUMS.values(), ids=SUMS)
def test_sums_of_branches(add):
    """x = 2: a = −2, b = 6, r = 4. The branches get a/(a + b) = −½ and 3/2 of it; nothing excites a any further."""
    net, x = Block(add), torch.full((1, 1, 1, 1), 2.0, dtype=torch.float64)
    assert net(x).item() == 4
    assert saliency.lrp(net, x, 0, layer="a").item() == pytest.approx(-2, rel=1e-5)
    assert saliency.lrp(net, x, 0, layer="b").item() == pytest.approx(6, rel=1e-5)
    assert saliency.lrp(net, x, 0).item() == pytest.approx(4, rel=1e-5)
    assert saliency.excitation_backprop(net, x, 0, layer="a").item() == pytest.approx(-0.5, rel=1e-5)
    assert saliency.excitation_backprop(net, x, 0, layer="b").item() == pytest.approx(1.5, rel=1e-5)
    assert saliency.excitation_backprop(net, x, 0).item() == pytest.approx(1.5, rel=1e-5)


@pytest.mark.parametrize("average", [nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Sequential()])
def test_averages_share_in_proportion(average: nn.Module):
    class Net(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y = average(x)
            return y.flatten(1) if len(y[0, 0]) == 1 else y.mean([2, 3])

    x = torch.tensor([[[[1.0, 3.0], [4.0, 0.0]]]], dtype=torch.float64)
    for rule in ("epsilon", "alpha_beta", "z_plus"):
        torch.testing.assert_close(saliency.lrp(Net().eval(), x, 0, rule=rule), x / 4, rtol=1e-5, atol=1e-9)
    torch.testing.assert_close(saliency.excitation_backprop(Net().eval(), x, 0), x / 8)


@pytest.mark.parametrize("rule", ["epsilon", "alpha_beta", "z_plus"])
@pytest.mark.parametrize("name", ["resnet18", "vgg11_bn"])
def test_a_convolution_and_its_batch_norm_are_one_layer(name: str, rule: str):
    module, x, target, middle, _ = case(name)
    for layer in (None, middle):
        assert relative(saliency.lrp(module, x, target, rule=rule, layer=layer),
                        saliency.lrp(fused(module), x, target, rule=rule, layer=layer)) < 1e-7


def test_a_lone_batch_norm_is_a_linear_layer():
    """γ/√(v + eps)·x + (β − mean·γ/√(v + eps)), one weight and one bias for each channel."""
    norm = nn.BatchNorm2d(2, eps=0.0).double()
    norm.running_mean.copy_(torch.tensor([1.0, -1.0]))
    norm.running_var.copy_(torch.tensor([4.0, 0.25]))
    norm.weight.data = torch.tensor([2.0, -0.5], dtype=torch.float64)
    norm.bias.data = torch.tensor([0.5, 1.0], dtype=torch.float64)
    top = mixed(2, 2, 0)
    x = torch.tensor([3.0, 2.0], dtype=torch.float64).view(1, 2, 1, 1)
    same = nn.Sequential(nn.Flatten(), lin([[1.0, 0.0], [0.0, -1.0]], [-0.5, 0.0]), nn.ReLU(), top).eval()
    net = nn.Sequential(norm, nn.ReLU(), nn.Flatten(), top).eval()
    torch.testing.assert_close(net(x), same(x))
    for rule in ("epsilon", "alpha_beta"):
        torch.testing.assert_close(saliency.lrp(net, x, 1, rule=rule), saliency.lrp(same, x, 1, rule=rule))


def test_a_layer_that_is_used_twice():
    """Hooks on modules would confuse its two calls; relevance is sent down each call by itself."""
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.top = mixed(4, 4, 0), mixed(4, 2, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.top(F.relu(self.layer(F.relu(self.layer(x)))))

    net = Twice().eval()
    apart = nn.Sequential(net.layer, nn.ReLU(), copy.deepcopy(net.layer), nn.ReLU(), net.top).eval()
    x = torch.rand(1, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for rule in ("epsilon", "alpha_beta"):
        torch.testing.assert_close(saliency.lrp(net, x, 0, rule=rule), saliency.lrp(apart, x, 0, rule=rule))
    torch.testing.assert_close(saliency.excitation_backprop(net, x, 0), saliency.excitation_backprop(apart, x, 0))


def test_relevance_of_a_neuron_stays_in_its_receptive_field():
    net, picture = nets.load("squeezenet1_1", device="cpu"), cat(128).float()
    channel = net.features(picture, "conv1")[0, :, 20, 30].argmax().item()
    value = net.features(picture, "conv1")[0, channel, 20, 30].item()
    r = saliency.lrp(net, picture, ("conv1", channel, 20, 30))
    rows, columns = r[0].abs().sum(0).nonzero().T
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (40, 42, 60, 62)
    bias = net.module.features[0].bias[channel].item()
    assert r.sum().item() == pytest.approx(value - bias, rel=1e-3)


@pytest.mark.parametrize("name", ["densenet121", "googlenet", "shufflenet_v2_x0_5", "mobilenet_v2", "mnasnet0_5"])
def test_other_networks_give_finite_maps(name: str):
    from torchvision import models

    options = {"init_weights": False, "aux_logits": False} if name == "googlenet" else {}
    net, x = built(lambda: getattr(models, name)(num_classes=10, **options)), cat(64).float()
    for rule in ("epsilon", "alpha_beta", "z_plus"):
        assert saliency.lrp(net, x, 3, rule=rule).isfinite().all()
    p = saliency.excitation_backprop(net, x, 3)
    assert p.min() >= 0 and 0 < p.sum() <= 1 + 1e-4


@pytest.mark.parametrize("gate", [nn.SiLU(True), nn.Hardswish(True), nn.Sigmoid(), nn.GELU()])
def test_functions_without_a_rule_are_named(gate: nn.Module):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), gate, nn.Flatten(), nn.Linear(4 * 36, 2)).eval()
    for ask in (saliency.lrp, saliency.excitation_backprop):
        refuses(ask, net, cat(8).float(), 0, says=f"no relevance rule is known for '{type(gate).__name__.lower()}")
