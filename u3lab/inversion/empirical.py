"""The empirical prior: among the pictures that there are, which excite a unit most, and where?

Zeiler & Fergus, Visualizing and understanding convolutional networks, ECCV 2014, figure 2. Nothing is invented, and
nothing is shown that is not in these pictures.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.checks import SIDE, is_a, room, whole
from u3lab.errors import U3Error
from u3lab.inversion.codes import LOGITS, code
from u3lab.inversion.maximising import unit_index
from u3lab.nets import Classifier, ready


def top_patches(net: Classifier, layer: str, pictures: Iterable[Tensor], unit: int | str, *, count: int = 8,
                size: int = 96) -> tuple[Tensor, list[float]]:
    """The patches that excite a unit most, one of each picture, and how much.

    A patch is what the unit sees at its best place: the pixels that its gradient is not zero for. For a class it is the
    whole picture.

    Parameters
    ----------
    pictures
        Tensors (1,3,H,W) in [0,1].
    unit
        Number of a channel, or for layer "logits" a class by number or name.
    count, size
        How many, and to which side in pixels they are brought.

    Returns
    -------
    tuple
        Patches (n,3,size,size), the most exciting first, and the unit's values.

    Raises
    ------
    U3Error
        No pictures, or a layer or unit that is not there.
    """
    net, count, size = ready(net), whole("count", count), whole("size", size, 1, SIDE)
    k, found = unit_index(net, layer, unit), []
    for x in is_a("pictures", pictures, Iterable, "give a list of pictures (1,3,H,W)"):
        ready(net, x, one=True)
        with torch.no_grad():
            found.append((float(code(net, layer, x)[0, k].max()), x))
    if not found:
        raise U3Error("no pictures were given; take [images.load(name, size=227) for name in images.names()]")
    best = sorted(found, key=lambda pair: -pair[0])[:count]
    room(f"size = {size}", size, size, len(best))
    shown = [_square(x, size) if layer == LOGITS else seen(net, layer, x, k, size) for _, x in best]
    return torch.cat(shown), [value for value, _ in best]


def seen(net: Classifier, layer: str, x: Tensor, unit: int, size: int) -> Tensor:
    """The part of a picture (1,3,H,W) that a unit depends on where it is largest, (1,3,size,size)."""
    at = x.detach().clone().requires_grad_()
    with torch.enable_grad():
        gradient = torch.autograd.grad(code(net, layer, at)[0, unit].max(), at)[0]
    touched = gradient.abs().sum((0, 1)) > 0
    if not touched.any():  # a unit that is silent in this picture
        return _square(x, size)
    rows, columns = (touched.any(axis).nonzero().flatten() for axis in (1, 0))
    return _square(x[..., rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], size)


def _square(x: Tensor, size: int) -> Tensor:
    return F.interpolate(x, size=(size, size), mode="bilinear", antialias=True).clamp(0, 1)
