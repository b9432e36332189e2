"""DeepDream, the artistic relative: let a layer see more of what it sees.

    max over x   ½ ‖Φ(x)‖²,   from a photo, at several scales

Mordvintsev, Olah & Tyka, Inceptionism, 2015. No prior but the photo to start from, and steps of equal length.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.checks import room
from u3lab.descent import Step, gradients
from u3lab.inversion.codes import LOGITS, code, pictured
from u3lab.nets import Classifier
from u3lab.settings import or_default, setting, settings

LEAST = 64  # pixels of a side, at each scale


@settings
class DreamSettings:
    """Settings of :func:`dream`."""

    step_size: float = setting(0.01, 0.001, 0.05, scale="log", symbol="η", help="mean change of a pixel in one step")
    jitter: int = setting(16, 0, 32, symbol="j", help="the picture is rolled by up to this many pixels")
    octaves: int = setting(4, 1, 6, once=True, help="number of scales, from coarse to fine")
    ratio: float = setting(1.4, 1.1, 2.0, once=True, help="from one scale to the next")
    steps: int = setting(10, 1, 200, once=True, help="steps at each scale")
    seed: int = setting(0, 0, 2**31 - 1, once=True, help="seed of the rolling")


def dream(net: Classifier, layer: str, image: Tensor, *, settings: DreamSettings | None = None) -> Iterator[Step]:
    """Push a photo (1,3,H,W) to where ½‖Φ(x)‖² at ``layer`` is larger, from the coarsest scale on, step by step.

    What a scale has added is enlarged and laid on the photo at the next one, so that its detail is not lost.

    Yields:
        Step: ``value`` is the dream at the present scale, (1,3,h,w) in [0,1]; ``loss`` is −½‖Φ(x)‖² as a mean over the
            layer.

    Raises:
        U3Error: A network or picture that :func:`~u3lab.nets.ready` refuses, or a layer that is not there.
    """
    net, settings = pictured(net, image, one=True), or_default(settings, DreamSettings)
    room("the dream", *(max(LEAST, side) for side in image.shape[-2:]))
    if layer != LOGITS:
        net.layer(layer)  # refused now, not at the first step
    return _scales(net, layer, image, settings)


def _scales(net: Classifier, layer: str, image: Tensor, settings: DreamSettings) -> Iterator[Step]:
    photo, draw = image.to(net.device, copy=True), torch.Generator().manual_seed(settings.seed)
    iteration, dreamt, steps = 0, torch.zeros_like(photo), settings.steps
    sizes = [[max(LEAST, round(side / settings.ratio**octave)) for side in image.shape[-2:]]
             for octave in reversed(range(settings.octaves))]
    for size in sizes:
        base = F.interpolate(photo, size=size, mode="bilinear", antialias=True)
        x = (base + F.interpolate(dreamt, size=size, mode="bilinear", antialias=True)).clamp(0, 1)
        for _ in range(steps):
            by = torch.randint(-settings.jitter, settings.jitter + 1, (2,), generator=draw).tolist()
            rolled = x.roll(by, (2, 3)).requires_grad_()
            with torch.enable_grad():
                loss = -code(net, layer, rolled).square().mean() / 2
                gradient = gradients(loss, [rolled], "the code")[0].roll([-n for n in by], (2, 3))
            yield Step(iteration, loss.item(), x, {"excitation": loss.item()})
            x = (x - settings.step_size * gradient / (gradient.abs().mean() + 1e-12)).clamp(0, 1)
            iteration += 1
        dreamt = x - base
    with torch.no_grad():
        loss = -code(net, layer, x).square().mean().item() / 2
    yield Step(iteration, loss, x, {"excitation": loss})
