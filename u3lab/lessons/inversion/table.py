"""What a layer keeps: six photos, layers of two networks, inverted under three priors: errors and floors.

``python -m u3lab.experiments inversion_table`` makes the shipped table, data/results/inversion.json, and its pictures.

Every search ends by the same rule: once the mean loss of the last third of its steps is no less than nine tenths of
that of the middle third, or at the limit of its prior. What counts is the picture with the lowest loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from u3lab import images, nets
from u3lab._system import paths
from u3lab.datasets import cutouts
from u3lab.descent import Step, last
from u3lab.inversion.codes import LOGITS, code, code_error
from u3lab.inversion.inverting import InversionSettings, invert
from u3lab.inversion.priors import TV, DeepImagePrior, Pixels, Prior
from u3lab.lessons import results
from u3lab.measures import Interval, mean
from u3lab.nets import Classifier

SIDE, QUALITY = 128, 82
# Photo → its class, which both judges name first at this size. (Of the 38 pictures that ship, 15 have such a class.)
PHOTOS = {"dog": "German shepherd", "hens": "hen", "bison": "bison", "palace": "palace", "clownfish": "anemone fish",
          "polar_bear": "ice bear"}
NETWORKS = ("squeezenet1_1", "efficientnet_lite0")
LAYERS = {"squeezenet1_1": ("conv1", "fire3", "fire5", "fire7", "fire9", "conv10", LOGITS),
          "efficientnet_lite0": ("stem", "stage2", "stage4", "stage5", "stage6", "stage7", "head", LOGITS)}
JUDGES = {"squeezenet1_1": "efficientnet_lite1", "efficientnet_lite0": "squeezenet1_1"}  # each of the other family
PRIORS, FLOORS = ("none", "total variation", "deep image prior"), ("grey", "same class", "another photo")
LIMITS = {"none": 1000, "total variation": 600, "deep image prior": 300}  # steps
# Price of total variation in each third of the layers. Its authors advise 1, 10, 100; at 100 a photo turned grey here.
LAMBDAS = (1.0, 10.0, 30.0)
JITTER = 4  # pixels, for total variation and the deep image prior
LEAST, CHECKED, FALL = 4, 50, 0.9  # a quarter of the limit at least, then every 50 steps
MOVED = 5  # pixels down and right, before the codes are compared once more


class Run(NamedTuple):
    """A row: which photo's code, at which layer of which network, and how a picture with it was looked for."""

    photo: str
    network: str
    layer: str
    prior: str


class Inverted(NamedTuple):
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


def runs(networks: Iterable[Classifier]) -> list[Run]:
    """All rows, photo by photo."""
    kept = list(networks)
    return [Run(photo, net.name, layer, kind) for photo in PHOTOS for net in kept for layer in LAYERS[net.name]
            for kind in (*PRIORS, *FLOORS) if kind != "same class" or photo in SAME_CLASS]


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


def search(net: Classifier, run: Run, *, limit: int | None = None, seed: int = 0) -> Step:
    """The best step of a run."""
    layers = LAYERS[net.name]
    prior, jitter = prior_of(run.prior, layers.index(run.layer) / len(layers))
    settings = InversionSettings(steps=limit or LIMITS[run.prior], jitter=jitter, seed=seed)
    steps = invert(net, run.layer, photo_of(run.photo), prior=prior, settings=settings)
    return last(enough(steps, settings.steps // LEAST))


def photo_of(name: str) -> Tensor:
    """A photo of the table, (1,3,128,128)."""
    return images.load(name, size=SIDE)


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


def judge(net: Classifier, layer: str, x: Tensor, photo: Tensor) -> tuple[float, float, float]:
    """The errors of x as an inversion of a photo's code at a layer: code, code when moved, pixels."""
    def error(shift: int) -> float:
        with torch.no_grad():
            a, b = (code(net, layer, y.roll((shift, shift), (2, 3))) for y in (x, photo))
        return float(code_error(a, b))

    return error(0), error(MOVED), float((x - photo).square().mean())


def place(other: Classifier, name: str, x: Tensor) -> int:
    """Where the judge puts the class of a photo when it sees x: 1 to 1000."""
    scores = other.logits(x)[0]
    return int((scores > scores[other.class_index(PHOTOS[name])]).sum()) + 1


def judged(net: Classifier, other: Classifier, run: Run, x: Tensor) -> Inverted:
    """The row of a picture."""
    errors = judge(net, run.layer, x, photo_of(run.photo))
    return Inverted(*(round(error, 4) for error in errors), place(other, run.photo, x))


def shipped() -> dict[Run, Inverted]:
    """The shipped table."""
    return {run: Inverted(*row) for run, row in results.table("inversion", Run).items()}


def pictures(network: str, photo: str) -> dict[str, list[Tensor]]:
    """The shipped inversions of a photo: prior → (1,3,128,128), layer by layer."""
    whole = images.load(paths.data("results", f"inversion-{network}.jpg"))
    strip = whole.split(len(PRIORS) * SIDE, 2)[list(PHOTOS).index(photo)]
    return {kind: list(row.split(SIDE, 3)) for kind, row in zip(PRIORS, strip.split(SIDE, 2), strict=True)}


def over_photos(rows: dict[Run, Inverted], network: str, layer: str, kind: str, what: str) -> Interval:
    """The mean of one number over the photos, with its interval."""
    found = [getattr(row, what) for run, row in rows.items() if run[1:] == (network, layer, kind)]
    return mean(torch.tensor(found).double())


def load_networks() -> tuple[list[Classifier], dict[str, Classifier]]:
    """The two networks, and the judge of each, on the CPU."""
    kept = {name: nets.load(name, device="cpu") for name in {*NETWORKS, *JUDGES.values()}}
    return [kept[name] for name in NETWORKS], {name: kept[judge] for name, judge in JUDGES.items()}
