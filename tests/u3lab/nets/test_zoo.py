"""Where the networks' weights come from, and that what is done to them at load changes nothing."""

import pytest
import timm
import torch

from u3lab import images, nets
from u3lab.nets import registry, weights

PACKAGED = [name for name, network in registry.OWN.items() if network.package]


@pytest.mark.parametrize("name", PACKAGED)
def test_efficientnet_with_its_norms_folded_is_the_same_network(name: str):
    """Its batch norms join its convolutions at load; timm's own network with the same weights agrees."""
    plain = timm.create_model(f"tf_{name}", pretrained=False).eval()
    stored = torch.load(weights.installed(name), weights_only=True)
    plain.load_state_dict(dict(zip(plain.state_dict(), stored.values(), strict=True)))
    net = nets.load(name, device="cpu")
    x = images.load("dog", size=net.size)
    with torch.no_grad():
        wanted, got = plain(net.normalise(x)), net(x)
    assert (got - wanted).abs().max() < 1e-4 * wanted.abs().max()


@pytest.mark.parametrize("name", PACKAGED)
def test_its_norms_stay_where_they_are_asked_to(name: str):
    folded, whole = nets.load(name, device="cpu"), nets.load(name, device="cpu", fold=False)
    norms = [[m for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)] for net in (folded, whole)]
    assert not norms[0] and len(norms[1]) > 40 and folded.layers == whole.layers
    x = images.load("dog", size=96)
    for layer in ("stem", "stage4", "head"):
        wanted = whole.features(x, layer)
        assert (folded.features(x, layer) - wanted).abs().max() < 1e-4 * wanted.abs().max()
