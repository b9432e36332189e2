"""Blur the same share of a picture by a mask, by another map, or by chance: how much of the answer is left?

    python -m evidence variants  # results/variants.json, 30 minutes

The masks differ in one factor at a time: what stood in for the hidden parts, and what is to keep a mask from being a
trick. Every method hides equally much, and each is also tried one cell of the mask's grid aside.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell
from u3course.lessons.saliency.things import Thing, hardest, known, outlined, probability, smallest
from u3lab import nets, saliency
from u3lab.nets import Classifier
from u3lab.saliency import MaskSettings
from u3lab.saliency.perturbation import enlarge

NETWORKS = {"squeezenet1_1": "SqueezeNet", "efficientnet_lite0": "Lite0"}
STEPS = 100
AREAS = {"1 %": 0.01, "5 %": 0.05, "10 %": 0.1, "25 %": 0.25}
FULL = 512  # a mask's side that no picture reaches: the mask gets the picture's own pixels
MASKS: dict[str, dict[str, object]] = {
    "mask": {},
    "mask found with grey": {"baseline": "grey"},
    "mask found with noise": {"baseline": "noise"},
    "mask, γ = 0": {"tv": 0.0},
    "mask, no shifts": {"jitter": 0},
    "mask, a cell for each pixel": {"mask_size": FULL},
    "mask, none of these": {"tv": 0.0, "mask_size": FULL, "jitter": 0},
}
RIVALS = ("Grad-CAM", "occlusion", "mask moved", "squares at random", "disc in the middle", "mask on the object")
FILLS = ("blur", "grey", "noise")
GRID, DRAWS = 14, 4  # squares a side; of what chance places
CELL = 8  # pixels, 1/28 of the side: how far "aside" is

Run = NamedTuple("Run", [("network", str), ("method", str), ("picture", str)])
"""What a method marks on a picture, for a network."""

Row = NamedTuple("Row", [("whole", float), ("area", float), ("blur", dict[str, float]), ("grey", dict[str, float]),
    ("noise", dict[str, float]), ("aside", dict[str, float])])
"""Φ_c of the picture; the mean of the mask, NaN where there is none; then, by share of the area, Φ_c with so many of
the pixels that are marked most replaced by blur, mean colour or noise, and blurred one cell aside (mean
of four directions)."""


def summary(rows: Rows) -> Summary:
    """The share of the answer that is left, by area: of each method, and how much more it leaves than the mask; on
    SqueezeNet also one cell aside, and with other fillings."""
    def told() -> Iterator[tuple]:
        for (network, method, picture), row in rows.items():
            mask, first = rows[Run(network, "mask", picture)], network == next(iter(NETWORKS))
            places = {NETWORKS[network]: "blur"}
            if first and method in MASKS:
                places |= {"a cell aside": "aside"} if "," in method else {
                    "a cell aside": "aside", "filled with grey": "grey", "filled with noise": "noise"}
            for place, column in places.items():
                for share, one in getattr(row, column).items():
                    yield f"{method}, {place}", share, one / row.whole
                    if method != "mask" and (first or method in RIVALS):
                        yield f"{method} less mask, {place}", share, (one - getattr(mask, column)[share]) / row.whole

    parts = (", SqueezeNet", ", Lite0", ", a cell aside", ", filled with grey", ", filled with noise")
    found = by_cell(told())
    return {label: of for part in parts for label, of in found.items() if label.endswith(part)}


TABLE = Table(
    "variants", Run, Row, summary=summary, facts={"steps": STEPS}, again={"network": "squeezenet1_1", "picture": "dog"},
    within={column: list(AREAS) for column in (*FILLS, "aside")},
    chart=Chart("bars", "share of the answer that is left with 5 % of the picture blurred", columns=("5 %",),
                alt="Bars for masks and rivals on two networks: masks leave the least, moved masks the most."))


def work(plan: Plan) -> Iterator[Work]:
    """A picture is a piece of work: its masks, and their rivals."""
    loaded = {name: nets.load(name) for name in plan.networks(list(NETWORKS))}
    things = {name: plan.few(known(net, outlined(net.size))) for name, net in loaded.items()}
    plan.judge(photos=[thing.name for some in things.values() for thing in some])
    for name, some in things.items():
        for thing in some:
            runs = [Run(name, method, thing.name) for method in (*MASKS, *RIVALS)]
            yield Work(runs[:-1], measured, loaded[name], name, thing, steps=plan.steps(STEPS))
            yield Work(runs[-1], on_object, loaded[name], thing, steps=plan.steps(STEPS))


def measured(net: Classifier, name: str, thing: Thing, *, steps: int = STEPS) -> dict[Run, Row]:
    """Each method's row for one picture."""
    return {Run(name, method, thing.name): reached(
        net, thing, [[hardest(heat, share) for share in AREAS.values()] for heat in maps],
        float(maps[0].mean()) if method in MASKS else float("nan")) for method, maps in marked(
            net, thing, steps=steps).items()}


