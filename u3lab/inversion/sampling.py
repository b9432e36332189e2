"""Pictures drawn from the posterior, p(x | y) ∝ p(y | x) p(x): those that have the code y, as often as photos look so.

Plug-and-play Langevin dynamics: at each step a little nearer to what a denoiser D makes of the picture, a little nearer
to the code, and fresh noise n,

    x ← x + δ/2 · ( D(x) − x − λ ∇E(x) ) + √δ σ n,      E(x) = ½ ‖Φ(D(x)) − y‖² / ‖y‖²

For Gaussian noise of variance σ², D(x) − x = σ² ∇ log p_σ(x), where p_σ is the density of photos with such noise
(Tweedie's formula: Robbins, An empirical Bayes approach to statistics, 1956). So a step is one of Langevin dynamics
with step size δσ² on p_σ(x) · exp(−λ E(x) / σ²): the first factor is the prior p(x), the second p(y | x). After Nguyen
et al., Plug & play generative networks, CVPR 2017, equation 5. σ falls along the run (Song & Ermon, Generative modeling
by estimating gradients of the data distribution, NeurIPS 2019), and the network sees D(x), not the noise (Chung et al.,
Diffusion posterior sampling for general noisy inverse problems, ICLR 2023).
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from u3lab.descent import Step, gradients
from u3lab.errors import U3Error
from u3lab.inversion.codes import code, relative_error
from u3lab.nets import Classifier, checkpoints, ready
from u3lab.prior import trained
from u3lab.settings import or_default, setting, settings


@settings
class SampleSettings:
    """Settings of :func:`sample`."""

    lam: float = setting(3000.0, 0.0, 30_000.0, scale="log", symbol="λ", help="how much the code counts")
    step_size: float = setting(0.2, 0.01, 1.0, scale="log", symbol="δ", help="size of a step, as a share of σ²")
    noisiest: float = setting(0.4, 0.05, 0.5, once=True, symbol="σ₀", help="noise of the first step")
    least: float = setting(0.03, 0.01, 0.3, once=True, symbol="σ", help="noise of the last step")
    steps: int = setting(300, 1, 5000, once=True, help="number of steps")
    seed: int = setting(0, 0, 2**31 - 1, once=True, help="seed of the start and of the noise")


class State(NamedTuple):
    """One state of the chain: x, with its noise; what the denoiser makes of it; and E."""

    x: Tensor
    clean: Tensor
    energy: Tensor


def langevin(x: Tensor, denoise: Callable[[Tensor], Tensor], energy: Callable[[Tensor], Tensor],
             sigmas: Iterable[float], *, lam: Callable[[], float], step_size: Callable[[], float],
             draw: torch.Generator) -> Iterator[State]:
    """The chain itself: a state for each σ, from x (any shape) on. ``energy`` makes a scalar of D(x)."""
    for sigma in sigmas:
        x = x.detach().requires_grad_()
        with torch.enable_grad():
            clean = denoise(x)
            price = energy(clean)
            (gradient,) = gradients(price, [x], "the code")
        yield State(x.detach(), clean.detach(), price.detach())
        with torch.no_grad():
            drift = (clean - x - lam() * gradient) / 2
            x = x + step_size() * drift + step_size() ** 0.5 * sigma * torch.randn(x.shape, generator=draw).to(x)


def sample(net: Classifier, layer: str, image: Tensor, *, settings: SampleSettings | None = None) -> Iterator[Step]:
    """Draw a picture from p(x | y), where y is a photo's code, step by step. Each seed draws another one.

    Args:
        net: Φ, a classifier.
        layer: A name from ``net.layers``, or "logits".
        image: x₀, (1,3,H,W) in [0,1], with sides that are multiples of 16. Nothing but its code and its size is used.
        settings: λ and δ are read at every step.

    Yields:
        Step: ``value`` is the picture without its noise, D(x), (1,3,H,W) in [0,1]; ``loss`` and ``terms["code"]`` are
            its relative error.

    Raises:
        U3Error: A network or picture that :func:`~u3lab.nets.ready` refuses, a layer that is not there, sides that do
            not fit, or a chain that has left the pictures.
    """
    net, chosen = ready(net, image, one=True), or_default(settings, SampleSettings)
    with torch.random.fork_rng(devices=[]):  # fresh layers draw their weights, before the trained ones come
        denoiser = checkpoints.restore(trained.denoiser(), "denoiser").to(net.device)
    denoiser.check(*image.shape[-2:])
    with torch.no_grad():
        wanted = code(net, layer, image)
    return _draw(net, layer, wanted, denoiser, image.shape, chosen)


def _draw(net: Classifier, layer: str, wanted: Tensor, denoiser: Callable[[Tensor], Tensor], shape: torch.Size,
          chosen: SampleSettings) -> Iterator[Step]:
    draw = torch.Generator().manual_seed(chosen.seed)
    x = 0.5 + chosen.noisiest * torch.randn(shape, generator=draw)
    chain = langevin(x.to(net.device), denoiser, lambda x: relative_error(code(net, layer, x), wanted) / 2,
                     falling(chosen.noisiest, chosen.least, chosen.steps + 1), lam=lambda: chosen.lam,
                     step_size=lambda: chosen.step_size, draw=draw)
    for iteration, state in enumerate(chain):
        if not state.energy.isfinite():
            raise U3Error(f"the chain has left the pictures at step {iteration}; lower λ or δ and start again")
        error = 2 * float(state.energy)
        yield Step(iteration, error, state.clean, {"code": error})


def falling(first: float, last: float, count: int) -> list[float]:
    """So many numbers from the first to the last, each the same share of the one before."""
    return torch.logspace(0, 1, count, base=last / first, dtype=torch.float64).mul(first).tolist()
