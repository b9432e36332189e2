"""Fifteen layers of two networks, inverted under three priors for six photos, beside floors.

    python -m evidence inversion_table  # results/inversion.json and -NETWORK.jpg

270 searches, each of at most 20 seconds of one thread: 40 minutes. Every search ends by the same rule: once the mean
loss of the last third of its steps is no less than nine tenths of that of the middle third, or at the limit of its
prior. What counts is the picture with the lowest loss.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from evidence import _sheets
from evidence._table import Chart, Plan, Table, Work, cells
from u3course.lessons.inversion.table import FLOORS, JITTER, LAYERS, NETWORKS, PHOTOS, PRIORS, SIDE, judge, photo_of
from u3lab import images, nets
from u3lab.datasets import cutouts
from u3lab.descent import Step, last
from u3lab.inversion.inverting import InversionSettings, invert
from u3lab.inversion.priors import TV, DeepImagePrior, Pixels, Prior
from u3lab.nets import Classifier

JUDGES = {"squeezenet1_1": "efficientnet_lite1", "efficientnet_lite0": "squeezenet1_1"}  # each of the other family
LIMITS = {"none": 1000, "total variation": 600, "deep image prior": 300}  # steps
# Price of total variation in each third of the layers. Its authors advise 1, 10, 100; at 100 a photo turned grey here.
LAMBDAS = (1.0, 10.0, 30.0)
LEAST, CHECKED, FALL = 4, 50, 0.9  # a quarter of the limit at least, then every 50 steps
QUALITY = 82

Run = NamedTuple("Run", [("photo", str), ("network", str), ("layer", str), ("prior", str)])
"""Which photo's code, at which layer of which network, and how a picture with it was looked for."""


class Row(NamedTuple):
    """What came out. ``code`` is ‖Φ(x)−Φ(x₀)‖²/‖Φ(x₀)‖², ``moved`` the same when both pictures are shifted by 5
    pixels, ``pixels`` the mean square of x − x₀, ``place`` where the judge puts the photo's class (1 to 1000),
    ``steps`` how many were made, and ``settled`` whether they ended before the limit (1) or at it (0).
    """

    code: float
    moved: float
    pixels: float
    place: int
    steps: int = 0
    settled: int = 1


TABLE = Table(
    "inversion", Run, Row, summary=cells("{network}, {layer}", {"{prior}": "moved"}),
    facts={"side": SIDE, "limits": LIMITS},
    again={"network": "squeezenet1_1", "layer": "conv1", "prior": "total variation"},
    chart=Chart("bars", "error of the code, moved", columns=PRIORS,
                alt="Bars for fifteen layers of two networks and three priors: the error of the found picture's code."))


def work(plan: Plan) -> Iterator[Work]:
    """A search is a piece of work."""
    photos = plan.few(list(PHOTOS))
    plan.judge(photos=photos)
    for photo in photos:
        for name in plan.few(NETWORKS):
            for layer in plan.few(LAYERS[name]):
                for kind in (*PRIORS, *FLOORS):
                    if kind != "same class" or photo in SAME_CLASS:
                        run = Run(photo, name, layer, kind)
                        yield Work(run, measured, plan, run)


def finish(plan: Plan) -> None:
    """A sheet for each network: a row for each photo and prior."""
    for name in NETWORKS:
        rows = [[Run(photo, name, layer, kind) for layer in LAYERS[name]] for photo in PHOTOS for kind in PRIORS]
        _sheets.write(plan, f"inversion-{name}.jpg", rows, SIDE, QUALITY)


def measured(plan: Plan, run: Run) -> Row:
    """Search, or take a floor; and judge."""
    if run.prior in FLOORS:
        return judged(run, floor(run))
    limit = plan.steps(LIMITS[run.prior])
    step = search(run, limit=limit, seed=plan.seed)
    _sheets.keep(step.value, run, plan)
    return judged(run, step.value)._replace(steps=step.iteration, settled=int(step.iteration < limit))


def search(run: Run, *, limit: int | None = None, seed: int = 0) -> Step:
    """The best step of a run."""
    layers = LAYERS[run.network]
    prior, jitter = prior_of(run.prior, layers.index(run.layer) / len(layers))
    settings = InversionSettings(steps=limit or LIMITS[run.prior], jitter=jitter, seed=seed)
    steps = invert(network(run.network), run.layer, photo_of(run.photo), prior=prior, settings=settings)
    return last(enough(steps, settings.steps // LEAST))


def prior_of(kind: str, share: float) -> tuple[Prior, int]:
    """The prior of a name, at a share of the way through the network (0 the first layer, 1 past the last), and j."""
    if kind == "none":
        return Pixels(), 0
    return (TV(lam=LAMBDAS[int(3 * share)]) if kind == "total variation" else DeepImagePrior()), JITTER


def enough(steps: Iterable[Step], least: int) -> Iterator[Step]:
    """Steps until they no longer pay, or to their end: until the mean loss of the last third of them, at least
    ``least``, is no less than ``FALL`` of that of the middle third. Each that is given is the best so far, with the
    number of the present one.
    """
    best, losses = None, []
    for step in steps:
        best = step if best is None or step.loss < best.loss else best
        losses.append(step.loss)
        yield Step(step.iteration, best.loss, best.value, best.terms)
        third = len(losses) // 3
        if step.iteration >= least and step.iteration % CHECKED == 0 and (
                sum(losses[-third:]) >= FALL * sum(losses[-2 * third : -third])):
            return


def _thing(name: str) -> Tensor:
    return cutouts.paste(cutouts.load(name), images.load("grass", size=SIDE), size=0.85).images


# Photo → another picture of its class: cut-outs on grass, and another palace.
SAME_CLASS = {"hens": lambda: _thing("hen"), "bison": lambda: _thing("bison"), "palace": lambda: photo_of("china")}


def floor(run: Run) -> Tensor:
    """The picture that knows nothing of the photo: grey, another of its class, or the next photo of the table."""
    if run.prior == "grey":
        return torch.full((1, 3, SIDE, SIDE), 0.5)
    names = list(PHOTOS)
    return SAME_CLASS[run.photo]() if run.prior == "same class" else photo_of(names[names.index(run.photo) - 1])


def judged(run: Run, x: Tensor) -> Row:
    """The row of a picture."""
    return Row(*judge(network(run.network), run.layer, x, photo_of(run.photo)), place(run.network, run.photo, x))


def place(name: str, photo: str, x: Tensor) -> int:
    """Where the judge of a network puts the class of a photo when it sees x: 1 to 1000."""
    other = network(JUDGES[name])
    scores = other.logits(x)[0]
    return int((scores > scores[other.class_index(PHOTOS[photo])]).sum()) + 1


@cache
def network(name: str) -> Classifier:
    """A network on the CPU, where all that ships was computed."""
    return nets.load(name, device="cpu")
