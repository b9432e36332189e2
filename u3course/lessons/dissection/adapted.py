"""A unit before and after adaptation: adapters switched on layer by layer, and how alike the unit's maps are.

SqueezeNet has an adapter beside conv1 and beside the 3×3 filters of each fire module. What such a module gives is made
of two halves: the units behind its 1×1 filters, which have no adapter, and those behind its 3×3 filters.
"""

import copy
from collections.abc import Collection

import torch
from torch import Tensor

from u3lab.nets import Classifier
from u3lab.universal import Adapted

LAYERS = ("conv1", *(f"fire{k}" for k in range(2, 10)))  # those with an adapter, from the picture up


def switched(net: Adapted, domain: str, on: Collection[str]) -> Adapted:
    """Copy an adapted network with α = 0 in all layers of a domain but those that are ``on``; the domain is in use."""
    net = copy.deepcopy(net).use(domain)
    for layer, adapter in zip(LAYERS, net.domain(domain).adapters(), strict=True):
        if layer not in on:
            for alpha in adapter.parameters():
                alpha.requires_grad_(False).zero_()
    return net


def maps(net: Classifier, layer: str, images: Tensor) -> Tensor:
    """Compute what a layer's units give at all places of pictures (B,3,H,W) in [0,1]: (U,B,H,W), on the CPU."""
    with torch.no_grad():
        return torch.cat([net.features(part.to(net.device), layer).cpu() for part in images.split(50)]).transpose(0, 1)


def alike(a: Tensor, b: Tensor) -> Tensor:
    """Correlate each unit's maps a, b (U,B,H,W) over pictures and places: (U); NaN where one of them is constant."""
    exact = {"dim": 1, "dtype": torch.float64}  # a map has a million places
    a, b = (one.flatten(1) - one.flatten(1).mean(keepdim=True, **exact) for one in (a, b))
    return (a * b).sum(1) / (a.square().sum(1) * b.square().sum(1)).sqrt()
