"""Learned inverters: a decoder Ψ that was trained to undo one layer, on other pictures.

    min over Ψ   1/N Σ ‖Ψ(Φ(x_i)) − x_i‖²

That makes Ψ(y) the mean of all pictures with the code y, E[x | y]: right in colour and place, but blurred
(Dosovitskiy & Brox, Inverting visual representations with convolutional networks, CVPR 2016). With a loss that compares
what networks see, and an adversary, it draws *one* such picture instead, sharp, and in part invented (Dosovitskiy &
Brox, Generating images with perceptual similarity metrics, NIPS 2016).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.checks import one_of
from u3lab.errors import U3Error
from u3lab.inversion.codes import code
from u3lab.nets import Classifier, checkpoints, ready
from u3lab.nets.gate import eval_mode

SIDE = 128  # pixels, of the pictures that an inverter draws
WIDTHS = (320, 224, 128, 64, 16)  # channels at 8×8, 16×16 … 128×128 cells; the last one costs most of the time
LAYERS = {"fire5": 256, "fire9": 512}  # SqueezeNet's layers with an inverter, and their channels
SHIPPED = ("fire5", "fire5-perceptual", "fire9", "fire9-perceptual")


class Inverter(nn.Module):
    """Ψ: a code (B,C,h,w) → pictures (B,3,128,128) in (0,1). The code is brought to the next power of two first."""

    def __init__(self, layer: str) -> None:
        super().__init__()
        self.layer = one_of("layer", layer, tuple(LAYERS))
        self.cells = 16 if layer == "fire5" else 8
        self.cell = SIDE // self.cells  # pixels
        widths = WIDTHS[1:] if self.cells == 16 else WIDTHS
        self.enter = block(LAYERS[layer], widths[0], 1)
        after = (*widths[1:], widths[-1])
        self.scales = nn.ModuleList(block(a, b, 3) for a, b in zip(widths, after, strict=True))
        self.colour = nn.Conv2d(widths[-1], 3, 3, padding=1)

    def forward(self, y: Tensor) -> Tensor:
        return self.drawn(y, (self.cells, self.cells))

    def drawn(self, y: Tensor, cells: tuple[int, int]) -> Tensor:
        """The pictures (B,3,h·cell,w·cell) of inputs (B,C,·,·) that are brought to so many cells (h,w) first."""
        y = F.interpolate(self.enter(y), size=cells, mode="bilinear", align_corners=False)
        for k, scale in enumerate(self.scales):
            y = scale(F.interpolate(y, scale_factor=2.0, mode="bilinear", align_corners=False) if k else y)
        return torch.sigmoid(self.colour(y))


def block(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    """A convolution with padding, a batch norm and a leaky ReLU."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(outputs),
                         nn.LeakyReLU(0.2, inplace=True))


def learned_inverter(which: str = "fire9") -> Inverter:
    """A trained inverter of SqueezeNet: Ψ(Φ(x)) ≈ x for pictures of 128 px.

    Args:
        which: "fire5" or "fire9", trained with the L2 loss alone, or "fire5-perceptual" or "fire9-perceptual", with
            losses on codes and an adversary.

    Raises:
        U3Error: No such inverter, or damaged weights.
    """
    one_of("which", which, SHIPPED)
    return checkpoints.restore(Inverter(which.partition("-")[0]), f"inverter-{which}")


def decode(net: Classifier, inverter: Inverter, images: Tensor) -> Tensor:
    """Ψ(Φ(x)): what the inverter makes of the codes of pictures (B,3,128,128)."""
    net = ready(net, images)
    eval_mode("inverter", inverter, Inverter, "take one from inversion.learned_inverter()")
    if images.shape[-2:] != (SIDE, SIDE):
        raise U3Error(f"{images.shape[-2]}×{images.shape[-1]} pixels: this inverter was trained on {SIDE}×{SIDE}; load "
                      f"the picture with size={SIDE}")
    with torch.no_grad():
        return inverter(code(net, inverter.layer, images))
