"""High impedance to noise: how fast an untrained network takes up a picture, and how slowly it takes up noise.

Ulyanov, Vedaldi & Lempitsky, Deep image prior, CVPR 2018, section 2 and figure 2.
"""

from __future__ import annotations

import torch
from torch import Tensor

from u3lab import images as _images
from u3lab.checks import alike, listed, number, tensors, whole
from u3lab.errors import U3Error
from u3lab.nets.classifier import one_picture


def targets(image: Tensor, *, strength: float = 0.15, seed: int = 0) -> dict[str, Tensor]:
    """The picture, the picture with noise, its pixels in a random order, and white noise; all in [0,1].

    ``strength`` is the noise's standard deviation (the paper's figure adds noise of 25 levels, 0.1). The white noise
    has the picture's mean and spread, but for what is cut off at 0 and 1.
    """
    generator = torch.Generator().manual_seed(whole("seed", seed, 0))
    x, strength = one_picture(_images.check(image)), number("strength", strength, 0)
    noise = torch.randn(x.shape, generator=generator)
    order = torch.randperm(x.shape[2] * x.shape[3], generator=generator)
    white = x.mean() + x.std() * torch.randn(x.shape, generator=generator)
    return {"picture": x, "picture + noise": (x + strength * noise).clamp(0, 1),
            "shuffled pixels": x.flatten(2)[..., order].view_as(x), "white noise": white.clamp(0, 1)}


def unexplained_variance(x: Tensor, target: Tensor) -> Tensor:
    """‖x − x₀‖² as a share of the variance of x₀ about the mean of each channel; pictures (1,C,H,W).

    1 for a picture of the right mean colour and nothing else, whatever the contrast of x₀; 0 for x₀ itself.
    Raises U3Error on different shapes, values that are not finite and a target of one colour.
    """
    alike(x=x, target=target)
    tensors(target=(target, "1CHW"))
    if not (variance := (target - target.mean((2, 3), keepdim=True)).square().sum()):
        raise U3Error("the target has one colour throughout and so no variance; give a picture with something in it")
    return (x - target).square().sum() / variance


def first_step_below(curve: list[float], share: float) -> int | None:
    """The first step at which no more than ``share`` of the variance is missing; None if that never comes."""
    shares = [number("a share in curve", left) for left in listed("curve", curve, what="shares")]
    share = number("share", share, 0)
    return next((step for step, left in enumerate(shares) if left <= share), None)
