"""Top patches: where, in all the pictures of a data set, is each unit of a layer strongest?

One pass finds them for all units at once, and keeps so many of each, however many pictures there are. Zhou et al.,
Object detectors emerge in deep scene CNNs, ICLR 2015, showed such patches to people and asked what they have in common.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab._system import memory
from u3lab.checks import SIDE, is_a, room, whole, words
from u3lab.datasets.labelled import ConceptData, batches, known, some
from u3lab.descent import gradients
from u3lab.dissection.dissecting import maps_of
from u3lab.errors import U3Error
from u3lab.inversion.codes import code
from u3lab.nets import Classifier, ready


class Peaks(NamedTuple):
    """For each unit its strongest pictures, the strongest first: activations (U,n), and the pictures' numbers (U,n)."""

    values: Tensor
    pictures: Tensor


def peaks(net: Classifier, layers: Sequence[str], data: ConceptData, *, count: int = 9) -> dict[str, Peaks]:
    """Layer → the ``count`` pictures in which each of its units has its largest activations.

    Raises:
        U3Error: No pictures, or a layer that the network does not have.
    """
    net, layers, data, count = ready(net), words("layers", layers), known(data), whole("count", count)
    best: dict[str, Peaks] = {}
    for start, batch in zip(range(0, len(data), 8), batches(data, batch_size=8), strict=True):
        for layer, maps in maps_of(net, layers, batch.images).items():
            top = maps.flatten(2).amax(2).T.float().cpu()  # (U,B)
            numbers = torch.arange(start, start + top.shape[1]).expand_as(top)
            if layer in best:
                top, numbers = torch.cat([best[layer].values, top], 1), torch.cat([best[layer].pictures, numbers], 1)
            kept = top.topk(min(count, top.shape[1]), 1)
            best[layer] = Peaks(kept.values, numbers.gather(1, kept.indices))
    memory.give_back()
    return best


def pooled(net: Classifier, layers: Sequence[str], pictures: Iterable[Tensor]) -> dict[str, Tensor]:
    """Layer → the means of its maps over all places (N,U), for batches of pictures (B,3,H,W): what probes read."""
    net, layers = ready(net), words("layers", layers)
    is_a("pictures", pictures, Iterable, "give a list of batches (B,3,H,W), such as [images]")
    means: dict[str, list[Tensor]] = {layer: [] for layer in layers}
    for images in pictures:
        for layer, maps in maps_of(net, layers, images).items():
            means[layer].append(maps.flatten(2).mean(2).cpu())
    if not means[layers[0]]:
        raise U3Error("there are no pictures to look at; give at least one batch")
    memory.give_back()
    return {layer: torch.cat(parts) for layer, parts in means.items()}


def patches(net: Classifier, layer: str, data: ConceptData, unit: int, found: Peaks, *, size: int = 96) -> Tensor:
    """The parts of its strongest pictures that a unit sees, (n,3,size,size): the receptive field of its best place.

    Raises:
        U3Error: A unit that the layer does not have, peaks of another layer or of other data.
    """
    net, data, size = ready(net), known(data), whole("size", size, 1, SIDE)
    values, numbers = is_a("found", found, Peaks, "give what dissection.peaks(net, layers, data)[layer] gives")
    unit = whole("unit", unit, 0, len(values) - 1)
    if (most := int(numbers[unit].max())) >= len(data):
        raise U3Error(f"found names picture {most}, the data have {len(data)}; give the data that the peaks are from")
    room(f"size = {size}", size, size, len(numbers[unit]))
    pictures = some(data, numbers[unit].tolist()).images
    if (units := maps_of(net, (layer,), pictures[:1])[layer].shape[1]) != len(values):
        raise U3Error(f"{layer} has {units} units, the peaks are of {len(values)}; give those of this layer")
    return torch.cat([seen(net, layer, picture[None], unit, size) for picture in pictures])


def seen(net: Classifier, layer: str, x: Tensor, unit: int, size: int) -> Tensor:
    """The part of a picture (1,3,H,W) that a unit depends on where it is largest, (1,3,size,size)."""
    at = x.detach().clone().requires_grad_()
    with torch.enable_grad():
        (gradient,) = gradients(code(net, layer, at)[0, unit].max(), [at], "the unit")
    touched = gradient.abs().sum((0, 1)) > 0
    if not touched.any():  # a unit that is silent in this picture
        return _square(x, size)
    rows, columns = (touched.any(axis).nonzero().flatten() for axis in (1, 0))
    return _square(x[..., rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], size)


def _square(x: Tensor, size: int) -> Tensor:
    return F.interpolate(x, size=(size, size), mode="bilinear", antialias=True).clamp(0, 1)
