"""Training a stitch to answer as the network whose upper part it feeds.

Least squares makes every feature of B a little wrong; what counts is what B's upper part makes of them. Over crops x

    minimise over E    KL( softmax B(x) ‖ softmax top_B(E bottom_A(x)) )

which is Lenc & Vedaldi's training on the task (IJCV 2018, section 6) with B's own answers in the place of labels, after
Hinton, Vinyals & Dean, Distilling the knowledge in a neural network, 2015.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab import images as _images
from u3lab.descent import Step, descend
from u3lab.equivariance.stitching import BATCH, franken
from u3lab.nets import Classifier
from u3lab.settings import or_default, setting, settings


@settings
class StitchSettings:
    """Settings of :func:`distil`."""

    lr: float = setting(0.01, 0.0001, 0.1, scale="log", symbol="η", help="learning rate, relative to the spread of E")
    batch_size: int = setting(12, 1, 64, symbol="B", help="crops at each step")
    steps: int = setting(40, 1, 500, once=True, help="number of steps")
    seed: int = setting(0, 0, 2**31 - 1, once=True, help="seed of the choice of crops")


def distil(stitched: Classifier, images: Tensor, *, settings: StitchSettings | None = None) -> Iterator[Step]:
    """Train E, step by step; the stitched network that is given changes, its two halves do not.

    Args:
        stitched: From :func:`u3lab.equivariance.stitch`.
        images: Pictures to train on, (B,3,H,W) in [0,1].
        settings: Read at every step.

    Yields:
        Step: ``value`` is E with its bias as the last column, (1,1,C_B,C_A+1); the loss is the divergence in nats.

    Raises:
        U3Error: A network that is not stitched, or pictures that are none.
    """
    module, settings = franken(stitched), or_default(settings, StitchSettings)
    a, b, convolution = module.a, module.b, module.stitch
    _images.check(images)
    with torch.no_grad():
        wanted = torch.cat([b(x).softmax(1) for x in _images.resize(images, b.size).split(BATCH)])
    x = _images.resize(images, a.size)
    e = torch.cat([convolution.weight.flatten(1), convolution.bias[:, None]], 1).requires_grad_()
    spread = float(convolution.weight.std())
    generator = torch.Generator().manual_seed(settings.seed)

    def energy() -> tuple[Tensor, dict[str, Tensor]]:
        chosen = torch.randperm(len(x), generator=generator)[: settings.batch_size]
        with torch.no_grad():
            convolution.weight.copy_(e[:, :-1, None, None])
            convolution.bias.copy_(e[:, -1])
            features = module.bottom(a.normalise(x[chosen]))
        scores = module.top(F.conv2d(features, e[:, :-1, None, None], e[:, -1]))
        divergence = F.kl_div(scores.log_softmax(1), wanted[chosen.to(wanted.device)], reduction="batchmean")
        return e[None, None], {"divergence": divergence}

    return descend(e, energy, steps=settings.steps, lr=lambda: settings.lr * spread)
