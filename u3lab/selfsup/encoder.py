"""The encoder Φ of chapter 2, the same for all tasks so that they can be compared: five convolutions.

The networks of the papers are AlexNets with five convolutions too; this one is as small as pictures of 64 pixels ask.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor, nn

from u3lab.checks import whole
from u3lab.nets import Classifier
from u3lab.nets.checkpoints import conv_block

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5")
WIDTHS, STRIDES = (1, 2, 4, 4, 4), (2, 2, 1, 2, 1)  # times the width of the first; together they shrink by 8
KERNELS = (5, 3, 3, 3, 3)
GREY, SPREAD = 0.5, 0.25


def encoder(width: int = 32, *, seed: int = 0) -> Classifier:
    """A fresh encoder: pictures (B,3,H,W) in [0,1] → maps (B,4·width,H/8,W/8), and the layers of ``LAYERS`` before.

    Each layer is a convolution, a batch norm and a ReLU. The same seed gives the same weights.
    """
    width = whole("width", width, 1, 256)
    widths = [times * width for times in WIDTHS]
    return built(lambda: {layer: conv_block(*plan, kaiming=True) for layer, *plan in
                          zip(LAYERS, (3, *widths[:-1]), widths, KERNELS, STRIDES, strict=True)},
                 seed, size=64, colour=True)


def built(made: Callable[[], dict[str, nn.Module]], seed: int, *, size: int, colour: bool = False, mean: float = GREY,
          std: float = SPREAD) -> Classifier:
    """An encoder of the layers that ``made`` draws by a seed; without ``colour`` it sees the mean of the colours."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(whole("seed", seed, 0))
        layers = made()
    blocks = nn.Sequential(OrderedDict(layers if colour else {"grey": Grey(), **layers}))
    return Classifier(blocks.eval(), layers={name: name for name in layers}, mean=(mean,), std=(std,), size=size,
                      channels=3, name="the encoder", memory_format=torch.channels_last)


class Grey(nn.Module):
    """Normalised pictures (B,3,H,W) → the mean of their colours, (B,1,H,W)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(1, keepdim=True)
