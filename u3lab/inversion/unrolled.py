"""An inverter that looks at what it has drawn: a few steps of descent, and the steps are learnt.

    x⁽⁰⁾ = Ψ(y),     x⁽ᵏ⁺¹⁾ = x⁽ᵏ⁾ + R_k(x⁽ᵏ⁾, ∇E(x⁽ᵏ⁾)),     E(x) = ‖Φ(x) − y‖² / ‖y‖²

A search takes hundreds of steps along −∇E, and needs a prior, since ∇E asks for patterns that no photo has. Here each
step is a small network R_k, which has learnt from photos what to make of ∇E. (Adler & Öktem, Solving ill-posed inverse
problems using iterative deep neural networks, Inverse Problems 2017, for tomography; Andrychowicz et al., Learning to
learn by gradient descent by gradient descent, NIPS 2016.)
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.checks import one_of
from u3lab.descent import gradients
from u3lab.errors import U3Error
from u3lab.inversion.codes import code, relative_error
from u3lab.inversion.learned import LAYERS, Inverter, block, decode
from u3lab.nets import Classifier, checkpoints
from u3lab.nets.gate import eval_mode

STEPS = 4
WIDTHS = (16, 32, 64)  # channels at 128, 64 and 32 pixels


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
        fine, middle, coarse = WIDTHS
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
