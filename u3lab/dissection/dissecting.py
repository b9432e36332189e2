"""Network dissection: which concepts do single units detect?

    T_k:   P(a_k > T_k) = 0.005 over all places of all pictures
    M_k = [ a_k, enlarged to the labels' size, > T_k ]
    IoU(k, c) = Σ |M_k ∩ L_c| / Σ |M_k ∪ L_c|,   sums over the pictures that are labelled for c's category

Bau, Zhou, Khosla, Oliva & Torralba, Network dissection, CVPR 2017, section 2.2. Pictures are read twice, in batches,
and never kept. Under torchrun each process gives its own share of the pictures, and all get the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor

from u3lab.datasets.labelled import ConceptData, batches
from u3lab.dissection.quantiles import Quantiles, together
from u3lab.errors import U3Error
from u3lab.nets import Classifier

SHARE, LEAST = 0.005, 0.04  # the paper's quantile, and its IoU from which on a unit counts as a detector
GROUPS = 20  # of pictures, for intervals


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
        Pixels of M_k ∩ L_c and of M_k ∪ L_c, (P,U,C) float64, apart for P groups of pictures.
    """

    layer: str
    concepts: tuple[str, ...]
    thresholds: Tensor
    common: Tensor
    either: Tensor

    @property
    def iou(self) -> Tensor:
        """IoU of each unit with each concept, (U,C) in [0,1]; 0 where there is no pixel at all."""
        return self.common.sum(0) / self.either.sum(0).clamp(min=1)

    def labels(self, least: float = LEAST) -> dict[int, tuple[str, float]]:
        """Unit → its best concept and IoU, for the units that reach ``least``, the best first."""
        best = self.iou.max(1)
        order = best.values.argsort(descending=True).tolist()
        return {k: (self.concepts[best.indices[k]], float(best.values[k])) for k in order if best.values[k] > least}

    def detectors(self, least: float = LEAST) -> dict[str, list[int]]:
        """Concept → the units that carry its label, the best first."""
        found: dict[str, list[int]] = {}
        for unit, (concept, _) in self.labels(least).items():
            found.setdefault(concept, []).append(unit)
        return found

    def resampled(self, times: int = 200, seed: int = 0) -> Iterator[Dissection]:
        """The bootstrap: this dissection of other samples of pictures, groups drawn with replacement.

        Raises
        ------
        U3Error
            Pictures that were not counted in groups.
        """
        groups = len(self.common)
        if groups < 5:
            raise U3Error(f"the pictures were counted in {groups} groups; dissect at least five for an interval")
        draw = torch.Generator().manual_seed(seed)
        for _ in range(times):
            chosen = torch.bincount(torch.randint(groups, (groups,), generator=draw), minlength=groups).double()
            common, either = (torch.einsum("p,puc->uc", chosen, part)[None] for part in (self.common, self.either))
            yield replace(self, common=common, either=either)


def dissect(net: Classifier, layer: str, data: ConceptData, share: float = SHARE, size: int = 16) -> Dissection:
    """Compare all units of a layer with all concepts.

    Parameters
    ----------
    layer
        A name from ``net.layers`` whose activations have places, (B,U,h,w).
    data
        Labelled pictures: ``datasets.concepts.load()``, ``datasets.concepts.broden(path)``, or your own.
    share
        The share of places at which a unit counts as active.
    size
        Pictures in a batch.

    Raises
    ------
    U3Error
        No pictures, a layer without places, activations that are not finite, masks that do not fit, a concept that has
        no pixel in any picture.
    """
    groups = min(GROUPS, len(data))
    mine = range(dist.get_rank(), len(data), dist.get_world_size()) if together() else range(len(data))
    seen = quantiles(net, layer, (batch.images for batch in batches(data, size, mine)))
    seen.gather()
    thresholds = seen.upper(share)
    common, either = (torch.zeros(groups, len(thresholds), len(data.names), dtype=torch.float64) for _ in range(2))
    pixels, number = torch.zeros(len(data.names), dtype=torch.float64), iter(mine)
    for batch in batches(data, size, mine):
        with torch.no_grad():
            maps = net.features(batch.images, layer).float()
        for activation, masks, labelled in zip(maps, batch.masks, batch.labelled, strict=True):
            shared, areas, sizes = overlap(activation, thresholds, masks)
            group = next(number) % groups
            common[group] += shared * labelled
            either[group] += (areas[:, None] + sizes - shared) * labelled
            pixels += sizes * labelled
    if together():
        for counted in (common, either, pixels):
            dist.all_reduce(counted)
    if (empty := [name for name, count in zip(data.names, pixels, strict=True) if count == 0]):
        raise U3Error(f"no picture has a pixel of {', '.join(empty)}; leave it out, or give more pictures")
    return Dissection(layer, tuple(data.names), thresholds, common, either)


def overlap(activation: Tensor, thresholds: Tensor, masks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels in one picture: of M_k ∩ L_c (U,C), of M_k (U) and of L_c (C), float64.

    ``activation`` is (U,h,w), ``thresholds`` (U), ``masks`` (C,H,W) bool. All pairs are one product of matrices, over
    the concepts that the picture has and the units that are active in it: enlarging never goes over a map's maximum.
    """
    inside, thresholds = masks.flatten(1), thresholds.to(activation)
    sizes = inside.sum(1)
    shared, areas = (torch.zeros(len(thresholds), *shape, dtype=torch.float64) for shape in ((len(masks),), ()))
    awake = (activation.flatten(1).amax(1) > thresholds).nonzero()[:, 0]
    if len(awake):
        large = F.interpolate(activation[None, awake], size=masks.shape[-2:], mode="bilinear", align_corners=False)[0]
        active = (large > thresholds[awake, None, None]).flatten(1)
        shown, units = sizes.nonzero()[:, 0], awake.cpu()
        shared[units[:, None], shown] = (active.float() @ inside[shown].T.to(activation)).double().cpu()
        areas[units] = active.sum(1).double().cpu()
    return shared, areas, sizes.double()


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
