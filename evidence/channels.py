"""Do a channel's icon and the crops of photos that excite it most show the same thing? 36 channels of chapter 5b.

    python -m evidence channels  # results/channels.json, 4 minutes

Both answer one question, "where is the mean of this channel largest?", among all pictures of the prior and among some
real ones. Whether they look alike is judged by a network of another family: at an early layer, for texture and colour,
and at a late one, for forms.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from evidence import _crops
from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell
from u3course.lessons.inversion.icon_table import EACH, STEPS, best_crops, icon, means, stock
from u3lab import nets
from u3lab.datasets import cutouts
from u3lab.errors import U3Error

NETWORK, EYE, EARLY, LATE = "squeezenet1_1", "efficientnet_lite0", "stage2", "stage5"  # who judges, and where
UNITS = {  # as `drawn` draws them
    "fire3": (13, 14, 15, 22, 31, 44, 71, 84, 94, 105, 116, 121),
    "fire5": (27, 50, 79, 95, 127, 135, 175, 191, 194, 195, 208, 244),
    "fire8": (115, 137, 154, 159, 172, 195, 235, 269, 369, 373, 420, 445)}

Run = NamedTuple("Run", [("layer", str), ("unit", int)])
"""A channel of a layer, drawn by chance."""

Row = NamedTuple("Row", [("icon", float), ("best", float), ("middle", float), ("own", float), ("other", float),
    ("own_late", float), ("other_late", float)])
"""How its icon and its crops go together.

``icon``, ``best`` and ``middle`` are the channel's mean for the icon, for the best crop and for the median crop.
``own`` is how often one of the nine best crops, of nine pictures, looks more like the icon than another crop does (a
share of pairs; 0.5 is chance), ``other`` the same with the icons of other channels of the layer, as a mean; both are of
the eye's early layer, ``own_late`` and ``other_late`` of its late one."""


def summary(rows: Rows) -> Summary:
    """How often a best crop looks more like an icon than another crop, by layer and eye."""
    return by_cell((f"{run.layer}, seen at {at}", title, getattr(row, f"{column}{late}")) for run, row in rows.items()
                   for at, late in ((EARLY, ""), (LATE, "_late"))
                   for title, column in (("its own icon", "own"), ("icons of other channels", "other")))


TABLE = Table(
    "channels", Run, Row, summary=summary, facts={"crops": 1187}, again="the crops of a layer take a minute",
    chart=Chart("bars", "how often a best crop looks more like the icon than another crop", chance=0.5,
                alt="Bars with intervals for three layers, seen at two: a channel's own icon, and icons of others."))


def work(plan: Plan) -> Iterator[Work]:
    """A layer is a piece of work, since the icons of its channels are held against each other."""
    plan.judge(photos=list(_crops.named()), cutouts=cutouts.names())
    for layer, units in plan.few(list(UNITS.items())):
        runs = [Run(layer, unit) for unit in plan.few(units)]
        yield Work(runs, measured, runs, each=1 if plan.short else EACH, steps=plan.steps(STEPS))


def measured(runs: list[Run], *, each: int, steps: int) -> Iterator[tuple[Run, Row]]:
    """Make the icons of some channels of a layer, and hold them against crops."""
    net, eye, layer, units = nets.load(NETWORK, device="cpu"), nets.load(EYE, device="cpu"), runs[0].layer, [
        run.unit for run in runs]
    crops, origins = stock(each=each)
    excited = means(net, layer, crops)
    if each == EACH and drawn(excited, len(units)) != units:
        raise U3Error(f"by chance other channels of {layer} are drawn: {drawn(excited, len(units))}; give UNITS these")
    icons = torch.cat([icon(net, layer, unit, steps=steps) for unit in units])
    reached = means(net, layer, icons)
    likeness = [alike(means(eye, depth, icons), means(eye, depth, crops)) for depth in (EARLY, LATE)]
    for n, run in enumerate(runs):
        of_crops = excited[:, run.unit]
        best, shares = best_crops(of_crops, origins), []
        for some in likeness:
            each_icon = [share_of_pairs(one, best) for one in some]
            others = each_icon[:n] + each_icon[n + 1 :]
            shares += [each_icon[n], sum(others) / max(1, len(others))]
        yield run, Row(float(reached[n, run.unit]), float(of_crops.max()), float(of_crops.median()), *shares)


def alike(icons: Tensor, crops: Tensor) -> Tensor:
    """How alike icons and crops look, (I,N) in [−1,1], from what the eye's layer says of both, (I,C) and (N,C).

    Each number of the description counts from the crops' mean, in their standard deviations.
    """
    centre, spread = crops.mean(0), crops.std(0) + 1e-6
    return F.normalize((icons - centre) / spread, dim=1) @ F.normalize((crops - centre) / spread, dim=1).T


def share_of_pairs(likeness: Tensor, best: Tensor) -> float:
    """How often a crop in ``best`` is more alike than one that is not; (N) and numbers → a share, 0.5 by chance."""
    chosen = torch.zeros(len(likeness), dtype=torch.bool).index_fill(0, best, True)
    return float((likeness[chosen, None] > likeness[None, ~chosen]).double().mean())


def drawn(excited: Tensor, units: int, *, seed: int = 0) -> list[int]:
    """So many channels, drawn by chance among those that some crop excites, (N,C)."""
    alive = (excited.max(0).values > 0).nonzero()[:, 0]
    order = torch.randperm(len(alive), generator=torch.Generator().manual_seed(seed))
    return alive[order[:units]].sort().values.tolist()
