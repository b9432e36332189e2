"""High impedance to noise: how fast an untrained network takes up a picture, and how slowly it takes up noise.

Ulyanov, Vedaldi & Lempitsky, Deep image prior, CVPR 2018, section 2 and figure 2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from u3lab import images as _images
from u3lab.prior.fitting import PriorSettings, fit
from u3lab.prior.generators import Generator


def targets(image: Tensor, *, strength: float = 0.15, seed: int = 0) -> dict[str, Tensor]:
    """The picture, the picture with noise, its pixels in a random order, and white noise; all in [0,1].

    ``strength`` is the noise's standard deviation (the paper's figure adds noise of 25 levels, 0.1). The white noise
    has the picture's mean and spread, but for what is cut off at 0 and 1.
    """
    generator = torch.Generator().manual_seed(seed)
    x = _images.check(image)
    noise = torch.randn(x.shape, generator=generator)
    order = torch.randperm(x.shape[2] * x.shape[3], generator=generator)
    white = x.mean() + x.std() * torch.randn(x.shape, generator=generator)
    return {"picture": x, "picture + noise": (x + strength * noise).clamp(0, 1),
            "shuffled pixels": x.flatten(2)[..., order].view_as(x), "white noise": white.clamp(0, 1)}


def impedance(wanted: Mapping[str, Tensor], make: Callable[[], Generator], *, until: float = 0.0,
              settings: PriorSettings | None = None) -> dict[str, list[float]]:
    """What share of each target is missing after 0, 1, 2 … steps, for a fresh generator each.

    A run ends with its last step, or when no more than the share ``until`` is missing.
    """
    curves: dict[str, list[float]] = {}
    for name, x in wanted.items():
        curve = curves[name] = []
        for step in fit(make(), x, settings=settings):
            curve.append(float(missing(step.value, x)))
            if curve[-1] <= until:
                break
    return curves


def missing(x: Tensor, target: Tensor) -> Tensor:
    """‖x − x₀‖² as a share of the variance of x₀ about the mean of each channel; pictures (1,C,H,W).

    1 for a picture of the right mean colour and nothing else, whatever the contrast of x₀; 0 for x₀ itself.
    """
    mean = target.mean((2, 3), keepdim=True)
    return (x - target).square().sum() / (target - mean).square().sum()


def reached(curve: list[float], share: float) -> int | None:
    """The first step at which no more than ``share`` of the variance is missing; None if that never comes."""
    return next((step for step, left in enumerate(curve) if left <= share), None)
