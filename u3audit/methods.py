"""The maps of all methods: is each defined, does it outlive shuffled weights, where does it lie, how does it delete?"""

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from u3audit.drawing import View, heat, plane, shown
from u3audit.parts import Section, settings
from u3audit.wording import NONE, percent, sentence
from u3lab.audit.cases import Cases, log_odds, region_in, score, some_of
from u3lab.audit.looking import located
from u3lab.errors import U3Error
from u3lab.measures import auc, rank_correlation
from u3lab.nets import Classifier, Region, ready
from u3lab.saliency import METHODS, Method, deletion_curve, randomise_downwards
from u3lab.saliency.perturbation import enlarge

SAMPLED = {2: 3, 3: 1}  # axes → pictures whose maps are shown
# Rank correlation with the map of shuffled weights, below which a map is one of the network. The gradient of a U-Net,
# which lies at the region whatever was learnt (``claims``), has .4 to .6.
GATE = 0.3
STEPS = 10  # of a deletion curve


def maps(net: nn.Module, cases: Cases, positive: int | str, seed: int) -> Section:
    """All methods on the first positives that the network finds; the first that passes, on as many as occlusion."""
    net = ready(net)
    seen = (cases.positive & (score(net, cases.images, positive) > 0)).nonzero()[:, 0]
    if not len(seen):
        raise U3Error("the network finds no positive, so there is nothing to draw a map of")
    which = seen[: SAMPLED[cases.images.ndim - 2]]
    images = cases.images[which]
    asked = asked_of(net, images, positive)
    drawn, kept, missing = drawn_by(net, images, asked, seed)
    fits = {name: left is not None and left < GATE and bool(drawn[name].any()) for name, left in kept.items()}
    table = []
    for name, map in drawn.items():
        outside, lesion = located(map, cases, which)
        gate = "not asked: it searches" if kept[name] is None else (
            f"{kept[name]:.2f}, {'passes' if fits[name] else 'does not pass'}".replace("-", "−"))
        table.append([name, gate if map.any() else "the map is empty", percent(outside.value) if outside else NONE,
                      f"{lesion.value:.1f}" if lesion else NONE, deleted(net, images, asked, map)])
    passed = next((name for name, well in fits.items() if well and name != "occlusion"), None)
    facts: dict[str, Any] = {"passed": passed}
    if passed:  # it alone on as many positives as occlusion
        many = some_of(seen, settings(cases)["most"], seed)
        map = torch.cat([map_of(net, METHODS[passed], x, asked_of(net, x, positive))
                         for x in cases.images[many].split(1)])
        facts |= dict(zip(("outside", "lesion"), located(map, cases, many), strict=True)) | {"asked": len(many)}
    told = [sentence("maps", "gate", pictures=len(which), gate=GATE), sentence("maps", "deletion"),
            *(sentence("maps", "missing", names=", ".join(names), why=why) for why, names in missing.items())]
    head = ["method", "left after shuffling", "outside the body", "on the finding ÷ its area", "deletion"]
    return Section(told, head, table, pictures(drawn, cases, which), facts)


def drawn_by(net: Classifier, images: Tensor, asked: int | str | Region, seed: int) -> tuple[
        dict[str, Tensor], dict[str, float | None], dict[str, list[str]]]:
    """Method → its map, and → the rank correlation with that of shuffled weights (None: it searches, and is not asked);
    and why others are not drawn → their names."""
    drawn, kept, missing, broken = {}, {}, {}, shuffled(net, seed)
    for name, method in METHODS.items():
        if images.ndim == 5 and (method.optimises or name == "occlusion"):
            missing.setdefault("it takes minutes for a volume", []).append(name)
            continue
        try:
            map = map_of(net, method, images, asked)
            left = None if method.optimises else rank_correlation(map, map_of(broken, method, images, asked))
        except Exception as error:  # of the user's module too: one method less, and no more
            missing.setdefault(" ".join(str(error).split()), []).append(name)
            continue
        drawn[name], kept[name] = map, left
    return drawn, kept, missing


def shuffled(net: Classifier, seed: int) -> Classifier:
    """The same network with nothing left of what it learnt."""
    *_, (_, broken) = [("", net), *randomise_downwards(net, seed=seed)]  # one without weights stays as it is
    return broken


def asked_of(net: Classifier, images: Tensor, positive: int | str) -> int | str | Region:
    """The class, as methods take it; of a network for segmentation what it sees, on its own grid."""
    scores = net.logits(images)
    label = 0 if scores.shape[1] == 1 else positive
    return label if scores.ndim == 2 else Region(label, region_in(log_odds(net, scores, positive)))


def map_of(net: Classifier, method: Method, images: Tensor, asked: int | str | Region) -> Tensor:
    """The method's heat, as large as the pictures, (n,1,…)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is empty: the table says so
        return enlarge(method(net, images, asked).float().cpu(), images)


def deleted(net: Classifier, images: Tensor, asked: int | str | Region, map: Tensor) -> str:
    """The area under the deletion curves of pictures, in words."""
    regions = asked.each(len(images)) if isinstance(asked, Region) else [asked] * len(images)
    try:
        areas = [auc(*deletion_curve(net, *one, steps=STEPS))
                 for one in zip(images.split(1), regions, map.split(1), strict=True)]
    except U3Error:
        return NONE  # not defined for volumes
    return percent(sum(areas) / len(areas))


def pictures(drawn: dict[str, Tensor], cases: Cases, which: Tensor) -> list[list[View]]:
    """A row for each picture: it, and all its maps."""
    rows = []
    for n, k in enumerate(which.tolist()):
        image = cases.images[k]
        outline = None if cases.outlines is None or not cases.outlines[k].any() else cases.outlines[k]
        at = plane(next(iter(drawn.values()))[n] if outline is None else outline)
        row = [View(shown([image], at, outline)[0], f"Picture {k + 1}{'' if outline is None else ' with its outline'}.",
                    f"picture {k + 1}")]
        row += [View(heat(image, map[n], at), f"The map of {name} over picture {k + 1}"
                     f"{'' if map[n].any() else '; it is empty'}.", name) for name, map in drawn.items()]
        rows.append(row)
    return rows
