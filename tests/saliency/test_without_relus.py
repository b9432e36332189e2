"""Networks without ReLUs: what can be asked of them, and what is refused."""

import pytest
from torch import nn

from tests.helpers import built, cat, refuses
from u3lab import saliency


def without_relu() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.SiLU(), nn.Flatten(), nn.Linear(4 * 36, 5)).eval()


@pytest.mark.parametrize("rule", ["guided", "deconvnet"])
def test_network_without_relu(rule):
    refuses(saliency.backprop, without_relu(), cat(8).float(), 2, rule=rule, says=("no ReLU", rule, "gradient"))


def test_network_without_relu_has_a_gradient():
    assert saliency.backprop(without_relu(), cat(8).float(), 2).abs().max() > 0


def test_efficientnet_of_torchvision():
    """SiLU, gates and all: the true derivatives work, the rules say why they do not."""
    from torchvision import models

    net, x = built(lambda: models.efficientnet_b0(num_classes=10)), cat(64).float()
    refuses(saliency.backprop, net, x, 3, rule="guided", says="no ReLU")
    refuses(saliency.lrp, net, x, 3, says=("no relevance rule", "silu", "modulated_gradient"))
    refuses(saliency.excitation_backprop, net, x, 3, says=("no relevance rule", "silu"))
    assert saliency.modulated_gradient(net, x, 3).isfinite().all()
