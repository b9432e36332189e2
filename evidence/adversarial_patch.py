"""The patch that ships, and how well it works on pictures that it was not trained on.

    python -m evidence adversarial_patch      # patches/bubble.png and results/adversarial_patch.json
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from evidence._table import Chart, Plan, Table, Work, cells, only
from u3course.lessons.adversarial.attacking import photos
from u3lab import images, nets, pixels
from u3lab.adversarial.patch import SHIPPED, PatchSettings, adversarial_patch, cut_out, success_rate
from u3lab.descent import last
from u3lab.nets import Classifier

MAKER = "squeezenet1_1"
NETWORKS = (MAKER, "efficientnet_lite0")
SCALES, TURNS = (0.15, 0.2, 0.25, 0.3, 0.4, 0.5), (0.0, 45.0, 90.0, 180.0)
THIRD = 0.33  # of the picture's side: the size at which angles are varied
VARIED = (*(("size", size) for size in SCALES), *(("angle", turn) for turn in TURNS), ("pixels shuffled", 45.0))
STEPS, TRIALS = 800, 8  # of the training; placements on each photo

Run = NamedTuple("Run", [("network", str), ("varied", str), ("value", float)])
"""What was varied: the "size" (a share of the picture's side, turned by up to 45°), the "angle" (the largest, in
degrees, at a third of the side); or "pixels shuffled", the same pixels in any order, at a third and that angle."""

Row = NamedTuple("Row", [("rate", float)])
"""The share of placements that are called the target."""


def shuffled(patch: Tensor, *, seed: int = 0) -> Tensor:
    """The same pixels in any order: what the colours alone would do."""
    order = torch.randperm(patch[0, 0].numel(), generator=torch.Generator().manual_seed(seed))
    return patch.flatten(2)[..., order.to(patch.device)].view_as(patch)


TABLE = Table(
    "adversarial_patch", Run, Row, summary=cells("{varied} {value:g}", {"{network}": "rate"}, only), digits=3,
    facts={"target": SHIPPED, "steps": STEPS, "photos": 14, "trials": 112},
    again="the patch takes minutes to train; a test puts the shipped one down",
    chart=Chart("bars", "share of placements called a bubble",
                alt="Bars for two networks: how often the patch works by its size, by its angle, and with its pixels "
                    "shuffled."))


def work(plan: Plan) -> Iterator[Work]:
    """All is one piece of work: the patch is trained once."""
    names, (train, test) = images.names("everyday"), photos()
    plan.fit(photos=names[::2], pictures=train)
    plan.judge(photos=names[1::2], pictures=test)
    runs = [Run(name, varied, value) for name in plan.networks(NETWORKS) for varied, value in VARIED]
    yield Work(runs, measured, plan, train, test, runs)


def measured(plan: Plan, train: Tensor, test: Tensor, runs: list[Run]) -> Iterator[tuple[Run, Row]]:
    """Train the patch, write it, and put it down on photos."""
    settings = PatchSettings(steps=3 if plan.short else STEPS, batch_size=8, smallest=0.15, turn=180.0, seed=plan.seed)
    training = adversarial_patch(nets.load(MAKER), train, SHIPPED, settings=settings)
    patch = last(training, total=settings.steps + 1, title="patch").value.cpu()
    printed, control = cut_out(patch, size=256), cut_out(shuffled(patch), size=256)
    plan.write("patches", f"{SHIPPED}.png", content=pixels.png(printed))
    networks = {name: nets.load(name) for name in dict.fromkeys(run.network for run in runs)}
    for run in runs:
        yield run, Row(rate(networks[run.network], test, SHIPPED, printed, control, run,
                            trials=2 if plan.short else TRIALS * len(test)))


def rate(net: Classifier, test: Tensor, target: int | str, printed: Tensor, control: Tensor, run: Run, *,
         trials: int) -> float:
    """The share of placements that a network calls the target."""
    size, turn = (run.value, 45.0) if run.varied == "size" else (THIRD, run.value)
    patch = control if run.varied == "pixels shuffled" else printed
    return success_rate(net, test, target, patch, scale=size, turn=turn, trials=trials)
