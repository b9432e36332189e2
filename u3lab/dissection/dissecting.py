"""Network dissection: which concepts do single units detect?

    T_k:   P(a_k > T_k) = 0.005 over all places of all pictures
    M_k = [ a_k, enlarged to the labels' size, > T_k ]
    IoU(k, c) = Σ |M_k ∩ L_c| / Σ |M_k ∪ L_c|,   sums over the pictures that are labelled for c's category

Bau, Zhou, Khosla, Oliva & Torralba, Network dissection, CVPR 2017, section 2.2. Pictures are read twice, in batches,
and never kept; the layer's maps of the first ones are, so that memory stays bounded, and the network runs a second time
on the rest only. Whether units and concepts match one to one is counted on the result, with intervals.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

import torch
from torch import Tensor

from u3lab._system import memory
from u3lab.checks import is_a, is_plain, number, shown, whole, words
from u3lab.datasets.labelled import ConceptData, Labelled, batches, known
from u3lab.dissection.overlap import overlap, plain_overlap
from u3lab.dissection.quantiles import Quantiles, plain_quantile
from u3lab.errors import U3Error
from u3lab.measures import Interval, bootstrap
from u3lab.nets import Classifier, extract_features, ready

MADE = "make it with dissection.dissect(net, layer, data)"
SHARE, LEAST = 0.005, 0.04  # the paper's quantile, and its IoU from which on a unit counts as a detector
NAME = "give a name from net.layers"
GROUPS = 20  # of pictures, for intervals
KEPT = 64 * 2**20  # bytes of maps that the second reading need not compute again; 0 saves memory, not a number changes


@dataclass(frozen=True)
class Dissection:
    """What :func:`dissect` has counted at one layer: units against concepts.

    Attributes:
        concepts: Their names.
        thresholds: T_k, (U).
        seen: Histograms of the units: ``seen.upper(share)`` gives their thresholds at another share.
        intersection, union: Pixels of M_k ∩ L_c and of M_k ∪ L_c, (P,U,C) float64, apart for P groups of pictures.
    """

    layer: str
    concepts: tuple[str, ...]
    thresholds: Tensor
    seen: Quantiles
    intersection: Tensor
    union: Tensor

    @property
    def iou(self) -> Tensor:
        """IoU of each unit with each concept, (U,C) in [0,1]; 0 where there is no pixel at all."""
        return self.intersection.sum(0) / self.union.sum(0).clamp(min=1)

    def labels(self, least: float = LEAST) -> dict[int, tuple[str, float]]:
        """Unit → its best concept and IoU, for the units that reach ``least``, the best first."""
        best, least = self.iou.max(1), number("least", least, 0, 1)
        order = best.values.argsort(descending=True).tolist()
        return {k: (self.concepts[best.indices[k]], float(best.values[k])) for k in order if best.values[k] > least}

    def detectors(self, least: float = LEAST) -> dict[str, list[int]]:
        """Concept → the units that carry its label, the best first."""
        found: dict[str, list[int]] = {}
        for unit, (concept, _) in self.labels(least).items():
            found.setdefault(concept, []).append(unit)
        return found

    def weighted(self, often: Tensor) -> "Dissection":
        """This dissection of another sample of pictures, in which group p is ``often[p]`` times, (P) float64."""
        if not is_plain(often) or often.shape != self.intersection.shape[:1]:
            raise U3Error(f"often is {shown(often)}; give one number for each of the {len(self.intersection)} groups")
        return replace(self, **{name: torch.einsum("p,puc->uc", often.to(self.union), getattr(self, name))[None]
                                for name in ("intersection", "union")})


def plain_dissect(net: Classifier, layer: str, data: ConceptData, *, share: float = SHARE) -> Tensor:
    """IoU (U,C) by the three lines at the head of this file, for as many pictures as the memory holds.

    :func:`dissect` gives the same up to its thresholds, which come from a histogram.
    """
    with torch.no_grad():
        pictures = data[list(range(len(data)))]
        a = ready(net).features(pictures.images, layer).cpu()  # (N,U,h,w)
    T = plain_quantile(a, share)
    intersection, union = torch.zeros(2, len(T), len(data.names), dtype=torch.float64)
    for maps, masks, labelled in zip(a, pictures.masks, pictures.labelled, strict=True):
        shared, active, marked = plain_overlap(maps, T, masks)
        intersection += shared * labelled
        union += (active[:, None] + marked - shared) * labelled  # |M ∪ L| = |M| + |L| − |M ∩ L|
    return intersection / union.clamp(min=1)


def dissect(net: Classifier, layer: str, data: ConceptData, *, share: float = SHARE, batch_size: int = 8) -> Dissection:
    """Compare all units of a layer with all concepts.

    Args:
        layer: A name from ``net.layers`` whose activations have places, (B,U,h,w).
        data: Labelled pictures: ``u3course.worlds.concepts.load()``, or your own.
        share: The share of places at which a unit counts as active.
        batch_size: Pictures in a batch.

    Raises:
        U3Error: No pictures, a layer without places, activations that are not finite, masks that do not fit, a concept
            that has no pixel in any picture.
    """
    return dissect_layers(net, (layer,), data, share=share, batch_size=batch_size)[layer]


def dissect_layers(net: Classifier, layers: Sequence[str], data: ConceptData, *, share: float = SHARE,
                   batch_size: int = 8) -> dict[str, Dissection]:
    """Layer → its dissection, all from the same two passes; parameters as in :func:`dissect`."""
    net, layers, data = ready(net), words("layers", layers), known(data)
    share, batch_size = number("share", share, 0, 1, without_low=True), whole("batch_size", batch_size)
    seen: dict[str, Quantiles] = {}
    kept, room = [], KEPT
    for batch in batches(data, batch_size=batch_size):
        maps = _maps(net, layers, batch.images)
        for layer, values in maps.items():
            seen.setdefault(layer, Quantiles(values.shape[1])).add(values)
        room -= sum(values.nbytes for values in maps.values())
        if room >= 0:
            kept.append(maps)
    if not seen:
        raise U3Error("there are no pictures to dissect with; give at least one batch")
    thresholds = {layer: histograms.upper(share) for layer, histograms in seen.items()}
    second = ((kept[n] if n < len(kept) else _maps(net, layers, batch.images), batch)
              for n, batch in enumerate(batches(data, batch_size=batch_size)))
    sums, pixels = _count(second, thresholds, len(data.names), min(GROUPS, len(data)))
    kept.clear()
    memory.give_back()
    if (empty := [name for name, number in zip(data.names, pixels, strict=True) if number == 0]):
        more = f" and {len(empty) - 8} more" if len(empty) > 8 else ""
        raise U3Error(f"no picture has a pixel of {', '.join(empty[:8])}{more}; leave it out, or give more pictures")
    return {layer: Dissection(layer, tuple(data.names), thresholds[layer], seen[layer], *sums[layer])
            for layer in layers}


def _count(read: Iterable[tuple[dict[str, Tensor], Labelled]], thresholds: dict[str, Tensor], concepts: int,
           groups: int) -> tuple[dict[str, Tensor], Tensor]:
    """Layer → pixels of M_k ∩ L_c and of M_k ∪ L_c (2,P,U,C), and pixels of L_c (C), summed over pictures.

    ``read`` gives batches of maps (B,U,h,w) with their labels; picture n of all goes to group n modulo P.
    """
    sums = {layer: torch.zeros(2, groups, len(T), concepts, dtype=torch.float64) for layer, T in thresholds.items()}
    pixels, number = torch.zeros(groups, concepts, dtype=torch.float64), count()
    for maps, batch in read:
        for n, (masks, labelled) in enumerate(zip(batch.masks, batch.labelled.double(), strict=True)):
            group = next(number) % groups
            for layer, T in thresholds.items():
                shared, areas, sizes = overlap(maps[layer][n], T, masks)
                sums[layer][0, group] += shared * labelled
                sums[layer][1, group].addr_(areas, labelled)  # |M_k|, where it is labelled
            pixels[group] += sizes * labelled
    for intersection, union in sums.values():
        union += pixels[:, None] - intersection  # |M ∪ L| = |M| + |L| − |M ∩ L|
    return sums, pixels.sum(0)


def _maps(net: Classifier, layers: Sequence[str], images: Tensor) -> dict[str, Tensor]:
    """Layer → its activations (B,U,h,w) float32, laid out in rows, from one pass."""
    return {layer: maps.float().contiguous() for layer, maps in maps_of(net, layers, images).items()}


def maps_of(net: Classifier, layers: Sequence[str], images: Tensor) -> dict[str, Tensor]:
    """Layer → its activations (B,U,h,w), from one pass; U3Error if its units have no places, or they are not finite."""
    found = extract_features(net, [is_a("layer", layer, str, NAME) for layer in layers], images)
    for layer, maps in found.items():
        if maps.ndim != 4:
            raise U3Error(f"{layer} of {net.name} gives {tuple(maps.shape)}: its units have no places; choose a layer "
                          "before the pooling at the end")
        if not maps.sum().isfinite() and not maps.isfinite().all():  # a sum, which is quicker, shows it first
            raise U3Error(f"the activations of {layer} have NaN or infinite values; check the weights of {net.name}")
    return found


def interval(found: Dissection, statistic: Callable[[Dissection], float], *, times: int = 200,
             seed: int = 0) -> Interval:
    """A statistic of a dissection with its 95 % interval: the basic bootstrap over groups of pictures.

    A maximum over many units or concepts is biased upwards in a resample, so the interval is the basic one of
    :func:`u3lab.measures.bootstrap`.

    Raises:
        U3Error: Pictures that were not counted in at least five groups, a statistic that gives no number.
    """
    is_a("found", found, Dissection, MADE)
    is_a("statistic", statistic, Callable, "give a function of a dissection, such as dissection.unique_detectors")
    if (groups := len(found.intersection)) < 5:
        raise U3Error(f"the pictures were counted in {groups} groups; dissect at least five for an interval")

    def of_samples(often: Tensor) -> Tensor:
        values = [statistic(found.weighted(one)) for one in often]
        try:
            return torch.tensor(list(map(float, values)), dtype=torch.float64)
        except (TypeError, ValueError, RuntimeError):
            raise U3Error(f"the statistic gives {shown(values[0])}; let it return one number") from None

    return bootstrap(of_samples, groups, times=times, basic=True, seed=seed)


def unique_detectors(found: Dissection, *, least: float = LEAST) -> int:
    """How many different concepts have a detector: the paper's measure of a layer's interpretability."""
    return len(is_a("found", found, Dissection, MADE).detectors(least))


def by_category(found: Dissection, category: Mapping[str, str], *, least: float = LEAST) -> dict[str, int]:
    """Category → how many of its concepts have a detector."""
    is_a("found", found, Dissection, MADE)
    is_a("category", category, Mapping, "give a dict from concepts to categories, such as concepts.CATEGORY")
    if (missing := [name for name in found.concepts if name not in category]):
        raise U3Error(f"category has no {missing[0]!r}; give a category for each concept of the dissection")
    counted = dict.fromkeys(category[name] for name in found.concepts)
    detected = found.detectors(least)
    return {one: sum(category[name] == one for name in detected) for one in counted}


def concepts_per_unit(found: Dissection, *, least: float = LEAST) -> Tensor:
    """How many concepts each unit reaches ``least`` with, (U) int64."""
    return _reached(found, least).sum(1)


def units_per_concept(found: Dissection, *, least: float = LEAST) -> Tensor:
    """How many units reach ``least`` with each concept, (C) int64."""
    return _reached(found, least).sum(0)


def _reached(found: Dissection, least: float) -> Tensor:
    return is_a("found", found, Dissection, MADE).iou > number("least", least, 0, 1)
