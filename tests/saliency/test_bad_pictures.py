"""One slip a test: pictures that are none, and networks that are not ready or have no ReLU."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from tests.saliency.networks import METHODS, built, cat, resnet18, slip, squeezenet
from u3lab import saliency

# ---- pictures --------------------------------------------------------------------------------------------------------


def test_nan(net, picture, method):
    picture = picture.clone()
    picture[0, 1, 20, 30] = float("nan")
    with slip("NaN"):
        method(net, picture, 285)


def test_infinity(net, picture):
    picture = picture.clone()
    picture[0, 1, 20, 30] = float("inf")
    with slip("infinite"):
        saliency.backprop(net, picture, 285)


def test_empty_batch(net, picture, method):
    with slip("empty", "at least one"):
        method(net, picture[:0], 285)


def test_grey_picture(net, picture, method):
    with slip("shape", "grey", "RGB", "expand"):
        method(net, picture[:, :1], 285)


def test_picture_in_0_to_255(net, picture, method):
    with slip(r"\[0,1\]", "divide by 255"):
        method(net, picture * 255, 285)


def test_whole_numbers(net, picture, method):
    with slip("uint8", "floats"):
        method(net, (picture * 255).byte(), 285)


def test_normalised_picture(net, picture, method):
    with slip(r"\[0,1\]", "normalised"):
        method(net, net.normalise(picture), 285)


def test_picture_without_batch_axis(net, picture, method):
    with slip("shape", r"x\[None\]"):
        method(net, picture[0], 285)


@pytest.mark.parametrize("given", [None, "chelsea", [[0.5]]])
def test_no_tensor(net, method, given):
    with slip(type(given).__name__, r"images\.load"):
        method(net, given, 285)


def test_array(net, picture, method):
    with slip("ndarray", r"images\.load"):
        method(net, picture.numpy(), 285)


@pytest.mark.parametrize("side", [1, 8])
def test_picture_too_small(net, picture, method, side):
    with slip(f"{side}×{side} pixels are too few for squeezenet1_1", "64×64", "227×227"):
        method(net, picture[..., :side, :side], 285)


# ---- networks --------------------------------------------------------------------------------------------------------


def test_network_in_training_mode(picture, method):
    net = copy.deepcopy(squeezenet()).train()
    with slip("training mode", r"eval\(\)"):
        method(net, picture, 285)
    assert net.training and net.module.training


def test_bare_network_in_training_mode(method):
    net = copy.deepcopy(built(resnet18)).train()
    before = net.bn1.running_mean.clone()
    with slip("training mode", r"eval\(\)"):
        method(net, cat(64).float(), 3)
    assert torch.equal(net.bn1.running_mean, before)


def test_one_layer_in_training_mode():
    """It alone makes the answer random, and a batch norm would even learn from it."""
    net = copy.deepcopy(built(resnet18))
    net.layer2[0].bn1.train()
    for ask in METHODS.values():
        with slip("training mode", r"eval\(\)"):
            ask(net, cat(64).float(), 3)
        assert net.layer2[0].bn1.training and not net.training  # and asking does not change it


def without_relu() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.SiLU(), nn.Flatten(), nn.Linear(4 * 36, 5)).eval()


@pytest.mark.parametrize("rule", ["guided", "deconvnet"])
def test_network_without_relu(rule):
    with slip("no ReLU", rule, "gradient"):
        saliency.backprop(without_relu(), cat(8).float(), 2, rule=rule)


def test_network_without_relu_has_a_gradient():
    assert saliency.backprop(without_relu(), cat(8).float(), 2).abs().max() > 0


def test_efficientnet_of_torchvision():
    """SiLU, gates and all: the true derivatives work, the rules say why they do not."""
    from torchvision import models

    net, x = built(lambda: models.efficientnet_b0(num_classes=10)), cat(64).float()
    with slip("no ReLU"):
        saliency.backprop(net, x, 3, rule="guided")
    with slip("no relevance rule", "silu", "linear_approximation"):
        saliency.lrp(net, x, 3)
    with slip("no relevance rule", "silu"):
        saliency.excitation_backprop(net, x, 3)
    assert saliency.linear_approximation(net, x, 3).isfinite().all()
