"""Pictures on which attacks are compared from one network to the other.

All are shown the same pixels: pictures of 224 px, on whole levels. SqueezeNet was trained at 227 px and takes 224 as
well (it names all the labelled pictures rightly at both); resizing an attack would change it.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from u3lab import images as _images
from u3lab.adversarial.quantisation import fools, quantise
from u3lab.checks import listed
from u3lab.errors import U3Error
from u3lab.nets import Classifier

SIZE = 224


def labelled(nets: Sequence[Classifier]) -> dict[str, Tensor]:
    """Shipped pictures (1,3,224,224), on whole levels, that *all* the networks name rightly: label → picture.

    Raises:
        U3Error: If no network is given, or there is no such picture.
    """
    listed("nets", nets, what="networks")
    found: dict[str, Tensor] = {}
    for name in _images.names("everyday"):
        if label := _images.label(name):
            x = quantise(_images.load(name, size=SIZE))
            if not any(fools(net, x, label) for net in nets):
                found[label] = x
    if not found:
        raise U3Error("these networks name none of the shipped pictures rightly; use trained networks")
    return found
