"""Learned inverters: a decoder Ψ that was trained to undo one layer, on other pictures, and learned steps after it.

    min over Ψ   1/N Σ ‖Ψ(Φ(x_i)) − x_i‖²

That makes Ψ(y) the mean of all pictures with the code y, E[x | y]: right in colour and place, but blurred
(Dosovitskiy & Brox, Inverting visual representations with convolutional networks, CVPR 2016). With a loss that compares
what networks see, and an adversary, it draws *one* such picture instead, sharp, and in part invented (Dosovitskiy &
Brox, Generating images with perceptual similarity metrics, NIPS 2016).

    x⁽⁰⁾ = Ψ(y),     x⁽ᵏ⁺¹⁾ = x⁽ᵏ⁾ + R_k(x⁽ᵏ⁾, ∇E(x⁽ᵏ⁾)),     E(x) = ‖Φ(x) − y‖² / ‖y‖²

looks at what it has drawn. A search takes hundreds of steps along −∇E, and needs a prior, since ∇E asks for patterns
that no photo has. Here each step is a small network R_k, which has learnt from photos what to make of ∇E. (Adler &
Öktem, Solving ill-posed inverse problems using iterative deep neural networks, Inverse Problems 2017, for tomography;
Andrychowicz et al., Learning to learn by gradient descent by gradient descent, NIPS 2016.)
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.checks import one_of
from u3lab.descent import gradients
from u3lab.errors import U3Error
from u3lab.inversion.codes import code, relative_error
from u3lab.nets import Classifier, checkpoints, ready
from u3lab.nets.gate import eval_mode

STEPS = 4  # that are learnt
STEP_WIDTHS = (16, 32, 64)  # channels of a step at 128, 64 and 32 pixels
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


class Unrolled(nn.Module):
    """R_0 … R_3, for codes of one layer."""

    def __init__(self, layer: str) -> None:
        super().__init__()
        self.layer = one_of("layer", layer, tuple(LAYERS))
        self.steps = nn.ModuleList(Correction() for _ in range(STEPS))


class Correction(nn.Module):
    """R: a picture and its gradient, (B,3,H,W) each → what to add to it. A U-Net that adds nothing at first."""

    def __init__(self) -> None:
        super().__init__()
        fine, middle, coarse = STEP_WIDTHS
        self.fine, self.middle = block(6, fine, 3), block(4 * fine, middle, 3)
        self.coarse = nn.Sequential(block(4 * middle, coarse, 3), block(coarse, coarse, 3))
        self.back_to_middle, self.back_to_fine = block(coarse + middle, middle, 3), block(middle + fine, fine, 3)
        self.colour = nn.Conv2d(fine, 3, 3, padding=1)
        nn.init.zeros_(self.colour.weight)
        nn.init.zeros_(self.colour.bias)

    def forward(self, x: Tensor, gradient: Tensor) -> Tensor:
        gradient = gradient / gradient.square().mean((1, 2, 3), keepdim=True).sqrt().clamp(min=1e-12)  # its size varies
        fine = self.fine(torch.cat([2 * x - 1, gradient], 1))
        middle = self.middle(F.pixel_unshuffle(fine, 2))
        coarse = self.coarse(F.pixel_unshuffle(middle, 2))
        middle = self.back_to_middle(torch.cat([_twice(coarse), middle], 1))
        return self.colour(self.back_to_fine(torch.cat([_twice(middle), fine], 1)))


def _twice(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def learned_steps(layer: str = "fire9") -> Unrolled:
    """The trained steps R_0 … R_3 for codes of SqueezeNet's "fire5" or "fire9" and pictures of 128 px.

    Raises:
        U3Error: No such steps, or damaged weights.
    """
    return checkpoints.restore(Unrolled(layer), f"unrolled-{layer}")


def unroll(net: Classifier, inverter: Inverter, steps: Unrolled, images: Tensor) -> Iterator[Tensor]:
    """x⁽⁰⁾ = Ψ(y), then x⁽¹⁾ … x⁽⁴⁾, for the codes y of pictures (B,3,128,128): each (B,3,128,128) in [0,1].

    Raises:
        U3Error: An inverter and steps of different layers, or pictures of another size.
    """
    first = decode(net, inverter, images)
    eval_mode("steps", steps, Unrolled, "take them from inversion.learned_steps()")
    if steps.layer != inverter.layer:
        raise U3Error(f"the inverter is for {inverter.layer} and the steps are for {steps.layer}; take both for one")
    return (x.detach() for x in drawn(net, steps, first, code(net, steps.layer, images).detach()))


def drawn(net: Classifier, unrolled: Unrolled, x: Tensor, y: Tensor) -> Iterator[Tensor]:
    """The same for a first picture and codes (B,C,h,w). A picture has the graph of the last R alone, to learn it by."""
    yield x
    for step in unrolled.steps:
        x = x.detach()
        with torch.enable_grad():
            seen = x.clone().requires_grad_()
            (gradient,) = gradients(relative_error(code(net, unrolled.layer, seen), y), [seen], "the code")
        x = (x + step(x, gradient)).clamp(0, 1)
        yield x
