"""The five parts of a report on a network for segmentation: numbers and pictures."""

import statistics
from typing import Any

import torch
from torch import nn

from u3audit import parts
from u3audit.drawing import View, box, plane, shown
from u3audit.parts import SHOWN, Overlay, Part, cut_out, placed, settings
from u3audit.segments import dice_by_patient, outside_region, steadiness
from u3audit.wording import bracket, percent
from u3lab.audit.cases import Cases, odds, score
from u3lab.audit.looking import away
from u3lab.errors import U3Error
from u3lab.nets import Region, ready


def outside(net: nn.Module, cases: Cases, positive: int | str, seed: int) -> Part:
    """Outside the region: the window that takes most, in the picture in which it does."""
    chosen = settings(cases)
    found = outside_region(net, cases, positive=positive, windows=chosen["windows"], most=chosen["most"],
                           margin=chosen["margin"], seed=seed)
    n = int(found.falls.argmax())
    k, place, region = int(found.which[n]), found.places[n], found.region[n]
    image, rim = cases.images[k], box(found.places[n], cases.images[k])
    covered = image.clone()
    covered[(slice(None), *place)] = away(ready(net), image[None], chosen["windows"])[1][0][(slice(None), *place)]
    both = torch.stack([image, covered])
    before, after = score(net, both, Region(positive, region.expand(2, *region.shape[1:]))).tolist()
    at, where = plane(rim), placed(place)
    rows = [[
        View(cut_out(image, place, at), f"The window, {where}, of picture {k + 1}, enlarged.",
             f"the window in picture {k + 1}"),
        View(shown([image], plane(region), region)[0], f"Picture {k + 1} with the outline of what the network sees.",
             f"what it sees: {parts.number(before)}"),
        View(shown([covered], at, rim)[0], f"The same picture; the outlined window is blurred away. The region’s score "
             f"is then {parts.number(after)}.", f"without the window: {parts.number(after)}")]]
    return Part(found.largest, found.typical, {"asked": len(found.which), "where": where, "picture": k + 1,
                                               "most": float(found.falls[n])}, rows)


def steady(net: nn.Module, cases: Cases, positive: int | str, seed: int) -> Part:
    """Steadiness under each change; the number is the worst of them, its floor their median."""
    found = steadiness(net, cases, positive=positive, seed=seed)
    same = {change: both.region for change, both in found.items() if both.region}
    if not same:
        raise U3Error("the network sees nothing in any positive, so nothing can change")
    worst = min(same, key=lambda one: same[one].value)
    rows = [[change, _cell(both.region), _cell(both.appears)] for change, both in found.items()]
    return Part(same[worst], statistics.median(one.value for one in same.values()), {
        "change": worst, "head": ["change", "Dice with the answer before", "empty negatives that get a region"],
        "table": rows}, [])


def dices(net: nn.Module, cases: Cases, positive: int | str, seed: int) -> Part:
    """Dice by patient: the outlines, and what the network sees."""
    found = dice_by_patient(net, cases, positive=positive)
    rows, maps = [], []
    for k in (cases.positive & cases.outlines.flatten(1).any(1)).nonzero()[:SHOWN, 0].tolist():
        outline, seen = cases.outlines[k], odds(net, cases.images[k : k + 1], positive) > 0
        at = plane(outline)
        maps.append(Overlay(k, "seen", seen.float()))
        rows.append([
            View(shown([cases.images[k]], at, outline)[0], f"Picture {k + 1} with the outline that was given.",
                 f"picture {k + 1}"),
            View(shown([cases.images[k]], at, seen)[0], f"The same picture with the outline of what the network sees"
                 f"{'' if seen.any() else ': nothing'}.", "what it sees")])
    table = [] if cases.patients is None else [
        [name, (total / count, f"{percent(total / count)} in {count}")] for name, (total, count) in sorted(
            found.by_patient.items(), key=lambda one: one[1][0] / one[1][1])]
    return Part(found.dice, found.constant, {
        "patients": None if cases.patients is None else len(found.by_patient), "head": ["patient", "Dice"],
        "table": table, "pictures": sum(count for _, count in found.by_patient.values()), "found": found.found,
        "clear": found.clear}, rows, maps)


PARTS = {"lesion removed": parts.lesion, "outside the region": outside, "where it looks": parts.looks,
         "steadiness": steady, "Dice by patient": dices}
"""The parts in the order of the front page."""


def _cell(one: Any) -> tuple[float, str] | None:
    """A share as a bar and in words."""
    return None if one is None else (one.value, f"{percent(one.value)} {bracket(one)}")
