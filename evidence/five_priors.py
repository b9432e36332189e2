"""One code, many priors: five photos' codes at fire9, completed by nine, and how unlike photos the results are.

    python -m evidence five_priors  # results/priors.json and priors.jpg, 10 minutes

Two numbers pull apart: how far the code is off, and how unlike photos the picture is. The nearest photo is looked for
among five thousand crops of the photos that ship, but for the photo itself. Searches that
:mod:`~evidence.inversion_table` has made are taken from its cache, the others from this experiment's.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from evidence import _crops, _sheets, inversion_table
from evidence._table import Chart, Plan, Table, Work, cells
from evidence.inversion_table import network
from u3course.lessons.inversion.table import JITTER, KINDS, PRIORS, SIDE, UNSEEN, photo_of
from u3lab import images
from u3lab._system import paths
from u3lab.descent import best, last
from u3lab.inversion.codes import code
from u3lab.inversion.inverters import INVERTERS
from u3lab.inversion.inverting import InversionSettings, invert
from u3lab.inversion.priors import TrainedGenerator
from u3lab.inversion.sampling import SampleSettings, sample
from u3lab.nets import Classifier

MAKER, LAYER, ITSELF = "squeezenet1_1", "fire9", "the photo"
EYE, EYE_LAYER = "efficientnet_lite0", "stage3"  # the network and layer that tell how like photos a picture is
GENERATOR, SAMPLE = {"steps": 250, "jitter": JITTER}, {"steps": 300, "step_size": 0.1}
CROPS, BATCH, AREA = 5000, 20, (0.2, 1.0)

Run = NamedTuple("Run", [("photo", str), ("kind", str)])
"""Whose code, and how a picture with it was made; "the photo" is the photo itself."""

Row = NamedTuple("Row", [("code", float), ("moved", float), ("pixels", float), ("place", int),
    ("unlike", float)])
"""Code error, code error when both are moved, mean square of the pixels' error, the place of the photo's class with the
judge, and how unlike photos the picture is: see :func:`unlikeness`."""


class Photos(NamedTuple):
    """What photos look like to the second network: mean (C) and covariance (C,C) of its values at all places."""

    mean: Tensor
    covariance: Tensor


TABLE = Table(
    "priors", Run, Row, facts={"crops": CROPS}, again={"kind": "trained, L2"},
    summary=cells("{kind}", {"error of the code, moved": "moved", "unlike photos": "unlike"}),
    shared={"fit & judge: photos": "the photo that is judged is left out of the crops among which its nearest photo is "
                                   "looked for and with which it is compared; the other four are in them"},
    chart=Chart("bars", "error of the code, moved", columns=("error of the code, moved",),
                alt="Bars with intervals for nine priors and the photo itself: the error of the code when moved."))


def work(plan: Plan) -> Iterator[Work]:
    """A picture is a piece of work."""
    plan.fit(photos=list(_crops.named()))
    plan.judge(photos=UNSEEN)
    yield from (Work(Run(photo, kind), measured, plan, Run(photo, kind))
                for photo in plan.few(UNSEEN) for kind in (*KINDS, ITSELF))


def finish(plan: Plan) -> None:
    """A row for each photo."""
    _sheets.write(plan, "priors.jpg", [[Run(photo, kind) for kind in KINDS] for photo in UNSEEN], SIDE, quality=88)


def measured(plan: Plan, run: Run) -> Row:
    """Make the picture, or take it from the cache, and judge it."""
    count = BATCH if plan.short else CROPS
    kept, searched = _sheets.place(run, plan), inversion_table.Run(run.photo, MAKER, LAYER, run.kind)
    before = paths.cache("inversion-table") / _sheets.place(searched, plan).name
    if before.exists() and not plan.short and not kept.exists():
        paths.write_atomically(kept, before.read_bytes())
    if not kept.exists():
        x = (nearest(network(MAKER), photo_of(run.photo), crops(count, plan.seed, run.photo))
             if run.kind == "nearest photo" else made(run, {"steps": 2} if plan.short else {}))
        _sheets.keep(x, run, plan)
    x = images.load(kept)
    row = inversion_table.judged(searched, x)
    known = statistics(run.photo, count // 5, plan.seed + 1)
    return Row(row.code, row.moved, row.pixels, row.place, round(unlikeness(network(EYE), x, known), 3))


def made(run: Run, few: dict[str, int]) -> Tensor:
    """The picture (1,3,128,128) of a run that needs no crops."""
    net, photo = network(MAKER), photo_of(run.photo)
    if run.kind in PRIORS:
        return inversion_table.search(inversion_table.Run(run.photo, MAKER, LAYER, run.kind),
                                      limit=few.get("steps")).value
    if run.kind == "trained generator":
        settings = InversionSettings(**{**GENERATOR, **few})
        return best(invert(net, LAYER, photo, prior=TrainedGenerator(), settings=settings)).value
    if run.kind == "posterior sample":
        return last(sample(net, LAYER, photo, settings=SampleSettings(**{**SAMPLE, **few}))).value
    return photo if run.kind == ITSELF else INVERTERS[run.kind](net, LAYER, photo)


@cache
def whole() -> dict[str, Tensor]:
    """All photos that ship, by name, (3,H,W)."""
    return {name: load(name)[0] for name, load in _crops.named().items()}


def crops(count: int, seed: int, without: str) -> Iterator[Tensor]:
    """So many crops (20,3,128,128) at a time, as many of each photo but one."""
    kept = [picture for name, picture in whole().items() if name != without]
    generator = torch.Generator().manual_seed(seed)
    for begin in range(0, count, BATCH):
        yield torch.stack([_crops.cut(kept[k % len(kept)], SIDE, AREA, generator) for k in range(begin, begin + BATCH)])


def nearest(net: Classifier, photo: Tensor, crops: Iterable[Tensor]) -> Tensor:
    """Of crops, in batches (B,3,128,128), the one (1,3,128,128) whose code at fire9 points most nearly where that of
    the photo does. By distance it would be a crop of plain grass or sky: a short code is near to every other.
    """
    with torch.no_grad():
        wanted = code(net, LAYER, photo).flatten(1)
        found = []
        for x in crops:
            alike = F.cosine_similarity(code(net, LAYER, x).flatten(1), wanted)
            found.append((float(alike.max()), x[alike.argmax()][None]))
    return max(found, key=lambda pair: pair[0])[1]


@cache
def statistics(without: str, count: int, seed: int) -> Photos:
    """The mean and covariance over crops of all photos but one."""
    values = torch.cat([places(network(EYE), x) for x in crops(count, seed, without)])
    return Photos(values.mean(0), torch.cov(values.T))


def places(eye: Classifier, x: Tensor) -> Tensor:
    """The values of the second network at all places of pictures, (N,C)."""
    with torch.no_grad():
        return code(eye, EYE_LAYER, x).permute(0, 2, 3, 1).flatten(0, 2).double()


def unlikeness(eye: Classifier, x: Tensor, known: Photos) -> float:
    """Fréchet distance between the values at a picture's places and those of photos, as if both were Gaussian:

        ‖μ − μ₀‖² + tr( C + C₀ − 2 (C₀^½ C C₀^½)^½ )

    Heusel et al., GANs trained by a two time-scale update rule, NIPS 2017, with places in the place of pictures.
    """
    values = places(eye, x)
    root = _root(known.covariance)
    both = _root(root @ torch.cov(values.T) @ root)
    return float((values.mean(0) - known.mean).square().sum() + values.var(0).sum() + known.covariance.trace()
                 - 2 * both.trace())


def _root(matrix: Tensor) -> Tensor:
    """The square root of a symmetric matrix without negative eigenvalues."""
    values, vectors = torch.linalg.eigh(matrix)
    return vectors * values.clamp(min=0).sqrt() @ vectors.T
