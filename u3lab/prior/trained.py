"""The other side: the same shape of network, *trained* on pictures, to complete them or to take noise away.

A context encoder is trained on pictures with holes (Pathak et al., Context encoders, CVPR 2016; Iizuka et al. 2017
add two adversaries, which look at the whole and at the hole). A denoiser is trained on pictures with noise. Both then
answer in one pass, from what they have seen. The deep image prior has seen nothing.
"""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab import images as _images
from u3lab.checks import room, whole
from u3lab.errors import U3Error
from u3lab.nets import checkpoints
from u3lab.prior.generators import hourglass
from u3lab.prior.tasks import laid_on

SIDE = 128  # pixels, of the pictures that they are trained on
GRAINS = (0.0, 1.0, 2.0)  # σ in pixels of the blur that makes grains of noise: single pixels to strokes of a pen
WIDTHS = {"inpainter": (24, 48, 96, 128, 160), "denoiser": (24, 48, 64, 64)}
SWEEPS = 4  # of the harmonic filling at each scale


class Restorer(nn.Module):
    """An hourglass with skips that takes a corrupted picture (B,inputs,H,W) and gives a whole one, (B,3,H,W) in (0,1).

    H and W are multiples of 2^scales, from twice that on.
    """

    def __init__(self, inputs: int, widths: tuple[int, ...], skip: int) -> None:
        super().__init__()
        self.body = hourglass(inputs, widths, skip=skip, upsample="nearest")
        self.colour, self.scales = nn.Conv2d(widths[0], 3, 1), len(widths)

    def forward(self, x: Tensor) -> Tensor:
        self.check(*x.shape[-2:])
        return torch.sigmoid(self.colour(self.body(x)))

    def check(self, height: int, width: int) -> None:
        """Refuse sides that do not halve evenly."""
        step = 2**self.scales
        if any(side % step or side < 2 * step for side in (height, width)):
            raise U3Error(f"{height}×{width} pixels: this network takes sides that are multiples of {step} from "
                          f"{2 * step} on; load the picture with size=128")


class Inpainter(Restorer):
    """The same, but it only draws what is to be added to a harmonic filling; it sees that and the mask m."""

    def forward(self, x: Tensor) -> Tensor:
        self.check(*x.shape[-2:])
        return x[:, :3] + self.colour(self.body(x))


def inpainter() -> Inpainter:
    """The untrained network of :func:`trained_inpaint`."""
    return Inpainter(4, WIDTHS["inpainter"], 32)


def denoiser() -> Restorer:
    """The untrained network of :func:`trained_denoise`."""
    return Restorer(3, WIDTHS["denoiser"], 16)


def corrupt(images: Tensor, visible: Tensor) -> Tensor:
    """What the context encoder sees, (B,4,H,W): pictures with a harmonic filling, and the mask m (B or 1,1,H,W)."""
    m = visible.expand(len(images), -1, -1, -1)
    return torch.cat([harmonic(images, m), m], 1)


def harmonic(images: Tensor, visible: Tensor) -> Tensor:
    """Fill so that a hidden pixel is nearly the mean of its four neighbours: from the coarsest scale to the finest."""
    m = visible
    if min(images.shape[-2:]) <= 2 or any(side % 2 for side in images.shape[-2:]):
        mean = (m * images).sum((2, 3), keepdim=True) / m.sum((2, 3), keepdim=True).clamp(min=1e-6)
        return torch.where(m > 0, images, mean)
    share = F.avg_pool2d(m, 2)
    coarse = harmonic(F.avg_pool2d(m * images, 2) / share.clamp(min=1e-6), (share > 0).float())
    known = m > 0
    x = torch.where(known, images, F.interpolate(coarse, scale_factor=2.0, mode="bilinear", align_corners=False))
    for _ in range(SWEEPS):
        around = F.pad(x, (1, 1, 1, 1), mode="replicate")
        above, below = around[..., :-2, 1:-1], around[..., 2:, 1:-1]
        left, right = around[..., 1:-1, :-2], around[..., 1:-1, 2:]
        x = torch.where(known, images, (above + left + right + below) / 4)
    return x


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


def strokes(count: int, side: int, generator: torch.Generator) -> Tensor:
    """Random masks (count,1,side,side): three to eight curves, as thick as a pen's or a brush's, are 0."""
    count, side = whole("count", count), whole("side", side, 5)
    room(f"side = {side}", side, side, count)
    made, along = [], torch.arange(1, 6)[:, None] * torch.linspace(0, 4.4, 2 * side)  # five waves, 2·side points
    for _ in range(count):
        lines = torch.zeros(1, 1, side, side)
        for _ in range(int(torch.randint(3, 9, (), generator=generator))):
            middle, phase = side * torch.rand(2, 1, generator=generator), 6.3 * torch.rand(2, 5, 1, generator=generator)
            swing = side / 4 * torch.randn(2, 5, 1, generator=generator) / torch.arange(1, 6)[:, None]
            at = (middle + (swing * torch.sin(along + phase)).sum(1)).round().long()
            y, x = at[:, ((at >= 0) & (at < side)).all(0)]
            lines[..., y, x] = 1
        pen = 0.6 + 2.4 * float(torch.rand((), generator=generator))  # σ in pixels
        made.append((_images.blur(lines, pen) < 0.18 / max(pen, 0.8)).float())
    return torch.cat(made)


def trained_inpaint(image: Tensor, visible: Tensor) -> Tensor:
    """Fill the hole of a picture (B,3,H,W) with the network that was trained to; m (1,1,H,W) is 1 where it is known."""
    m = laid_on(image, visible, one=False)
    with torch.no_grad():
        return torch.where(m.bool(), image, _restored("inpainter")(corrupt(image, m)).clamp(0, 1))


def trained_denoise(images: Tensor) -> Tensor:
    """Pictures (B,3,H,W) without their noise, by the network that was trained to take it away (σ up to 0.5)."""
    _images.check(images)
    with torch.no_grad():
        return _restored("denoiser")(images)


@cache
def _restored(name: str) -> Restorer:
    """A trained network, read once a process, which takes longer than a pass: nobody else gets hold of it."""
    with torch.random.fork_rng(devices=[]):  # fresh layers draw their weights, before the trained ones come
        return checkpoints.restore(inpainter() if name == "inpainter" else denoiser(), name)
