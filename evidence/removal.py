"""Remove the thing, or remove the mask: what is left of an answer without the thing, and without the mask?

    python -m evidence removal  # results/removal.json, 15 minutes

For each picture the smallest perturbation is found, and the probability of the class is read with the thing taken away,
with the mask, and with either part of the mask: on the thing, and off it. Each saliency method is asked as well which
share of its map lies on the thing.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch

from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell
from u3course.lessons.saliency.things import BEHIND, Thing, known, outlined, pasted, probability, smallest
from u3lab import nets, saliency
from u3lab.datasets import photos
from u3lab.nets import Classifier
from u3lab.saliency import METHODS, MaskSettings
from u3lab.saliency.perturbation import enlarge

NETWORKS = ("squeezenet1_1", "efficientnet_lite0")
KINDS = {"pasted": pasted, "outlined": outlined}
BASELINES = ("blur", "grey", "noise")
ASKED = ("edges (no network)", "gradient", "deconvnet", "guided", "smooth grad", "integrated gradients",
         "modulated gradient", "LRP ε", "LRP z⁺", "LRP α2β1", "excitation", "contrastive excitation", "Grad-CAM",
         "guided Grad-CAM")
STEPS = 150

Run = NamedTuple("Run", [("network", str), ("kind", str), ("picture", str)])
"""One picture, "pasted" or "outlined", on one network."""

Row = NamedTuple("Row", [("whole", float), ("exact", float), ("blur", float), ("grey", float), ("noise", float),
    ("mask", float), ("on", float), ("off", float), ("elsewhere", float), ("nothing", float), ("thing_area", float),
    ("mask_area", float), ("mask_share", float), ("shares", dict[str, float])])
"""What was measured; probabilities are of the picture's class, areas and shares in [0,1].

``whole`` is of the picture as it is, ``exact`` of the photo behind the thing (NaN where that is not known), ``blur``,
``grey`` and ``noise`` with the thing replaced; ``mask`` with the masked parts blurred, ``on`` and ``off`` with only
those on the thing or off it; ``elsewhere`` is the mean over other photos into which what the mask marks off the thing
was laid, ``nothing`` that of these photos as they are. ``thing_area`` and ``mask_area`` are parts of the picture,
``mask_share`` is the part of the mask that lies on the thing; ``shares``: method → that of its map."""


def summary(rows: Rows) -> Summary:
    """What is left on average, by network and kind of picture."""
    words = {"whole": "the picture", "exact": "without the thing: the photo behind it", "blur": "the thing blurred",
             "grey": "the thing in its mean colour", "noise": "the thing as noise", "mask": "masked parts blurred",
             "on": "only those on the thing", "off": "only those off the thing",
             "nothing": "other photos, without thing or cue", "thing_area": "area of the thing",
             "mask_area": "area of the mask", "mask_share": "share of the mask on the thing"}
    return by_cell((text, f"{run.network}, {run.kind}", getattr(row, column)) for column, text in words.items()
                   for run, row in rows.items() if not math.isnan(getattr(row, column)))


TABLE = Table(
    "removal", Run, Row, summary=summary, within={"shares": ASKED}, facts={"steps": STEPS},
    again={"network": "squeezenet1_1"},
    chart=Chart("bars", "probability of the class, or share", columns=tuple(f"{name}, pasted" for name in NETWORKS),
                alt="Bars for two networks: the probability of the class with the thing, without it, with it blurred, "
                    "grey or as noise, with the mask blurred and with either part of it; areas of thing and mask."))


def work(plan: Plan) -> Iterator[Work]:
    """A picture is a piece of work."""
    networks = {name: nets.load(name) for name in plan.networks(NETWORKS)}
    things = {(name, kind): sorted(plan.few(known(net, make(net.size))), key=lambda thing: thing.name)
              for name, net in networks.items() for kind, make in KINDS.items()}
    for kind in KINDS:
        plan.judge(**{kind: [thing.name for (_, of), some in things.items() if of == kind for thing in some]})
    yield from (Work(Run(name, kind, thing.name), measured, networks[name], thing, steps=plan.steps(STEPS))
                for (name, kind), some in things.items() for thing in some)


def measured(net: Classifier, thing: Thing, *, steps: int = STEPS) -> Row:
    """The row of one picture."""
    x, where = thing.image, thing.where.float()
    mask = smallest(net, thing, steps=steps)
    blurred = saliency.baseline_like(x, settings=MaskSettings())
    replaced = [saliency.perturb(x, where, saliency.baseline_like(
        x, generator=torch.Generator().manual_seed(0), settings=MaskSettings(baseline=kind))) for kind in BASELINES]
    parts = [saliency.perturb(x, m, blurred) for m in (mask, mask * where, mask * (1 - where))]
    others = torch.cat([photos.load(name, size=x.shape[-1]) for name in BEHIND])
    cue = mask * (1 - where)
    moved = cue * x + (1 - cue) * others
    found = torch.cat([probability(net, torch.cat([x, *replaced, *parts]), thing.label),
                       torch.stack([probability(net, some, thing.label).mean() for some in (moved, others)])])
    exact = float("nan") if thing.without is None else float(probability(net, thing.without, thing.label))
    whole, blur, grey, noise, masked, on, off, elsewhere, nothing = found.tolist()
    return Row(whole=whole, exact=exact, blur=blur, grey=grey, noise=noise, mask=masked, on=on, off=off,
               elsewhere=elsewhere, nothing=nothing, thing_area=float(where.mean()), mask_area=float(mask.mean()),
               mask_share=float((mask * where).sum() / mask.sum().clamp(min=1e-9)), shares=shares(net, thing))


def shares(net: Classifier, thing: Thing) -> dict[str, float]:
    """Which share of each method's map lies on the thing; a map of zeros gets the thing's share of the area."""
    found, where = {}, thing.where.float()
    for name in ASKED:
        heat = enlarge(METHODS[name](net, thing.image, thing.label).cpu(), thing.image)
        total = float(heat.sum())
        found[name] = float((heat * where).sum()) / total if total > 0 else float(where.mean())
    return found
