"""Which pictures have this code? Inversion of a network's layer.

    min over x   ‖Φ(x) − Φ(x₀)‖² / ‖Φ(x₀)‖²  +  the prior's price of x

Mahendran & Vedaldi, Understanding deep image representations by inverting them, CVPR 2015, equation 1; with the deep
image prior, x = Ψ(w; z₀) and the minimum is taken over w (Ulyanov et al. 2018).
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from u3lab.checks import shown
from u3lab.descent import Step, descend
from u3lab.errors import U3Error
from u3lab.images.cropping import shift
from u3lab.inversion.codes import code, relative_error
from u3lab.inversion.priors import TV, Pixels, Prior
from u3lab.nets import Classifier, ready
from u3lab.settings import or_default, setting, settings


@settings
class InversionSettings:
    """Settings of :func:`invert`."""

    jitter: int = setting(0, 0, 32, symbol="j", help="the network sees the picture shifted by up to this many pixels")
    steps: int = setting(300, 1, 5000, once=True, help="number of steps")
    seed: int = setting(0, 0, 2**31 - 1, once=True, help="seed of the start, of the shifts and of the noise")


def invert(net: Classifier, layer: str, image: Tensor, *, prior: Prior | None = None,
           settings: InversionSettings | None = None) -> Iterator[Step]:
    """Look for a picture with the same code as the given one, step by step.

    Args:
        net: Φ, a classifier.
        layer: A name from ``net.layers``, or "logits".
        image: x₀, (1,C,H,W) or (1,C,D,H,W) in [0,1]. Nothing but its code and its size is used.
        prior: One of ``PRIORS``, begun with settings of your own: ``PRIORS["total variation"](lam=10)``, which is
            :class:`~u3lab.inversion.priors.TV`; the default is ``TV()``.
        settings: Read at every step, as the prior's fields are.

    Yields:
        Step: ``value`` is x, as large as x₀, in [0,1]; ``terms`` are "code", the relative error, and the prior's
            prices.

    Raises:
        U3Error: A network or picture that :func:`~u3lab.nets.ready` refuses, a layer that is not there, a prior for
            other sizes or, of grey pictures and volumes, another than ``TV`` and ``Pixels``.

    Examples:
        >>> net, x = nets.load(), images.load("coffee", size=96)
        >>> last(inversion.invert(net, "fire5", x, settings=inversion.InversionSettings(steps=2))).value.shape
        torch.Size([1, 3, 96, 96])
    """
    net = ready(net, image, one=True, bounded=True)
    with torch.no_grad():
        wanted = code(net, layer, image)
    if not wanted.any():
        raise U3Error(f"the code of this picture at {layer!r} is zero throughout; every dark enough picture has it: "
                      "choose an earlier layer or another picture")

    def objective(x: Tensor, views: torch.Generator) -> dict[str, Tensor]:
        return {"code": relative_error(code(net, layer, x), wanted)}

    return search(net, tuple(image.shape[2:]), TV() if prior is None else prior,
                  or_default(settings, InversionSettings), objective, channels=image.shape[1])


Objective = Callable[[Tensor, torch.Generator], dict[str, Tensor]]


def search(net: Classifier, size: tuple[int, ...], prior: Prior, settings: InversionSettings,
           objective: Objective, *, channels: int = 3) -> Iterator[Step]:
    """Minimise ``objective`` and the prior's price over pictures of a size (height, width), or volumes.

    ``objective`` takes the shifted picture, and a generator for more ways to look at it, and gives terms of a loss.
    """
    if isinstance(prior, type) or not callable(getattr(prior, "begin", None)) or not hasattr(prior, "lr"):
        raise U3Error(f"prior = {shown(prior)}; give one of inversion.PRIORS with its settings, such as TV(lam=0.3)")
    if not (rgb := (channels, len(size)) == (3, 2)) and not isinstance(prior, (Pixels, TV)):
        raise U3Error(f"{type(prior).__name__} draws RGB pictures alone; for {channels} channels and {len(size)} axes "
                      "take TV() or Pixels()")
    made = prior.begin(size, settings.seed, net.device, *(() if rgb else (channels,)))
    views = torch.Generator().manual_seed(settings.seed)

    def energy() -> tuple[Tensor, dict[str, Tensor]]:
        x = made.picture()
        return x, objective(shift(x, settings.jitter, views), views) | made.price(x)

    return descend(made.parameters, energy, steps=settings.steps, lr=lambda: prior.lr, project=made.project)
