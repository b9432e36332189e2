"""Holes, text and missing pixels of chapter 4, filled by generators of several shapes and by their rivals.

    python -m evidence restoring  # results/restoring.json and restoring-TASK.jpg

A run takes from one second to three minutes of one thread, all together an hour. Convolutional sparse coding needs
SPORCO (`pip install sporco`). Each run on "shapes" and "hole" ends when the error of the *visible* pixels, as a running
mean, is down to FIT, so that the shapes are compared at equal fit.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from evidence import _sheets
from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell
from u3course.lessons.prior.restoring import LARGE, METHODS, PHOTOS, RIVALS, SHAPES, SIDE, mask, photo
from u3lab import nets, prior
from u3lab.nets import Classifier

FIT, MOST = 1e-3, 3000  # mean square of the visible pixels' error, 30 dB, and the steps after which a run ends anyway
# Where known pixels are close by, skips lead detail across; without, and with more channels, large forms go on.
NARROW, BROAD = {"depth": 5, "skip": 16}, {"depth": 6, "widths": (48,) * 6, "channels": 32}
STEPS = {"text": 1500, "half": 1500, "wide": 800}
SEEDS = {"shapes": 2, "hole": 2, "text": 1, "half": 1, "wide": 2}
QUALITY = 90

Run = NamedTuple("Run", [("task", str), ("photo", str), ("method", str), ("seed", int)])
"""One filling: what is hidden of which photo, by which method, from which seed."""

Row = NamedTuple("Row", [("steps", int), ("visible", float), ("psnr", float), ("perceptual", float)])
"""Steps made; mean square of the visible pixels' error; decibels and perceptual distance in what was hidden."""


def summary(rows: Rows) -> Summary:
    """PSNR and perceptual distance by task and method; photos are drawn, not seeds."""
    return by_cell((f"{run.task}: {run.method}", title, value, run.photo) for run, row in rows.items()
                   for title, value in (("PSNR, dB", row.psnr), ("perceptual distance", row.perceptual)))


TABLE = Table(
    "restoring", Run, Row, summary=summary, facts={"fit": FIT, "most": MOST, "side": SIDE}, digits=5,
    again={"method": "biharmonic"},
    uneven={"seeds": "Two seeds for generators where there is a hole, else one"},
    chart=Chart("bars", "PSNR of what was hidden, dB", columns=("PSNR, dB",),
                alt="Bars with intervals over three photos: PSNR of what was hidden, by task and method."))


def runs() -> list[Run]:
    """All runs, as the sheets show them; only generators have seeds."""
    return [Run(task, name, method, seed) for task, names in PHOTOS.items() for name in names
            for method in METHODS[task] for seed in range(1 if method in RIVALS else SEEDS[task])]


def work(plan: Plan) -> Iterator[Work]:
    """A filling is a piece of work."""
    plan.judge(photos=[name for names in PHOTOS.values() for name in names])
    for run in plan.few(runs()):
        yield Work(run, measured, plan, run)


def finish(plan: Plan) -> None:
    """A sheet for each task, a row a photo; and one photo in 256 pixels."""
    for task, names in PHOTOS.items():
        rows = [[run for run in runs() if run[:2] == (task, name)] for name in names]
        _sheets.write(plan, f"restoring-{task}.jpg", rows, SIDE, QUALITY)
    if not _sheets.place(("large",), plan).exists():
        _sheets.keep(large(plan.steps(MOST)), ("large",), plan)
    _sheets.write(plan, "restoring-large.jpg", [[("large",)]], LARGE, QUALITY)


def measured(plan: Plan, run: Run) -> Row:
    """Fill, keep the picture, and say how good it is."""
    steps, made = filled(run, plan.steps(MOST))
    _sheets.keep(made, run, plan)
    x, m = photo(run.photo), mask(run.task, run.photo)
    hidden = (1 - m).bool().expand_as(x)
    whole = torch.where(hidden, made, x)
    distance = perceptual_distance(nets.load("squeezenet1_1", device="cpu"), whole, x, where=1 - m)
    return Row(steps, float((made - x)[~hidden].square().mean()), float(prior.psnr(whole[hidden], x[hidden])),
               distance)


def perceptual_distance(net: Classifier, x: Tensor, truth: Tensor, *, where: Tensor) -> float:
    """How differently a network sees two pictures (1,3,H,W): between 0, for equal ones, and 2.

    At each place of a layer the features are a vector, brought to length 1; the squared length of their difference is
    averaged over places, and then over the layers that have places, but for the last, which has classes. Only the
    places ``where`` the mask (1,1,H,W) is 1 count. Zhang et al., The unreasonable effectiveness of deep features as a
    perceptual metric, CVPR 2018, equation 1, with equal weights.
    """
    found = []
    with torch.no_grad():
        one, other = (nets.extract_features(net, net.layers[:-1], picture) for picture in (x, truth))
    for layer, seen in one.items():
        if seen.ndim == 4:
            apart = (F.normalize(seen) - F.normalize(other[layer])).square().sum(1, keepdim=True)
            weight = F.adaptive_avg_pool2d(where, apart.shape[2:]).to(apart)
            found.append(float((weight * apart).sum() / weight.sum()))
    return sum(found) / len(found)


def filled(run: Run, most: int) -> tuple[int, Tensor]:
    """The steps that were made and the picture, as the method gives it."""
    x, m = photo(run.photo), mask(run.task, run.photo)
    if run.method in RIVALS:
        return 0, RIVALS[run.method](x * m, m)
    if run.method in SHAPES:
        settings = prior.PriorSettings(steps=most, noise=0.0, average=0.9, seed=run.seed)
        step = drawn(x, m, SHAPES[run.method], settings, fit=FIT)
    else:
        settings = prior.PriorSettings(steps=min(most, STEPS[run.task]), average=0.9, seed=run.seed)
        step = drawn(x, m, BROAD if run.task == "wide" else NARROW, settings)
    return step.iteration, step.value


def drawn(x: Tensor, m: Tensor, shape: dict, settings: prior.PriorSettings, *, fit: float = 0.0) -> prior.FitStep:
    """The last step of a run, which ends early once the visible pixels are fitted."""
    psi, level = prior.generator(size=x.shape[2:], seed=settings.seed, **shape), None
    for step in prior.fit(psi, x * m, task=prior.inpaint(m), settings=settings):
        level = step.loss if level is None else 0.95 * level + 0.05 * step.loss
        if level <= fit:
            break
    return step


def large(most: int) -> Tensor:
    """One photo in 256 pixels: as it is given, as the hourglass of depth 6 goes on, and the truth, side by side."""
    name = PHOTOS["shapes"][1]
    x, m = photo(name, LARGE), F.interpolate(mask("shapes", name), size=(LARGE, LARGE))
    settings = prior.PriorSettings(steps=most, noise=0.0, average=0.9)
    made = drawn(x, m, SHAPES["depth 6"], settings, fit=FIT).value
    return torch.cat([x * m, torch.where(m.bool(), x, made), x], 3)
