"""The other side: the same shape of network, *trained* on pictures, to complete them or to take noise away.

A context encoder is trained on pictures with holes (Pathak et al., Context encoders, CVPR 2016; Iizuka et al. 2017
add two adversaries, which look at the whole and at the hole). A denoiser is trained on pictures with noise. Both then
answer in one pass, from what they have seen. The deep image prior has seen nothing.
"""

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.errors import U3Error
from u3lab.nets import checkpoints
from u3lab.prior.generators import hourglass
from u3lab.prior.tasks import laid_on

SIDE = 128  # pixels, of the pictures that they are trained on
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
    """The untrained network of :func:`u3lab.inversion.sample`."""
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


def trained_inpaint(image: Tensor, visible: Tensor) -> Tensor:
    """Fill the hole of a picture (B,3,H,W) with the network that was trained to; m (1,1,H,W) is 1 where it is known."""
    m = laid_on(image, visible, one=False)
    with torch.no_grad():
        return torch.where(m.bool(), image, _restored()(corrupt(image, m).float()).clamp(0, 1))


@cache
def _restored() -> Inpainter:
    """The trained network, read once a process, which takes longer than a pass: nobody else gets hold of it."""
    with torch.random.fork_rng(devices=[]):  # fresh layers draw their weights, before the trained ones come
        return checkpoints.restore(inpainter(), "inpainter")
