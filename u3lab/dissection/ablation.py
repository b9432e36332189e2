"""Unit ablation: what does the network lose when some of its units are silent?

Zhou, Sun, Bau & Torralba, Revisiting the importance of individual units in CNNs via ablation, 2018. A unit is silenced
by setting it to zero at all places; the rest of the network goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from u3lab.errors import U3Error
from u3lab.measures import balanced_accuracy
from u3lab.nets import Classifier, ready
from u3lab.nets.surgery import forward_from


def ablate(net: Classifier, layer: str, features: Tensor, units: Sequence[int] | Tensor) -> Tensor:
    """Class scores (B,K) without some units of a layer.

    Parameters
    ----------
    features
        ``net.features(images, layer)``, (B,U,h,w) or (B,U); they are left as they are.
    units
        Numbers of the units to silence; none gives the scores as they were.

    Raises
    ------
    U3Error
        A unit that the layer does not have, or a layer that the network has ways around.
    """
    chosen = torch.as_tensor(units, dtype=torch.long, device=features.device).flatten()
    if chosen.numel() and not 0 <= int(chosen.min()) <= int(chosen.max()) < features.shape[1]:
        raise U3Error(f"{layer} has units 0 to {features.shape[1] - 1}; got {chosen.tolist()[:8]}")
    silenced = features.detach().clone()
    silenced[:, chosen] = 0
    return forward_from(net, layer, silenced)


def accuracy_drop(net: Classifier, layer: str, features: Tensor, labels: Tensor, target: int) -> Tensor:
    """How much the balanced accuracy of a class falls when each unit is silenced alone, (U); negative: it rises."""
    whole = balanced_accuracy(ablate(net, layer, features, []), labels, target)
    return torch.tensor([whole - balanced_accuracy(ablate(net, layer, features, [k]), labels, target)
                         for k in range(features.shape[1])], dtype=torch.float64)


def ablation_curve(net: Classifier, layer: str, features: Tensor, labels: Tensor, target: int,
                   order: Sequence[int] | Tensor, counts: Sequence[int]) -> Iterator[float]:
    """Balanced accuracy of a class after the first 0, 1, 2 … (``counts``) units of an order are silenced together.

    Take the order from other pictures than those whose accuracy is measured, or it looks better than it is.
    """
    net, units = ready(net), torch.as_tensor(order, dtype=torch.long)
    return (balanced_accuracy(ablate(net, layer, features, units[:count]), labels, target) for count in counts)
