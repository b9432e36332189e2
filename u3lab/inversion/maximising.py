"""Iconic examples: which picture excites this class, or this channel, most? And DeepDream, the artistic relative.

    max over x   ⟨e_k, Φ(x)⟩ − the prior's price of x
    max over x   ½ ‖Φ(x)‖²,   from a photo, at several scales

Simonyan, Vedaldi & Zisserman, Deep inside convolutional networks, 2014, equation 1 (class scores before the softmax);
with the deep image prior x = Ψ(w; z₀), min over w of −⟨e_k, Φ(Ψ(w))⟩. Mordvintsev, Olah & Tyka, Inceptionism, 2015: no
prior but the photo to start from, and steps of equal length.
"""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.checks import SIDE, alike, listed, room, shown, whole
from u3lab.descent import Step, gradients
from u3lab.errors import U3Error
from u3lab.images.cropping import zoom
from u3lab.inversion.codes import LOGITS, code, pictured
from u3lab.inversion.inverting import InversionSettings, search
from u3lab.inversion.priors import DeepImagePrior, Prior
from u3lab.nets import Classifier
from u3lab.settings import or_default, setting, settings

LEAST = 64  # pixels of a side of a dream, at each scale


@settings
class MaximiseSettings(InversionSettings):
    """Settings of :func:`maximise`: those of inversion, with other defaults, and zoom. What a network says of an iconic
    picture must not hang on one pixel or one size.
    """

    jitter: int = setting(8, 0, 32, symbol="j", help="the network sees the picture shifted by up to this many pixels")
    zoom: float = setting(0.2, 0.0, 0.5, symbol="zoom", help="and smaller or larger by up to this share")


def excitation(code: Tensor, unit: int) -> Tensor:
    """⟨e_k, Φ(x)⟩ for unit k of a code (1,K), or, for a channel of (1,C,h,w), its mean over all places; a scalar.

    Raises U3Error on the codes of several pictures, values that are not finite, and a unit that is not there.
    """
    alike(code=code)
    if code.ndim not in (2, 4) or len(code) != 1:
        raise U3Error(f"code is {shown(code)}; give that of one picture, (1,K) or (1,C,h,w), such as code[:1]")
    return code[0, whole("unit", unit, 0, code.shape[1] - 1)].mean()


def maximise(net: Classifier | Sequence[Classifier], layer: str, unit: int | str, *, prior: Prior | None = None,
             size: int = 160, settings: MaximiseSettings | None = None) -> Iterator[Step]:
    """Look for a picture that excites one class or one channel, step by step.

    Args:
        net: Φ, a classifier; or several, to excite the unit of this number in all of them at once. What pleases two
            networks that were made in different ways is more often a picture of something.
        layer: "logits" for a class, or a name from ``net.layers`` for a channel of that layer.
        unit: k: the class by number or name, or the number of the channel.
        prior: By default :func:`iconic_prior`.
        size: Side of the picture in pixels, up to 2048.
        settings: Read at every step.

    Yields:
        Step: ``value`` is x, (1,C,size,size) in [0,1]; ``terms`` are "excitation", −⟨e_k, Φ(x)⟩, and the prior's
            prices.

    Raises:
        U3Error: A network that :func:`~u3lab.nets.ready` refuses, or a layer or unit that is not there.
    """
    size = whole("size", size, 1, SIDE)
    nets = [pictured(one) for one in (listed("net", net, what="networks") if isinstance(net, (list, tuple)) else [net])]
    units = [unit_index(each, layer, unit) for each in nets]
    prior, settings = iconic_prior() if prior is None else prior, or_default(settings, MaximiseSettings)

    def objective(x: Tensor, views: torch.Generator) -> dict[str, Tensor]:
        seen = zoom(x, settings.zoom, views)
        return {"excitation": -sum(code(each, layer, seen)[0, k].mean() for each, k in zip(nets, units, strict=True))}

    return search(nets[0], (size, size), prior, settings, objective, channels=nets[0].channels)


def iconic_prior() -> DeepImagePrior:
    """The default of :func:`maximise`: slower than for inversion, since a score has no end, and no odd colours."""
    return DeepImagePrior(depth=5, lr=0.01, colour=3.0)


def unit_index(net: Classifier, layer: str, unit: int | str) -> int:
    """The number of a class (layer "logits") or of a channel; U3Error if there is no such unit."""
    if layer == LOGITS:
        return net.class_index(unit)
    channels = code(net, layer, net.mean.new_full((1, net.channels, 64, 64), 0.5)).shape[1]
    return whole(f"the channel of {layer} of {net.name}", unit, 0, channels - 1)


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
