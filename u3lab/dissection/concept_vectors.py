"""Net2Vec: a concept as a direction in the units of a layer.

    p(x) = sigmoid( enlarged Σ_k w_k A_k(x) ),     A_k = [ a_k > T_k ]
    min over w   − mean ( α y p + (1−α)(1−y)(1−p) )

Fong & Vedaldi, Net2Vec, CVPR 2018, section 3. y is the concept's mask and α one minus its mean share of the pictures,
so that small concepts are not drowned by what is around them. Only pictures that show the concept take part. As in the
paper the descent is plain gradients with momentum: a weight grows with what its unit says about the concept, and |w_k|
ranks the units. Adam moves all weights at one pace, and its ranking is worth nothing.

The concept kernel (section 5) asks which concepts a network holds alike, and whether two networks agree on that,

    K_ij = ⟨w_i, w_j⟩,        similarity(Φ, Ψ) = Σ K^Φ ⊙ K^Ψ / (‖K^Φ‖ ‖K^Ψ‖)

with each w_i brought to length 1. Every concept is like itself, in every network: with the diagonal, two random
embeddings of twenty concepts already agree to 0.8. So the diagonal is left out here, and a permutation of the concepts
says what chance gives.

Ways to find where a concept is, by name, from one unit of a layer or from all of them:

    found = FINDERS["all units"](active, masks)      # learnt from binary activations A (N,U,h,w) and masks (N,H,W)
    found(others, (H, W))                            # where it is in other pictures: (M,H,W) bool

A new way is one function, one line in ``FINDERS``, and one test of its numbers;
``tests/u3lab/dissection/test_contract.py`` holds every line to its word.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.checks import STEPS, booleans, number, room, shown, tensors, whole, wholes
from u3lab.descent import descend, last, uncompiled
from u3lab.dissection.dissecting import maps_of
from u3lab.errors import U3Error
from u3lab.measures import probe
from u3lab.nets import Classifier, ready
from u3lab.settings import or_default, setting, settings

COMPARE = "compare the features with the units' thresholds, or take masks > 0.5"
MOMENTUM = partial(uncompiled(torch.optim.SGD), momentum=0.9)


@settings
class Net2VecSettings:
    """Settings of :func:`net2vec`."""

    lr: float = setting(10.0, 0.01, 1000.0, scale="log", symbol="η", help="learning rate, for a mean over pixels")
    steps: int = setting(100, 1, 5000, once=True, help="number of steps, each over all pictures")
    seed: int = setting(0, 0, 2**31 - 1, once=True, help="seed of the first weights")


def binarise(net: Classifier, layer: str, images: Tensor, thresholds: Tensor) -> Tensor:
    """A (N,U,h,w) bool: where each unit is over its threshold T (U), at the layer's own resolution."""
    net = ready(net, images)
    tensors(thresholds=(thresholds, "U"))

    def over(part: Tensor) -> Tensor:
        maps = maps_of(net, (layer,), part)[layer].cpu()
        if maps.shape[1] != len(thresholds):
            raise U3Error(f"{layer} has {maps.shape[1]} units, not {len(thresholds)}; give one threshold for each")
        return maps > thresholds[:, None, None]

    return torch.cat([over(part) for part in images.split(8)])


def segment(weight: Tensor, active: Tensor, size: tuple[int, int]) -> Tensor:
    """p (N,H,W) in (0,1): where the concept with this vector (U) is, from binary activations (N,U,h,w)."""
    tensors(weight=(weight, "U"), active=(active, "NUhw"))
    booleans(COMPARE, active=(active, "NUhw"))
    return enlarge(weighted_sum(active)(weight.float()), sides(size, len(active))).sigmoid()


def sides(size: object, count: int) -> tuple[int, int]:
    """(H,W), if masks of that size can be made for so many pictures."""
    if len(size := wholes("size", size)) != 2:
        raise U3Error(f"size = {size}; give height and width in pixels, such as (113, 113)")
    room(f"size = {tuple(size)}", *size, count)
    return tuple(size)


