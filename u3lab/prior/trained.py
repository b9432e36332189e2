"""The other side: the same shape of network, *trained* on pictures, to complete them or to take noise away.

A context encoder is trained on pictures with holes (Pathak et al., Context encoders, CVPR 2016; Iizuka et al. 2017
add two adversaries, which look at the whole and at the hole). A denoiser is trained on pictures with noise. Both then
answer in one pass, from what they have seen. The deep image prior has seen nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from u3lab import images as _images
from u3lab.checks import room, whole
from u3lab.errors import U3Error
from u3lab.nets import checkpoints
from u3lab.prior.generators import hourglass
from u3lab.prior.tasks import laid_on

SIDE = 128  # pixels, of the pictures that they are trained on
GRAINS = (0.0, 1.0, 2.0)  # σ in pixels of the blur that makes grains of noise: single pixels to strokes of a pen
WIDTHS = (24, 48, 64, 64, 64)


class Restorer(nn.Module):
    """An hourglass with skips that takes a corrupted picture (B,inputs,H,W) and gives a whole one, (B,3,H,W) in (0,1).

    H and W are multiples of 2^scales, from twice that on.
    """

    def __init__(self, inputs: int, scales: int) -> None:
        super().__init__()
        self.body = hourglass(inputs, WIDTHS[:scales], skip=16, upsample="nearest")
        self.colour, self.scales = nn.Conv2d(WIDTHS[0], 3, 1), scales

    def forward(self, x: Tensor) -> Tensor:
        self.check(*x.shape[-2:])
        return torch.sigmoid(self.colour(self.body(x)))

    def check(self, height: int, width: int) -> None:
        """Refuse sides that do not halve evenly."""
        step = 2**self.scales
        if any(side % step or side < 2 * step for side in (height, width)):
            raise U3Error(f"{height}×{width} pixels: this network takes sides that are multiples of {step} from "
                          f"{2 * step} on; load the picture with size=128")


def inpainter() -> Restorer:
    """The untrained network of :func:`trained_inpaint`: it sees the picture with its hole, and the mask."""
    return Restorer(4, 5)


def denoiser() -> Restorer:
    """The untrained network of :func:`trained_denoise`."""
    return Restorer(3, 4)


def corrupt(images: Tensor, visible: Tensor) -> Tensor:
    """What the context encoder sees, (B,4,H,W): pictures with mid-grey in the hole, and the mask m (B or 1,1,H,W)."""
    return torch.cat([visible * images + (1 - visible) / 2, visible.expand(len(images), -1, -1, -1)], 1)


def holes(count: int, side: int, generator: torch.Generator) -> Tensor:
    """Random masks (count,1,side,side): one rectangle each, of a fifth to a half of the side, is 0."""
    count, side = whole("count", count), whole("side", side, 5)
    room(f"side = {side}", side, side, count)
    visible = torch.ones(count, 1, side, side)
    for m in visible:
        height, width = torch.randint(side // 5, side // 2, (2,), generator=generator).tolist()
        top, left = (int(torch.randint(0, side - n + 1, (), generator=generator)) for n in (height, width))
        m[:, top : top + height, left : left + width] = 0
    return visible


def scattered(count: int, side: int, generator: torch.Generator) -> Tensor:
    """Random masks (count,1,side,side): a fifth to three fifths of the pixels are 0, in grains of some size."""
    count, side = whole("count", count), whole("side", side, 5)
    room(f"side = {side}", side, side, count)
    made = []
    for _ in range(count):
        grain = GRAINS[int(torch.randint(len(GRAINS), (), generator=generator))]
        noise = _images.blur(torch.randn(1, 1, side, side, generator=generator), grain)
        hidden = 0.2 + 0.4 * torch.rand((), generator=generator)
        made.append((noise > noise.flatten().quantile(hidden)).float())
    return torch.cat(made)


def trained_inpaint(image: Tensor, visible: Tensor) -> Tensor:
    """Fill the hole of a picture (B,3,H,W) with the network that was trained to; m (1,1,H,W) is 1 where it is known."""
    m, net = laid_on(image, visible, one=False), checkpoints.restore(inpainter(), "inpainter")
    with torch.no_grad():
        return torch.where(m.bool(), image, net(corrupt(image, m)))


def trained_denoise(images: Tensor) -> Tensor:
    """Pictures (B,3,H,W) without their noise, by the network that was trained to take it away (σ up to 0.5)."""
    _images.check(images)
    with torch.no_grad():
        return checkpoints.restore(denoiser(), "denoiser")(images)
