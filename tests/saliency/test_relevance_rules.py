"""LRP and excitation backpropagation against slow, explicit loops: the sums of the papers, term by term."""

import copy

import pytest
import torch
from torch import nn

from tests.helpers import case, cat, lin, mixed, relative
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
def test_excitation_on_two_dense_layers(seed: int):
    first, last = mixed(5, 4, seed), mixed(4, 3, seed + 10)
    x = torch.randn(1, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    hidden = first(x).relu()
    middle = by_loops(last, hidden[0].tolist(), [0, 1, 0], "excitation")
    expected = by_loops(first, x[0].tolist(), middle, "excitation")
    net = nn.Sequential(first, nn.ReLU(), last).eval()
    torch.testing.assert_close(saliency.excitation_backprop(net, x, 1)[0], torch.tensor(expected, dtype=torch.float64))


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


@pytest.mark.parametrize("options", [{"stride": 2, "padding": 1}, {"dilation": 2}, {"groups": 2, "padding": 2}])
@pytest.mark.parametrize("rule", ["epsilon", "alpha_beta"])
def test_a_convolution_is_a_large_dense_layer(options: dict, rule: str):
    """Its matrix is read off from the pictures of single pixels."""
    torch.manual_seed(0)
    conv = nn.Conv2d(2, 4, 3, **options).double()
    x = torch.randn(1, 2, 6, 6, dtype=torch.float64)
    zero = conv(torch.zeros_like(x)).flatten()
    pixels = torch.eye(72, dtype=torch.float64).view(72, 2, 6, 6)
    dense = lin((conv(pixels).flatten(1) - zero).T.tolist(), zero.tolist())
    top = mixed(len(zero), 3, 5)
    as_conv = nn.Sequential(conv, nn.ReLU(), nn.Flatten(), top).eval()
    as_dense = nn.Sequential(nn.Flatten(), dense, nn.ReLU(), top).eval()
    assert relative(saliency.lrp(as_conv, x, 2, rule=rule), saliency.lrp(as_dense, x, 2, rule=rule)) < 1e-8
    assert relative(saliency.excitation_backprop(as_conv, x, 2), saliency.excitation_backprop(as_dense, x, 2)) < 1e-8


@pytest.mark.parametrize("name", ["squeezenet1_1", "vgg11", "vgg11_bn", "resnet18"])
def test_epsilon_rule_with_tiny_epsilon_is_the_modulated_gradient(name: str):
    """In a piece-wise linear network the quotients chain and cancel: r = x · dS/dx, biases or not."""
    module, x, target, middle, _ = case(name)
    for layer in (None, middle):
        assert relative(saliency.lrp(module, x, target, layer=layer, epsilon=1e-13),
                        saliency.modulated_gradient(module, x, target, layer=layer)) < 1e-6


@pytest.mark.parametrize("name", ["squeezenet1_1", "vgg11", "resnet18"])
def test_excitation_adds_up_to_one(name: str):
    module, x, target, middle, late = case(name)
    for layer in (middle, late):
        p = saliency.excitation_backprop(module, x, target, layer=layer)
        assert p.sum().item() == pytest.approx(1, abs=1e-6)
        assert p.min() >= (-1e-3 if name == "resnet18" else 0)  # a branch may oppose its sum
    contrast = saliency.excitation_backprop(module, x, target, layer=middle, contrastive=True)
    assert contrast.min() >= 0 and 0 < contrast.sum().item() < 1


@pytest.mark.parametrize("layer", ["fire5", "conv1"])
def test_excitation_of_a_neuron_adds_up_to_one(layer: str):
    net = nets.load("squeezenet1_1", device="cpu")
    p = saliency.excitation_backprop(net, cat().float(), ("fire9", 3, 2, 2), layer=layer)
    assert p.min() >= 0 and p.sum().item() == pytest.approx(1, abs=1e-4)
