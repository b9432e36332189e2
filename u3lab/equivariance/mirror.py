"""The flip identity: where equivariance is exact, whatever the filters are.

    φ(flip x; W) = flip φ(x; flip W)

for a convolutional network with filters W, provided that its grid lies in the middle of the picture. SqueezeNet's
strides place it there for pictures of 223 pixels but not of 227; EfficientNet-Lite0's for 225 and not for 224.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from u3lab.errors import U3Error
from u3lab.nets import Classifier, ready
from u3lab.nets.surgery import before_relu


def mirrored(net: nn.Module) -> Classifier:
    """A copy of a network whose filters are all flipped from left to right."""
    twin = copy.deepcopy(ready(net))
    for layer in twin.modules():
        if isinstance(layer, (nn.Conv2d, nn.Conv3d)):
            layer.weight.data = mirrored_filters(layer.weight.data)
    return twin


def mirrored_filters(filters: Tensor) -> Tensor:
    """Filters (O,C,k,k) flipped from left to right: conv(flip x; W) = flip conv(x; flip W)."""
    return filters.flip(-1)


def centred_size(net: nn.Module, layer: str) -> int:
    """The size nearest to what the network was trained with at which its layer's grid lies in the middle.

    Flips and quarter turns then permute the layer's sites exactly.
    """
    net, twin = ready(net), mirrored(net)
    usual = max(net.sides)
    for size in sorted(range(max(usual - 32, 1), usual + 33), key=lambda size: abs(size - usual)):
        x = torch.rand(1, net.channels, *[size] * net.axes, generator=torch.Generator().manual_seed(0))
        a, b = before_relu(net, layer, x.flip(-1))[0], before_relu(twin, layer, x)[0].flip(-1)
        if (a - b).abs().max() <= 1e-3 * a.abs().max():
            return size
    raise U3Error(f"no size near {usual} centres the grid of {layer!r} of {net.name}; choose an earlier layer, or "
                  "let a neighbourhood of 3 make up for the shift")
