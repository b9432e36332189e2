"""Top patches: where, in all the pictures of a data set, is each unit of a layer strongest?

One pass finds them for all units at once, and keeps so many of each, however many pictures there are. Zhou et al.,
Object detectors emerge in deep scene CNNs, ICLR 2015, showed such patches to people and asked what they have in common.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from u3lab.datasets.labelled import ConceptData, batches
from u3lab.errors import U3Error
from u3lab.inversion.empirical import seen
from u3lab.nets import Classifier


class Peaks(NamedTuple):
    """For each unit its strongest pictures, the strongest first: activations (U,n), and the pictures' numbers (U,n)."""

    values: Tensor
    pictures: Tensor


def peaks(net: Classifier, layer: str, data: ConceptData, count: int = 9) -> Peaks:
    """The ``count`` pictures in which each unit of a layer has its largest activations.

    Raises
    ------
    U3Error
        No pictures.
    """
    best: Peaks | None = None
    for start, batch in zip(range(0, len(data), 16), batches(data, 16), strict=True):
        with torch.no_grad():
            top = net.features(batch.images, layer).flatten(2).amax(2).T.float().cpu()  # (U,B)
        numbers = torch.arange(start, start + top.shape[1]).expand_as(top)
        if best is not None:
            top, numbers = torch.cat([best.values, top], 1), torch.cat([best.pictures, numbers], 1)
        kept = top.topk(min(count, top.shape[1]), 1)
        best = Peaks(kept.values, numbers.gather(1, kept.indices))
    if best is None:
        raise U3Error("there are no pictures to look at; give at least one")
    return best


def patches(net: Classifier, layer: str, unit: int, found: Peaks, data: ConceptData, size: int = 96) -> Tensor:
    """The parts of its strongest pictures that a unit sees, (n,3,size,size): the receptive field of its best place.

    Raises
    ------
    U3Error
        A unit that the layer does not have.
    """
    if not 0 <= unit < len(found.values):
        raise U3Error(f"{layer} has units 0 to {len(found.values) - 1}, not {unit}")
    pictures = data[found.pictures[unit].tolist()].images
    return torch.cat([seen(net, layer, unit, picture[None], size) for picture in pictures])
