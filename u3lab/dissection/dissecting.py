"""Network dissection: which concepts do single units detect?

    T_k:   P(a_k > T_k) = 0.005 over all places of all pictures
    M_k = [ a_k, enlarged to the labels' size, > T_k ]
    IoU(k, c) = Σ |M_k ∩ L_c| / Σ |M_k ∪ L_c|,   sums over the pictures that are labelled for c's category

Bau, Zhou, Khosla, Oliva & Torralba, Network dissection, CVPR 2017, section 2.2. Pictures are read twice, in batches,
and never kept. Under torchrun each process gives its own share of the pictures, and all get the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor

from u3lab.dissection.quantiles import Quantiles, together
from u3lab.errors import U3Error
from u3lab.nets import Classifier

SHARE, LEAST = 0.005, 0.04  # the paper's quantile, and its IoU from which on a unit counts as a detector


class Labelled(NamedTuple):
    """A batch of pictures with dense labels.

    ``images`` are (B,3,H,W) in [0,1]; ``masks`` (B,C,h,w) bool, one for each concept, which may overlap; ``labelled``
    (B,C) bool says for which concepts a picture was looked at at all.
    """

    images: Tensor
    masks: Tensor
    labelled: Tensor


@dataclass(frozen=True)
class Dissection:
    """What :func:`dissect` has counted at one layer: units against concepts.

    Attributes
    ----------
    concepts
        Their names.
    thresholds
        T_k, (U).
    common, either
        Pixels of M_k ∩ L_c and of M_k ∪ L_c, (U,C) float64.
    """

    layer: str
    concepts: tuple[str, ...]
    thresholds: Tensor
    common: Tensor
    either: Tensor

    @property
    def iou(self) -> Tensor:
        """IoU of each unit with each concept, (U,C) in [0,1]; 0 where there is no pixel at all."""
        return self.common / self.either.clamp(min=1)

    def labels(self, least: float = LEAST) -> dict[int, tuple[str, float]]:
        """Unit → its best concept and IoU, for the units that reach ``least``, the best first."""
        best = self.iou.max(1)
        order = best.values.argsort(descending=True).tolist()
        return {k: (self.concepts[best.indices[k]], float(best.values[k])) for k in order if best.values[k] > least}


def dissect(net: Classifier, layer: str, batches: Callable[[], Iterable[Labelled]], concepts: tuple[str, ...],
            share: float = SHARE) -> Dissection:
    """Compare all units of a layer with all concepts.

    Parameters
    ----------
    layer
        A name from ``net.layers`` whose activations have places, (B,U,h,w).
    batches
        Called twice; gives the pictures in batches, the same ones both times.
    concepts
        A name for each channel of the masks.
    share
        The share of places at which a unit counts as active.

    Raises
    ------
    U3Error
        No pictures, a layer without places, activations that are not finite, masks that do not fit, a concept that has
        no pixel in any picture.
    """
    seen = quantiles(net, layer, (batch.images for batch in batches()))
    seen.gather()
    thresholds = seen.upper(share)
    common = either = pixels = None
    for batch in batches():
        _fits(batch, concepts)
        if common is None:
            common, either = (torch.zeros(len(thresholds), len(concepts), dtype=torch.float64) for _ in range(2))
            pixels = torch.zeros(len(concepts), dtype=torch.float64)
        with torch.no_grad():
            maps = net.features(batch.images, layer).float()
        for activation, masks, labelled in zip(maps, batch.masks, batch.labelled, strict=True):
            active = _enlarged(activation, masks.shape[-2:]) > thresholds[:, None].to(activation)
            areas, inside = active.sum(1).double().cpu(), masks.flatten(1)
            shared = active.float() @ inside.T.to(activation)  # (U,C): pixels that both have
            shared, size = shared.double().cpu() * labelled, inside.sum(1).double() * labelled
            common += shared
            either += areas[:, None] * labelled + size - shared
            pixels += size
    if together():
        for counted in (common, either, pixels):
            dist.all_reduce(counted)
    if (empty := [name for name, count in zip(concepts, pixels, strict=True) if count == 0]):
        raise U3Error(f"no picture has a pixel of {', '.join(empty)}; leave it out, or give more pictures")
    return Dissection(layer, tuple(concepts), thresholds, common, either)


def quantiles(net: Classifier, layer: str, images: Iterable[Tensor]) -> Quantiles:
    """What the units of a layer do over batches of pictures (B,3,H,W)."""
    found: Quantiles | None = None
    for batch in images:
        with torch.no_grad():
            maps = net.features(batch, layer)
        if maps.ndim != 4:
            raise U3Error(f"{layer} of {net.name} gives {tuple(maps.shape)}: its units have no places; choose a layer "
                          "before the pooling at the end")
        found = found or Quantiles(maps.shape[1])
        found.add(maps)
    if found is None:
        raise U3Error("there are no pictures to dissect with; give at least one batch")
    return found


def _enlarged(activation: Tensor, size: tuple[int, int]) -> Tensor:
    """Maps (U,h,w) → (U,H·W), bilinear."""
    return F.interpolate(activation[None], size=size, mode="bilinear", align_corners=False)[0].flatten(1)


def _fits(batch: Labelled, concepts: tuple[str, ...]) -> None:
    count, masks = len(batch.images), batch.masks
    if masks.shape[:2] != (count, len(concepts)) or batch.labelled.shape != (count, len(concepts)) or masks.ndim != 4:
        raise U3Error(f"{count} pictures and {len(concepts)} concepts need masks ({count},{len(concepts)},h,w) and "
                      f"labelled ({count},{len(concepts)}), not {tuple(masks.shape)} and {tuple(batch.labelled.shape)}")
    if masks.dtype != torch.bool or batch.labelled.dtype != torch.bool:
        raise U3Error(f"masks of {masks.dtype}: give bool, for example masks > 0.5")
