"""Many pictures with one code: sampling from the posterior p(x | y) ∝ p(y | x) p(x) by plug and play.

Each step moves the picture where the code fits better, where a denoiser thinks it should be, and a little at random:

    x ← x + h (D(x) − x) − ε ∂E(x) + noise

D was trained to take noise away. For a Gaussian noise of variance σ², D(x) − x = σ² ∂ log p(x) (Tweedie's formula), so
the denoiser is the gradient of a prior. After Nguyen et al., Plug & play generative networks, CVPR 2017, equation 5;
with noise that shrinks as the picture gets cleaner (Kadkhodaie & Simoncelli, 2021).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from u3lab import images as _images
from u3lab.descent import Step
from u3lab.inversion.inverting import code, code_error
from u3lab.nets import Classifier
from u3lab.settings import knob, settings

Denoiser = Callable[[Tensor], Tensor]


@settings
class SampleSettings:
    """Knobs of :func:`sample`. A step ends with the noise that the denoiser still sees, made smaller by share."""

    pull: float = knob(0.1, 0.0, 1.0, symbol="h", help="how far each step goes to the denoised picture")
    fit: float = knob(1.0, 0.0, 10.0, symbol="ε", help="length of the step towards the code, as a multiple of the "
                                                       "denoiser's step")
    fresh: float = knob(0.5, 0.0, 1.0, symbol="β", help="how much of the noise that a step removes is drawn anew")
    steps: int = knob(120, 1, 5000, once=True, help="number of steps")
    seed: int = knob(0, 0, 2**31 - 1, once=True, help="seed of all noise")


def sample(net: Classifier, layer: str, image: Tensor, denoiser: Denoiser,
           settings: SampleSettings | None = None) -> Iterator[Step]:
    """Draw a picture with the code of the given one, from noise, step by step; another seed gives another picture.

    Parameters
    ----------
    image
        x₀, (1,3,H,W) in [0,1]; only its code and size are used.
    denoiser
        Takes and gives pictures (1,3,H,W) in [0,1].

    Yields
    ------
    Step
        ``image`` is the denoised state D(x), (1,3,H,W); the terms are "code", its relative error, and "noise", the
        standard deviation of what the denoiser takes away.
    """
    settings = settings or SampleSettings()
    with torch.no_grad():
        wanted = code(net, _images.check(image), layer)
    draw = torch.Generator().manual_seed(settings.seed)
    x = (0.5 + 0.3 * torch.randn(image.shape, generator=draw)).to(net.device)
    for iteration in range(settings.steps + 1):
        with torch.no_grad():
            clean = denoiser(x.clamp(0, 1))
        residual = clean - x
        sigma = residual.square().mean().sqrt()
        at = clean.clone().requires_grad_()
        with torch.enable_grad():
            error = code_error(code(net, at, layer), wanted)
            gradient = torch.autograd.grad(error, at)[0]
        yield Step(iteration, error.item(), clean, {"code": error.item(), "noise": sigma.item()})
        slope = gradient / (gradient.square().mean().sqrt() + 1e-12)
        step = settings.pull * (residual - settings.fit * sigma * slope)
        noise = torch.randn(x.shape, generator=draw).to(x)
        x = x + step + settings.fresh * settings.pull * sigma * noise
