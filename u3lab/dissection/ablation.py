"""Unit ablation: what does the network lose when some of its units are silent?

Zhou, Sun, Bau & Torralba, Revisiting the importance of individual units in CNNs via ablation, 2018. A unit is silenced
by setting it to zero at all places; the rest of the network goes on from there.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from u3lab.checks import is_plain, shown, tensors, whole, wholes
from u3lab.errors import U3Error
from u3lab.measures import balanced_accuracy, of_class
from u3lab.nets import Classifier, ready
from u3lab.nets.surgery import GRIDS, forward_from


def ablate(net: Classifier, layer: str, features: Tensor, units: Sequence[int] | Tensor) -> Tensor:
    """Class scores (B,K) without some units of a layer.

    Args:
        features: ``net.features(images, layer)``, (B,U,h,w), (B,U,d,h,w) or (B,U); they are left as they are.
        units: Numbers of the units to silence, or a mask of all units, (U) bool; none gives the scores as they were.

    Raises:
        U3Error: A unit that the layer does not have, or a layer that the network has ways around.
    """
    chosen = numbered(features, units)
    silenced = features.detach().clone()
    silenced[:, chosen] = 0
    return forward_from(net, layer, silenced)


def numbered(features: Tensor, units: Sequence[int] | Tensor) -> list[int]:
    """The numbers of units that are given as numbers or as a mask (U) bool, if the features have them."""
    if not is_plain(features) or features.ndim not in (2, *GRIDS) or not features.numel():
        raise U3Error(f"features is {shown(features)}; give what net.features(images, layer) gives, (B,U,h,w) or (B,U)")
    if isinstance(units, Tensor) and units.dtype == torch.bool and units.shape == features.shape[1:2]:
        units = units.nonzero()[:, 0]
    return wholes("units", units, 0, features.shape[1] - 1, none=True)


def accuracy_drop(net: Classifier, layer: str, features: Tensor, labels: Tensor, target: int) -> Tensor:
    """How much the balanced accuracy of a class falls when each unit is silenced alone, (U); negative: it rises.

    Of a network with one score, class 1 is what it says above 0.
    """
    net = ready(net)
    _check(features, labels, target)
    before = _accuracy(net, layer, features, [], labels, target)
    return torch.tensor([before - _accuracy(net, layer, features, [k], labels, target)
                         for k in range(features.shape[1])], dtype=torch.float64)


def ablation_curve(net: Classifier, layer: str, features: Tensor, labels: Tensor, target: int,
                   order: Sequence[int] | Tensor, counts: Sequence[int]) -> Iterator[float]:
    """Balanced accuracy of a class after the first 0, 1, 2 … (``counts``) units of an order are silenced together.

    Take the order from other pictures than those whose accuracy is measured, or it looks better than it is. What does
    not fit is told at the call.
    """
    net = ready(net)
    net.layer(layer)
    units = numbered(features, order)
    _check(features, labels, target)
    counts = wholes("counts", counts, 0, len(units))
    return (_accuracy(net, layer, features, units[:count], labels, target) for count in counts)


def _accuracy(net: Classifier, layer: str, features: Tensor, units: list[int], labels: Tensor, target: int) -> float:
    scores = ablate(net, layer, features, units)
    if scores.ndim > 2:
        raise U3Error(f"{net.name} answers with maps, {tuple(scores.shape[1:])}, and has no accuracy by picture; "
                      "compare the maps that ablate(…) gives")
    return balanced_accuracy(torch.cat([0 * scores, scores], 1) if scores.shape[1] == 1 else scores, labels, target)


def _check(features: Tensor, labels: Tensor, target: int) -> None:
    numbered(features, [])
    tensors(features=(features, "BUdhw" if features.ndim == 5 else "BUhw"[: features.ndim]), labels=(labels, "B"))
    of_class(labels, whole("target", target, 0))
