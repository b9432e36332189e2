"""The encoder Φ of chapter 2, the same for all tasks so that they can be compared: five convolutions.

The networks of the papers are AlexNets with five convolutions too; this one is as small as pictures of 64 pixels ask.
"""

from __future__ import annotations

import torch
from torch import nn

from u3lab.checks import whole
from u3lab.nets import Classifier
from u3lab.nets.blocks import conv_block

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5")
WIDTHS, STRIDES = (1, 2, 4, 4, 4), (2, 2, 1, 2, 1)  # times the width of the first; together they shrink by 8
KERNELS = (5, 3, 3, 3, 3)
GREY, SPREAD = 0.5, 0.25


def encoder(width: int = 32, *, seed: int = 0) -> Classifier:
    """A fresh encoder: pictures (B,3,H,W) in [0,1] → maps (B,4·width,H/8,W/8), and the layers of ``LAYERS`` before.

    Each layer is a convolution, a batch norm and a ReLU. The same seed gives the same weights.
    """
    width = whole("width", width, 1, 256)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(whole("seed", seed, 0))
        blocks, before = nn.Sequential(), 3
        for layer, times, stride, kernel in zip(LAYERS, WIDTHS, STRIDES, KERNELS, strict=True):
            blocks.add_module(layer, conv_block(before, before := times * width, kernel, stride, kaiming=True))
    return Classifier(blocks.eval(), layers={layer: layer for layer in LAYERS}, mean=(GREY,), std=(SPREAD,), size=64,
                      name="the encoder", memory_format=torch.channels_last)
