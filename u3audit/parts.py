"""The five parts of a report: a measure's number with its floor, the facts beside it, and the pictures that show it.

Pictures are the first that were asked about: none is chosen for what it shows, but for the pair nearest to the median.
"""

import statistics
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from u3audit.drawing import View, box, enlarged, heat, plane, shown
from u3lab.audit.accuracy import accuracy
from u3lab.audit.cases import Cases, body, score
from u3lab.audit.flips import flips
from u3lab.audit.lesion import lesion_removed
from u3lab.audit.looking import where_it_looks
from u3lab.audit.transplant import fixed_place
from u3lab.errors import U3Error
from u3lab.measures import Interval

SHOWN, FIRST = 4, 2  # pictures of a part; untouched ones of each class
SETTINGS = {  # axes of a picture → what the measures are called with; volumes get coarse windows
    2: {"margin": 2, "cells": 8, "pairs": 10, "windows": 8, "most": 20},
    3: {"margin": 2, "cells": 4, "pairs": 5, "windows": 4, "most": 5},
}


class Overlay(NamedTuple):
    """A map (1,…) of picture ``number``, to be laid over its scan; with ``scan``, itself a picture in [0,1]."""

    number: int
    kind: str
    map: Tensor
    scan: bool = False


class Part(NamedTuple):
    """A number, its floor, what else is said of it, rows of pictures, and maps for a viewer of scans."""

    value: Interval
    floor: Interval | float
    facts: dict[str, Any]
    rows: list[list[View]]
    maps: Sequence[Overlay] = ()


class Section(NamedTuple):
    """What stands behind the page: sentences, a table with its head, pictures in rows, and facts for the JSON."""

    told: list[str]
    head: list[str]
    table: list[list[str]]
    rows: list[list[View]]
    facts: dict[str, Any]


def settings(cases: Cases) -> dict[str, int]:
    """The settings of the measures for such pictures; no cell or window is smaller than a pixel."""
    sides = cases.images.shape[2:]
    found = dict(SETTINGS[len(sides)])
    return found | {name: min(found[name], *sides) for name in ("cells", "windows")}


def untouched(cases: Cases) -> list[list[View]]:
    """The first negatives and positives as they came, to be looked at before any number."""
    rows = []
    for wanted, name in ((False, "negative"), (True, "positive")):
        for k in (cases.positive == wanted).nonzero()[:FIRST, 0].tolist():
            outline = None if cases.outlines is None or not cases.outlines[k].any() else cases.outlines[k]
            at = None if cases.images.ndim == 4 else cases.images.shape[2] // 2 if outline is None else plane(outline)
            rows.append(View(shown([cases.images[k]], at)[0], f"Picture {k + 1}, a {name}, as it came.",
                             f"picture {k + 1}, a {name}"))
    return [rows]


def lesion(net: nn.Module, cases: Cases, positive: int | str, seed: int) -> Part:
    """Lesion removed: original, filled in, and filled in elsewhere."""
    found = lesion_removed(net, cases, positive=positive, margin=settings(cases)["margin"], seed=seed)
    rows = []
    for n, k in enumerate(found.which[:SHOWN].tolist()):
        image, at, (inside, other) = cases.images[k], plane(cases.outlines[k]), found.where
        plain = shown([image], at)[0]
        filled, beside = (shown([image, new], at, where)[1] for new, where in (
            (found.filled[n], inside[n]), (found.beside[n], other[n])))
        before, after, floor = (float(s[n]) for s in (found.before, found.after, found.floor))
        rows.append([
            View(plain, f"Picture {k + 1} as it came. {said(before)}", f"picture {k + 1}: {answer(before)}"),
            View(filled, f"The same picture; the finding is filled in, within the dashes. {said(after)}",
                 f"filled in: {answer(after)}"),
            View(beside, f"The same picture; the same shape is filled in elsewhere, within the dashes. {said(floor)}",
                 f"elsewhere: {answer(floor)}")])
    filled = {k: Overlay(k, "filled", found.filled[n][:1], scan=True)
              for n, k in enumerate(found.which[:SHOWN].tolist())}
    return Part(found.flipped, found.elsewhere, {"asked": len(found.which), "large": found.large}, rows,
                list(filled.values()))


