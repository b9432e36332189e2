"""The deep image prior at the last layers: larger pictures, and runs that begin at the answer.

``python -m u3lab.experiments deep_codes`` makes the shipped table, data/results/deep.json, and the pictures, deep.jpg.

Where a search from noise ends at a picture that is not the photo, either it failed, or the code does not ask for more.
To tell these apart, a second run begins with a generator that already draws the photo, and then minimises the same loss
for no more steps than the first one had (that is the row of :mod:`~u3lab.lessons.inversion.table`). If it ends with a
clearly smaller error, the first one failed to find what there was.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from u3lab import images
from u3lab._system import paths
from u3lab.descent import Step, descend, last
from u3lab.images.views import shift
from u3lab.inversion.codes import code, relative_error
from u3lab.inversion.priors import DeepImagePrior
from u3lab.lessons import results
from u3lab.lessons.inversion.table import JITTER, judge, place
from u3lab.nets import Classifier

NAMES, WIDE, SMALL = ("dog", "palace", "clownfish"), 192, 128
LAYERS = {"squeezenet1_1": ("fire9", "conv10", "logits"),
          "efficientnet_lite0": ("stage5", "stage6", "stage7", "head", "logits")}
STEPS, DRAWING = {WIDE: 500, SMALL: 300}, 300  # the last: steps to draw the photo first


class Run(NamedTuple):
    """A row: whose code, where, from which start ("noise" or "the photo"), at which side in pixels, and the seed."""

    photo: str
    network: str
    layer: str
    start: str
    side: int
    seed: int


class Reached(NamedTuple):
    """Code error, code error when both are moved, mean square of the pixels' error, the class's place with the judge,
    and for a run from the photo the code's and the pixels' error that it began with.
    """

    code: float
    moved: float
    pixels: float
    place: int
    first_code: float = 0.0
    first_pixels: float = 0.0


def runs() -> list[Run]:
    """All rows: SqueezeNet's last layers at 192 px, the scores from two seeds; EfficientNet-Lite0's from the photo."""
    wide = [Run(name, "squeezenet1_1", layer, "noise", WIDE, seed) for name in NAMES
            for layer in LAYERS["squeezenet1_1"] for seed in ((0, 1) if layer == "logits" else (0,))]
    lite = "efficientnet_lite0"
    return wide + [Run(name, lite, layer, "the photo", SMALL, 0) for name in NAMES for layer in LAYERS[lite]]


def photo_of(run: Run) -> Tensor:
    """The photo of a run, (1,3,side,side)."""
    return images.load(run.photo, size=run.side)


def search(net: Classifier, run: Run, *, steps: int | None = None, drawing: int = DRAWING) -> tuple[Step, Step]:
    """The first step of a run that looks at codes, and the best one."""
    photo, steps = photo_of(run), steps or STEPS[run.side]
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
    first = best = None
    for step in descend(made.parameters, coded, steps=steps, lr=lambda: DeepImagePrior().lr):
        first = first or step
        best = step if best is None or step.loss < best.loss else best
    return first, best


def judged(net: Classifier, other: Classifier, run: Run, first: Tensor, x: Tensor) -> Reached:
    """The row of what a run began with and of what it reached, (1,3,H,W) each."""
    photo = photo_of(run)
    begun = judge(net, run.layer, first, photo)
    return Reached(*(round(error, 4) for error in judge(net, run.layer, x, photo)), place(other, run.photo, x),
                   round(begun[0], 4), round(begun[2], 4))


def shipped() -> dict[Run, Reached]:
    """The shipped table."""
    return {run: Reached(*row) for run, row in results.table("deep", Run).items()}


def pictures() -> dict[Run, Tensor]:
    """The shipped pictures, (1,3,192,192) of the wide runs and (1,3,128,128) of EfficientNet's."""
    found = {}
    for file, shown in sheets().items():
        whole, side = images.load(paths.data("results", file)), next(iter(shown.values()))[0].side
        for row, strip in zip(shown.values(), whole.split(side, 2), strict=True):
            found |= dict(zip(row, strip.split(side, 3), strict=True))
    return found


def sheets() -> dict[str, dict[str, list[Run]]]:
    """Which runs are shown: file → photo → runs."""
    every = runs()
    return {"deep.jpg": {name: [run for run in every if run.photo == name and run.side == WIDE] for name in NAMES},
            "deep-starts.jpg": {name: [run for run in every if run.photo == name and run.side == SMALL
                                       and run.network == "efficientnet_lite0"] for name in NAMES}}
