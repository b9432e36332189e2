"""The last layers inverted by the deep image prior: at 192 px, and from a start that knows the answer.

    python -m evidence deep_codes  # results/deep.json, deep.jpg and deep-starts.jpg

Where a search from noise ends at a picture that is not the photo, either it failed, or the code does not ask for more.
To tell these apart, a second run begins with a generator that already draws the photo, and then minimises the same
loss. If it ends with a clearly smaller error, the first one failed to find what there was. It has 300 steps; the first,
a row of :mod:`~evidence.inversion_table`, has as many at most, and may have been ended earlier by its rule. 27
runs, half a minute to one and a half of one thread each, 25 minutes.
"""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from evidence import _sheets
from evidence._table import Chart, Plan, Table, Work, cells
from evidence.inversion_table import network, place
from u3course.lessons.inversion.table import DEEP, JITTER, SIDE, WIDE, judge
from u3lab import images
from u3lab.descent import Step, best, descend, last
from u3lab.images.cropping import shift
from u3lab.inversion.codes import code, relative_error
from u3lab.inversion.priors import DeepImagePrior

STEPS, DRAWING = {WIDE: 500, SIDE: 300}, 300  # the last: steps to draw the photo first
WIDE_RUNS = (("fire9", 0), ("conv10", 0), ("logits", 0), ("logits", 1))  # of SqueezeNet: layer, seed
STARTS = ("stage5", "stage6", "stage7", "head", "logits")  # of EfficientNet-Lite0

Run = NamedTuple("Run", [("photo", str), ("network", str), ("layer", str), ("start", str), ("side", int),
    ("seed", int)])
"""Whose code, where, from which start ("noise" or "the photo"), at which side in pixels, and the seed."""

Row = NamedTuple("Row", [("code", float), ("moved", float), ("pixels", float), ("place", int),
    ("first_code", float), ("first_pixels", float)])
"""Code error, code error when both are moved, mean square of the pixels' error, the class's place with the judge, and
the code's and the pixels' error that a run began with."""


TABLE = Table(
    "deep", Run, Row, facts={"steps": {str(side): steps for side, steps in STEPS.items()}},
    summary=cells("{network}, {layer}, from {start}, seed {seed}",
                  {"moved": "moved", "as found": "code", "at the start": "first_code"}),
    again="a run takes up to a minute and a half",
    uneven={"seeds": "of SqueezeNet's scores two seeds"},
    chart=Chart("bars", "error of the code, moved", columns=("moved",),
                alt="Bars with intervals: the error of the code by layer of two networks and by the start of the run."))


def work(plan: Plan) -> Iterator[Work]:
    """A run is a piece of work."""
    plan.judge(photos=DEEP)
    for run in plan.few(runs()):
        yield Work(run, measured, plan, run)


def runs() -> list[Run]:
    """All runs: SqueezeNet's last layers at 192 px, the scores from two seeds; EfficientNet-Lite0's from the photo."""
    return [*(Run(name, "squeezenet1_1", layer, "noise", WIDE, seed) for name in DEEP for layer, seed in WIDE_RUNS),
            *(Run(name, "efficientnet_lite0", layer, "the photo", SIDE, 0) for name in DEEP for layer in STARTS)]


def finish(plan: Plan) -> None:
    """The pictures of each network, a row for each photo."""
    for file, side in (("deep.jpg", WIDE), ("deep-starts.jpg", SIDE)):
        rows = [[run for run in runs() if (run.photo, run.side) == (name, side)] for name in DEEP]
        _sheets.write(plan, file, rows, side, quality=88)


def measured(plan: Plan, run: Run) -> Row:
    """Search, keep the picture, and judge it."""
    first, found = search(run, **({"steps": 2, "drawing": 2} if plan.short else {}))
    _sheets.keep(found.value, run, plan)
    return judged(run, first.value, found.value)


def search(run: Run, *, steps: int | None = None, drawing: int = DRAWING) -> tuple[Step, Step]:
    """The first step of a run that looks at codes, and the best one."""
    photo, net, steps = images.load(run.photo, size=run.side), network(run.network), steps or STEPS[run.side]
    made = DeepImagePrior().begin((run.side, run.side), run.seed, net.device)
    with torch.no_grad():
        wanted = code(net, run.layer, photo)
    views = torch.Generator().manual_seed(run.seed)

    def drawn() -> tuple[Tensor, dict[str, Tensor]]:
        x = made.picture()
        return x, {"pixels": (x - photo).square().mean()}

    def coded() -> tuple[Tensor, dict[str, Tensor]]:
        x = made.picture()
        return x, {"code": relative_error(code(net, run.layer, shift(x, JITTER, views)), wanted)}

    if run.start == "the photo":
        last(descend(made.parameters, drawn, steps=drawing, lr=lambda: 0.01))
    search = descend(made.parameters, coded, steps=steps, lr=lambda: DeepImagePrior().lr)
    first = next(search)
    return first, best(itertools.chain([first], search))


def judged(run: Run, first: Tensor, x: Tensor) -> Row:
    """The row of what a run began with and of what it reached, (1,3,H,W) each."""
    photo, net = images.load(run.photo, size=run.side), network(run.network)
    begun = judge(net, run.layer, first, photo)
    return Row(*judge(net, run.layer, x, photo), place(run.network, run.photo, x), begun[0], begun[2])