def weighted_sum(active: Tensor) -> Callable[[Tensor], Tensor]:
    """The function that takes w (U) to Σ_k w_k A_k (N,h,w).

    A is binary and mostly 0, so at each place the weights of the few units that are on are added up, and no others.
    :func:`plain_weighted_sum` adds up all.
    """
    count, _, height, width = active.shape
    places, voters = active.movedim(1, 3).flatten(0, 2).nonzero().unbind(1)
    nothing = torch.zeros(count * height * width)
    return lambda w: nothing.scatter_add(0, places, w.gather(0, voters)).view(count, height, width)


def plain_weighted_sum(active: Tensor, w: Tensor) -> Tensor:
    """Σ_k w_k A_k (N,h,w), of A (N,U,h,w) and w (U)."""
    return torch.einsum("nkij,k->nij", active.float(), w)


def enlarge(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """:func:`plain_enlarge` as two products of matrices: many times faster to go back through."""
    down, across = (F.interpolate(torch.eye(old)[None, None].to(maps), size=(new, old), mode="bilinear",
                                  align_corners=False)[0, 0] for old, new in zip(maps.shape[-2:], size, strict=True))
    return down @ maps @ across.T


def plain_enlarge(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear enlargement of (N,h,w) or (N,C,h,w) to the same with (H,W)."""
    four = maps if maps.ndim == 4 else maps[:, None]
    return F.interpolate(four, size=size, mode="bilinear", align_corners=False).view(*maps.shape[:-2], *size)


def concept_loss(p: Tensor, masks: Tensor) -> Tensor:
    """−mean(α y p + (1−α)(1−y)(1−p)) for p in (0,1) and masks (N,H,W): linear in p, a scalar."""
    y = masks.to(p)
    alpha = 1 - y.mean()
    return -(alpha * y * p + (1 - alpha) * (1 - y) * (1 - p)).mean()


def iou_set(predicted: Tensor, masks: Tensor) -> float:
    """Σ|P ∩ L| / Σ|P ∪ L| over all pictures (N,H,W), both bool; 0 if both are empty.

    Raises:
        U3Error: Masks of another size or another number, or not bool.
    """
    booleans("for example segment(w, active, size) > 0.5", predicted=(predicted, "NHW"), masks=(masks, "NHW"))
    either = (predicted | masks).sum()
    return float((predicted & masks).sum() / either) if either else 0.0


def net2vec(active: Tensor, masks: Tensor, *, filters: int | None = None,
            settings: Net2VecSettings | None = None) -> Tensor:
    """The concept's vector w (U).

    Args:
        active: A, (N,U,h,w) bool: ``net.features(images, layer) > thresholds[:, None, None]``.
        masks: y, (N,H,W) bool, each with at least one pixel of the concept.
        filters: F: fit once, keep the F units with the largest |w|, and fit these again; the others are 0. All by
            default.

    Raises:
        U3Error: Shapes that do not fit, a picture without the concept, a number of filters that there is not.
    """
    settings = or_default(settings, Net2VecSettings)
    check(active, masks, filters)
    w = _fit(active, masks, torch.ones(active.shape[1], dtype=torch.bool), settings)
    return w if filters is None else _refit(w, active, masks, filters, settings)


def filter_curve(fit: tuple[Tensor, Tensor], held_out: tuple[Tensor, Tensor], counts: Sequence[int], *,
                 settings: Net2VecSettings | None = None) -> Iterator[float]:
    """IoU_set on held-out pictures with the best F units, for each F of ``counts``: how many does a concept need?

    Both pairs are activations A (N,U,h,w) and masks (N,H,W), as :func:`net2vec` takes them. What does not fit is told
    at the call.
    """
    settings = or_default(settings, Net2VecSettings)
    for name, pair in {"fit": fit, "held_out": held_out}.items():
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise U3Error(f"{name} is {shown(pair)}; give a pair (active, masks)")
    check(*fit)
    booleans(COMPARE, active=(held_out[0], "NUhw"), masks=(held_out[1], "NHW"))
    units = fit[0].shape[1]
    if held_out[0].shape[1] != units:
        raise U3Error(f"held_out has {held_out[0].shape[1]} units, fit {units}; give those of one layer")
    return _filter_curve(fit, held_out, wholes("counts", counts, 1, units), settings)


def _filter_curve(fit: tuple[Tensor, Tensor], held_out: tuple[Tensor, Tensor], counts: list[int],
                  settings: Net2VecSettings) -> Iterator[float]:
    active, masks = held_out
    ranked = net2vec(*fit, settings=settings)
    for filters in counts:
        w = _refit(ranked, *fit, filters, settings)
        yield iou_set(segment(w, active, tuple(masks.shape[1:])) > 0.5, masks)


def direction(features: Tensor, shown: Tensor, *, C: float = 1.0, seed: int = 0) -> Tensor:
    """The concept's vector w (U) for classification: which pictures show it? Fong & Vedaldi, section 3.2.

    A logistic regression on as many pictures with the concept as without, drawn by ``seed``.

    Args:
        features: Averaged over places, (N,U): ``net.features(images, layer).mean((2, 3))``.
        shown: (N) bool: which pictures show the concept.
        C: As in :func:`u3lab.measures.probe`.

    Raises:
        U3Error: Shapes that do not fit, NaN, a concept that all pictures show, or none.
    """
    tensors(features=(features, "NU"), shown=(shown, "N"))
    booleans("say which pictures show it, True or False", shown=(shown, "N"))
    C, seed = number("C", C, 0, without_low=True), whole("seed", seed, 0)
    if not shown.any() or shown.all():
        raise U3Error(f"{int(shown.sum())} of {len(shown)} pictures show the concept; give some with it, some without")
    draw = torch.Generator().manual_seed(seed)
    sides = [one[torch.randperm(len(one), generator=draw)] for one in (shown.nonzero()[:, 0], (~shown).nonzero()[:, 0])]
    chosen = torch.cat([side[: min(map(len, sides))] for side in sides])
    found = probe(features[chosen], shown[chosen].long(), C=C)
    return ((found.weight[1] - found.weight[0]) / found.spread).float()


def best_filter(active: Tensor, masks: Tensor) -> tuple[int, float]:
    """The single unit that segments a concept best, and its IoU: on where its enlarged map is more than one half."""
    check(active, masks)
    ious, target = [], masks[:, None]
    for units in active.split(4, 1):  # so few that their enlarged maps stay in the cache
        on = enlarge(units.float(), tuple(masks.shape[1:])) > 0.5
        ious.append((on & target).sum((0, 2, 3)) / (on | target).sum((0, 2, 3)))
    best = torch.cat(ious).max(0)
    return int(best.indices), float(best.values)


def _refit(w: Tensor, active: Tensor, masks: Tensor, filters: int, settings: Net2VecSettings) -> Tensor:
    """The vector of the F units with the largest |w|, fitted anew."""
    if filters == len(w):
        return w
    kept = torch.zeros(len(w), dtype=torch.bool)
    kept[w.abs().topk(filters).indices] = True
    return _fit(active, masks, kept, settings)


def _fit(active: Tensor, masks: Tensor, kept: Tensor, settings: Net2VecSettings) -> Tensor:
    """w over the kept units (bool, U), 0 elsewhere."""
    mix, size = weighted_sum(active[:, kept]), tuple(masks.shape[1:])
    draw, units = torch.Generator().manual_seed(settings.seed), int(kept.sum())
    w = ((2 * torch.rand(units, generator=draw) - 1) / units**0.5).requires_grad_()

    def energy() -> tuple[Tensor, dict[str, Tensor]]:
        p = enlarge(mix(w), size).sigmoid()
        return p[:1, None], {"error": concept_loss(p, masks)}

    last(descend(w, energy, steps=settings.steps, lr=lambda: settings.lr, optimiser=MOMENTUM))
    found = torch.zeros(len(kept))
    found[kept] = w.detach()
    return found


def check(active: Tensor, masks: Tensor, filters: int | None = None) -> None:
    """Refuse what a concept cannot be learnt from."""
    booleans(COMPARE, active=(active, "NUhw"), masks=(masks, "NHW"))
    if not masks.flatten(1).any(1).all():
        raise U3Error("a picture has no pixel of the concept; leave it out: masks.flatten(1).any(1) says which")
    if filters is not None:
        whole("filters", filters, 1, active.shape[1])


Found = Callable[[Tensor, tuple[int, int]], Tensor]  # A (M,U,h,w) bool, (H,W) → (M,H,W) bool


@dataclass(frozen=True)
class Finder:
    """One way. Called with (active, masks), it gives a function that finds the concept in other pictures.

    Attributes:
        learn: (A (N,U,h,w), masks (N,H,W)), both bool → that function.
        units: How many units it looks at, at most; None for all of them.
        searches: Whether it goes step by step: seconds a concept, not milliseconds.
    """

    learn: Callable[[Tensor, Tensor], Found]
    units: int | None = None
    searches: bool = False

    def __call__(self, active: Tensor, masks: Tensor) -> Found:
        """The function that was learnt; slips are told as by :func:`u3lab.dissection.net2vec`."""
        check(active, masks)
        learnt, units = self.learn(active, masks), active.shape[1]

        def found(others: Tensor, size: tuple[int, int]) -> Tensor:
            booleans(COMPARE, active=(others, "NUhw"))
            if others.shape[1] != units:
                raise U3Error(f"active has {others.shape[1]} units, it was learnt from {units}; give one layer's")
            return learnt(others, sides(size, len(others)))

        return found


def everywhere(active: Tensor, masks: Tensor) -> Found:
    """The floor: it is everywhere."""
    return lambda others, size: torch.ones(len(others), *size, dtype=torch.bool)


def one_unit(active: Tensor, masks: Tensor) -> Found:
    """Network dissection: where the unit that does best on its own is on, its map enlarged to the masks' size."""
    unit, _ = best_filter(active, masks)
    return lambda others, size: enlarge(others[:, unit].float(), size) > 0.5


def vote(active: Tensor, masks: Tensor, *, filters: int | None = None) -> Found:
    """Net2Vec: where the units' weighted sum says so."""
    w = net2vec(active, masks, filters=filters)
    return lambda others, size: segment(w, others, size) > 0.5


FINDERS: dict[str, Finder] = {
    "everywhere": Finder(everywhere, units=0),
    "one unit": Finder(one_unit, units=1),
    "three units": Finder(partial(vote, filters=3), units=3, searches=True),
    "all units": Finder(vote, searches=True),
}


def concept_kernel(vectors: Tensor) -> Tensor:
    """K (C,C) of concept vectors (C,U): cosines, 1 on the diagonal.

    Raises:
        U3Error: Not a matrix, or a vector of zeros.
    """
    tensors(vectors=(vectors, "CU"))
    if len(vectors) < 2:
        raise U3Error(f"vectors of shape {tuple(vectors.shape)}: give (C,U), one row for each of at least two concepts")
    if (lengths := vectors.norm(dim=1)).min() == 0:
        raise U3Error(f"the vector of concept {int(lengths.argmin())} is zero: it has no direction; leave it out")
    unit = F.normalize(vectors.double(), dim=1)
    return unit @ unit.T


def kernel_similarity(first: Tensor, second: Tensor, *, diagonal: bool = False) -> float:
    """How much two kernels (C,C) of the same concepts, in one order, agree, in [−1,1].

    ``diagonal`` counts each concept with itself.

    Raises:
        U3Error: Kernels of different sizes, or not square.
    """
    tensors(first=(first, "CC"), second=(second, "CC"))
    first, second = first.double(), second.double()
    counted = torch.ones_like(first) if diagonal else 1 - torch.eye(len(first), dtype=first.dtype)
    a, b = first * counted, second * counted
    return float((a * b).sum() / (a.norm() * b.norm()).clamp(min=1e-300))


def chance_similarity(first: Tensor, second: Tensor, *, times: int = 200, seed: int = 0) -> list[float]:
    """The similarity when the second network's concepts are shuffled, ``times`` over: what no agreement looks like."""
    tensors(first=(first, "CC"), second=(second, "CC"))
    times, seed = whole("times", times, 1, STEPS), whole("seed", seed, 0)
    draw = torch.Generator().manual_seed(seed)
    orders = [torch.randperm(len(second), generator=draw) for _ in range(times)]
    return [kernel_similarity(first, second[order][:, order]) for order in orders]
