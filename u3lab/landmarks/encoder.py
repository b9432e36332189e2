"""The labeller Φ: pictures → maps with a code for every second pixel each way.

The network of the NIPS 2017 paper is as small. What matters in it:

- A code has to see enough of the picture to know the part: here 100 pixels each way. With 25 nothing is learnt.
- Borders are mirrored. Zeros around the picture would tell a network where a pixel is in the *picture*, and codes
  of the place in the picture are a shortcut as long as things move little.
- Cells lie evenly: a cell's centre is that of the pixels it is made from, so that a point is where it seems to be.
- Codes are of a bounded length. Left alone they grow and grow, p becomes a single place, and where that is the wrong
  one no gradient is left to say so: the training stands still. LONGEST is enough to tell neighbouring cells apart.
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.checks import number, whole
from u3lab.errors import U3Error
from u3lab.nets import Classifier
from u3lab.nets.blocks import conv_block

DILATIONS = (1, 1, 2, 4, 2)
GAIN = 4.0  # makes codes longer from the start: p, a softmax of products of two of them, is nearly flat without it
LONGEST = 4.0  # two codes that long: exp(16 cos θ) falls to its half at 17°, on a face some two cells
GREY, SPREAD = 0.5, 0.25
MULTIPLE = 4  # of pixels: what the trunk's cells are made from
_layer = partial(conv_block, kaiming=True, mirrored=True)


def labeller(width: int = 32, dimensions: int = 3, *, longest: float | None = LONGEST, seed: int = 0) -> Classifier:
    """A fresh labeller: pictures (B,3,H,W) in [0,1] → codes (B,dimensions,H/2,W/2), shorter than ``longest``.

    H and W are multiples of 4, from 20 on. With ``dimensions`` = K and without a ``longest`` its maps will also do as
    the K heat maps of sparse landmarks. The same seed gives the same weights.
    """
    width, dimensions = whole("width", width, 2, 256), whole("dimensions", dimensions, 1, 256)
    longest = None if longest is None else number("longest", longest, 0, 1e6, without_low=True)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(whole("seed", seed, 0))
        network = Labeller(width, dimensions, longest)
    layers = ("conv1", "conv2", *(f"trunk.{n}" for n in range(len(DILATIONS))), "joined", "codes")
    return Classifier(network.eval(), layers={layer.replace("trunk.", "trunk"): layer for layer in layers},
                      mean=(GREY,), std=(SPREAD,), size=64, name="the labeller", memory_format=torch.channels_last)


class Labeller(nn.Module):
    """Two layers that halve the sides, a trunk with holes in its kernels, and a skip from the first layer."""

    def __init__(self, width: int, dimensions: int, longest: float | None) -> None:
        super().__init__()
        self.longest = longest
        # Kernels of even size, so that a cell is the middle of its pixels.
        self.conv1 = _layer(3, width // 2, 6, 2, padding=2)
        self.conv2 = _layer(width // 2, width, 4, 2, padding=1)
        self.trunk = nn.Sequential(*(_layer(width, width, dilation=apart) for apart in DILATIONS))
        self.joined = _layer(width + width // 2, width)
        self.codes = nn.Conv2d(width, dimensions, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Normalised pictures (B,3,H,W) → codes (B,D,H/2,W/2)."""
        if x.shape[2] % MULTIPLE or x.shape[3] % MULTIPLE:
            raise U3Error(f"the labeller takes pictures whose sides are multiples of {MULTIPLE} pixels, these have "
                          f"{x.shape[2]}×{x.shape[3]}; crop or resize them")
        fine = self.conv1(x)
        coarse = self.trunk(self.conv2(fine))
        coarse = F.interpolate(coarse, fine.shape[2:], mode="bilinear", align_corners=False)
        codes = GAIN * self.codes(self.joined(torch.cat([coarse, fine], 1)))
        if self.longest is None:
            return codes
        return codes / (1 + codes.square().sum(1, keepdim=True) / self.longest**2).sqrt()