def on_object(net: Classifier, thing: Thing, *, steps: int = STEPS) -> Row:
    """What is left with the mask's own part moved to other places of the object."""
    mask, draw = smallest(net, thing, steps=steps), torch.Generator().manual_seed(0)
    every = [elsewhere(hardest(mask, share), thing.where, draw) for share in AREAS.values()]
    return reached(net, thing, [list(places) for places in zip(*every, strict=True)])


def elsewhere(hard: Tensor, where: Tensor, draw: torch.Generator) -> list[Tensor]:
    """``hard`` (1,1,S,S) of 0 and 1, rolled to where most of it lies on the object and not on itself: by some shifts,
    drawn at random from those with at least nine tenths of the most."""
    free, side = where * (1 - hard), hard.shape[-1]
    on = torch.fft.irfft2(torch.fft.rfft2(free) * torch.fft.rfft2(hard).conj(), s=(side, side)).round().flatten()
    most = (on >= 0.9 * on.max()).nonzero()[:, 0]
    return [hard.roll(divmod(int(most[n]), side), (-2, -1)) for n in torch.randint(len(most), (DRAWS,), generator=draw)]


def reached(net: Classifier, thing: Thing, every: list[list[Tensor]], area: float = float("nan")) -> Row:
    """The row of a method that hides these parts: a list for each draw, with a part for each share."""
    fills = [saliency.baseline_like(thing.image, generator=torch.Generator().manual_seed(0),
                                    settings=MaskSettings(baseline=kind)) for kind in FILLS]
    of = torch.tensor([[left(net, thing, hard, fills) for hard in parts] for parts in every]).mean(0)
    return Row(float(probability(net, thing.image, thing.label)), area,
               *(dict(zip(AREAS, column, strict=True)) for column in of.T.tolist()))


def marked(net: Classifier, thing: Thing, *, steps: int) -> dict[str, list[Tensor]]:
    """Method → maps (1,1,S,S) whose largest values are hidden first; what chance places has several."""
    x, draw = thing.image, torch.Generator().manual_seed(0)
    found = {method: [smallest(net, thing, steps=steps, **changed)] for method, changed in MASKS.items()}
    side, (mask,) = x.shape[-1], found["mask"]
    offsets = torch.randint(side // 4, side - side // 4, (DRAWS, 2), generator=draw).tolist()
    squares = torch.rand(DRAWS, 1, 1, GRID, GRID, generator=draw)
    across = torch.linspace(-1, 1, side)
    return found | {
        "Grad-CAM": [enlarge(saliency.METHODS["Grad-CAM"](net, x, thing.label).cpu(), x)],
        "occlusion": [saliency.occlusion(net, x, thing.label, baseline=saliency.baseline_like(x)).cpu()],
        "mask moved": [mask.roll(offset, (-2, -1)) for offset in offsets],
        "squares at random": [torch.nn.functional.interpolate(one, (side, side)) for one in squares],
        "disc in the middle": [-(across**2 + across[:, None] ** 2)[None, None]]}


def left(net: Classifier, thing: Thing, hard: Tensor, fills: list[Tensor]) -> list[float]:
    """Φ_c with what ``hard`` (1,1,S,S) of 0 and 1 marks replaced in each way, and blurred one cell aside."""
    aside = [hard.roll(by, (-2, -1)) for by in ((CELL, 0), (-CELL, 0), (0, CELL), (0, -CELL))]
    shown = [saliency.perturb(thing.image, hard, fill) for fill in fills]
    shown += [saliency.perturb(thing.image, one, fills[0]) for one in aside]
    found = probability(net, torch.cat(shown), thing.label).tolist()
    return [*found[: len(fills)], sum(found[len(fills) :]) / len(aside)]