def place(net: nn.Module, cases: Cases, positive: int | str, seed: int) -> Part:
    """The best fixed place: its cell, and what carrying it does to a pair."""
    chosen = settings(cases)
    found = fixed_place(net, cases, positive=positive, cells=chosen["cells"], pairs=chosen["pairs"], seed=seed)
    nearest = int((found.by - found.by.median(0).values).abs().sum(1).argmin())
    without, having = found.pairs[nearest].tolist()
    x0, x1, cell = cases.images[without], cases.images[having], (slice(None), *found.cell)
    given, taken = x0.clone(), x1.clone()
    given[cell], taken[cell] = x1[cell], x0[cell]
    rim = box(found.cell, x0)
    at = plane(rim)
    before, after = (score(net, torch.stack(pair), positive).tolist() for pair in ((x0, x1), (given, taken)))
    where = placed(found.cell)
    rows = [[
        View(cut_out(x1, found.cell, at), f"The cell, {where}, of picture {having + 1}, enlarged.",
             f"the cell in picture {having + 1}"),
        View(shown([given], at, rim)[0], f"Picture {without + 1}, a negative, with this cell of picture {having + 1}. "
             f"{said(after[0])}", f"carried into negative {without + 1}: {number(before[0])} → {answer(after[0])}"),
        View(shown([taken], at, rim)[0], f"Picture {having + 1}, a positive, with this cell of picture {without + 1}. "
             f"{said(after[1])}", f"and back, into positive {having + 1}: {number(before[1])} → {answer(after[1])}")]]
    return Part(found.best, float(found.moved.median()), {
        "where": where, "cells": found.moved.numel(), "pairs": len(found.pairs),
        "shown": found.by[nearest].tolist(), "range": [float(one) for one in found.by.aminmax()]}, rows)


def placed(cell: tuple[slice, ...]) -> str:
    """Where a cell is, in words."""
    return ", ".join(f"{name} {step.start + 1} to {step.stop}" for name, step in zip(
        ("slices", "rows", "columns")[-len(cell):], cell, strict=True))


def cut_out(image: Tensor, cell: tuple[slice, ...], at: int | None) -> Tensor:
    """The cell of a picture, or of a volume's slice ``at``, enlarged."""
    large = shown([image], at)[0]
    rows, columns = (slice(step.start * side // was, max(step.start * side // was + 1, step.stop * side // was))
                     for step, side, was in zip(cell[-2:], large.shape[1:], image.shape[-2:], strict=True))
    return enlarged(large[:, rows, columns])


def looks(net: nn.Module, cases: Cases, positive: int | str, seed: int) -> Part:
    """Where it looks: occlusion over pictures."""
    chosen = settings(cases)
    found = where_it_looks(net, cases, positive=positive, windows=chosen["windows"], most=chosen["most"], seed=seed)
    rows = []
    for n, k in enumerate(found.which[:SHOWN].tolist()):
        at, image = plane(found.maps[n]), cases.images[k]
        outline = None if cases.outlines is None or not cases.outlines[k].any() else cases.outlines[k]
        rimmed = ", with the outline of the finding" if outline is not None else ""
        rows.append([
            View(shown([image], at, outline)[0], f"Picture {k + 1}{rimmed}.", f"picture {k + 1}"),
            View(heat(image, found.maps[n], at), f"Its occlusion map: bright where blurring a window changes the "
                 f"answer most. {strongest(found.maps[n], outline)}", "its occlusion map")])
    return Part(found.outside, found.edges_outside, {
        "asked": len(found.which), "empty": found.empty, "lesion": found.lesion, "edges": found.edges_lesion,
        "air": float((~body(cases.images[found.which])).double().mean())}, rows,
        [Overlay(k, "occlusion", found.maps[n]) for n, k in enumerate(found.which.tolist())])


def strongest(map: Tensor, outline: Tensor | None) -> str:
    """Where a map (1,…) is largest, in words."""
    if outline is None:
        return ""
    peak = map == map.max()
    return "Its peak touches the outline." if (peak & outline).any() else "Its peak lies off the outline."


def turned(net: nn.Module, cases: Cases, positive: int | str, seed: int) -> Part:
    """Flips of each class under each change; the number is the worst of them, its floor their median."""
    found = flips(net, cases, positive=positive, seed=seed)
    shares = {(change, whose): one for change, both in found.items() for whose, one in both._asdict().items() if one}
    if not shares:
        raise U3Error("the network has no picture right, so no right answer can turn")
    worst = max(shares, key=lambda one: shares[one].value)
    return Part(shares[worst], statistics.median(one.value for one in shares.values()), {
        "change": worst[0], "whose": worst[1], "by": {change: both._asdict() for change, both in found.items()}}, [])


def right(net: nn.Module, cases: Cases, positive: int | str, seed: int) -> Part:
    """Accuracy by patient; the floor is always to give the more frequent answer."""
    found = accuracy(net, cases, positive=positive)
    often = float(cases.positive.double().mean())
    return Part(found.right, max(often, 1 - often), {
        "patients": None if cases.patients is None else len(found.by_patient),
        "by": {} if cases.patients is None else found.by_patient, "pictures": len(cases),
        "sensitivity": found.sensitivity, "specificity": found.specificity}, [])


def answer(odds: float) -> str:
    """The log-odds as a caption has them."""
    return f"{number(odds)} ({'positive' if odds > 0 else 'negative'})"


def number(odds: float) -> str:
    """Log-odds with their sign."""
    return f"{odds:+.1f}".replace("-", "−")


def said(odds: float) -> str:
    """The answer in words."""
    return f"The network answers {'positive' if odds > 0 else 'negative'}."


PARTS: dict[str, Callable[[nn.Module, Cases, int | str, int], Part]] = {
    "lesion removed": lesion, "best fixed place": place, "where it looks": looks, "flips": turned,
    "accuracy by patient": right}
"""The parts in the order of the front page."""
