"""The encoder Φ of chapter 2, the same for all pretext tasks so that they can be compared; and smaller ones.

The networks of the papers are AlexNets with five convolutions; ``encoder`` has five too and is as small as pictures of
64 pixels ask. The others are for mutual information of digits and of textures; two keep each pixel, one of them a
U-Net. The same seed gives the same weights.
"""

from collections import OrderedDict
from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.checks import is_a, whole
from u3lab.nets import Classifier
from u3lab.nets.checkpoints import conv_block

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5")
WIDTHS, STRIDES = (1, 2, 4, 4, 4), (2, 2, 1, 2, 1)  # times the width of the first; together they shrink by 8
KERNELS = (5, 3, 3, 3, 3)
GREY, SPREAD = 0.5, 0.25
WINDOW = 7  # places of four pixels


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


def digit_encoder(width: int = 24, *, seed: int = 0) -> Classifier:
    """For grey pictures of 28 pixels: (B,3,H,W) → maps (B,4·width,H/8,W/8), each of three layers halving the sides."""
    width = whole("width", width, 1, 1024)
    return built(lambda: {"conv1": conv_block(1, width, 5, 2), "conv2": conv_block(width, 2 * width, 3, 2),
                          "conv3": conv_block(2 * width, 4 * width, 3, 2)}, seed, size=28, mean=0.0, std=1.0)


def texture_encoder(width: int = 16, *, colour: bool = False, seed: int = 0) -> Classifier:
    """For pictures of textures: (B,3,H,W) → maps (B,2·width,H/8,W/8); it sees only grey, or ``colour`` too.

    Features are meaned over windows of 28 pixels a side, since a texture is what is frequent in a window as wide as its
    period.
    """
    width = whole("width", width, 1, 256)
    is_a("colour", colour, bool, "give True or False")
    mean = nn.AvgPool2d(WINDOW, 2, WINDOW // 2, count_include_pad=False)
    return built(lambda: {"conv1": conv_block(3 if colour else 1, width, 8, 4, padding=2, mirrored=True),
                          "conv2": conv_block(width, 2 * width, mirrored=True),
                          "window": nn.Sequential(mean, *conv_block(2 * width, 2 * width, 1))},
                 seed, size=96, colour=colour)


def pixel_encoder(width: int = 16, *, seed: int = 0) -> Classifier:
    """For tissues: (B,3,H,W) → maps (B,width,H,W), a place for each pixel, made from 15×15 grey values around it."""
    width = whole("width", width, 1, 256)
    return built(lambda: {f"conv{n + 1}": conv_block(width if n else 1, width, dilation=2**n, mirrored=True)
                          for n in range(3)}, seed, size=48)


def unet(width: int = 8, *, seed: int = 0) -> Classifier:
    """A U-Net, which sees far and keeps each pixel: (B,3,H,W) → maps (B,width,H,W), of 16 pixels or more.

    Pictures go on by reflection beyond their border, so that zeros do not tell where in the picture something is.
    Ronneberger, Fischer & Brox, U-Net: convolutional networks for biomedical image segmentation, MICCAI 2015.
    """
    width = whole("width", width, 1, 128)
    return built(lambda: {"unet": UNet([width, 2 * width, 4 * width, 8 * width])}, seed, size=96, colour=True)


class UNet(nn.Module):
    """Scales of these widths: down by max-pooling, and up again with what was there at the same scale."""

    def __init__(self, widths: list[int], channels: int = 3) -> None:
        super().__init__()
        self.down = nn.ModuleList([_twice(before, after) for before, after in pairwise([channels, *widths])])
        self.up = nn.ModuleList([_twice(fine + coarse, fine) for fine, coarse in pairwise(widths)])

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for level, layers in enumerate(self.down):
            x = layers(F.max_pool2d(x, 2) if level else x)
            kept.append(x)
        for layers, fine in zip(reversed(self.up), reversed(kept[:-1]), strict=True):
            x = layers(torch.cat([fine, F.interpolate(x, fine.shape[2:], mode="bilinear", align_corners=False)], 1))
        return x


def _twice(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(conv_block(before, after, mirrored=True), conv_block(after, after, mirrored=True))
