"""One code, many priors: what of an inversion is the network's, and what the prior's?

``python -m u3lab.experiments five_priors`` makes the shipped table, data/results/priors.json, and its pictures.

Five photos that nothing was trained on, their codes at fire9, and pictures found under each prior, from none to real
photos only. Two numbers pull apart: how far the code is off, and how unlike photos the picture is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab import images
from u3lab._system import paths
from u3lab.descent import best, last
from u3lab.inversion.codes import code
from u3lab.inversion.inverters import INVERTERS
from u3lab.inversion.inverting import InversionSettings, invert
from u3lab.inversion.priors import TrainedGenerator
from u3lab.inversion.sampling import SampleSettings, sample
from u3lab.lessons import results
from u3lab.lessons.inversion import table
from u3lab.lessons.inversion.table import SIDE
from u3lab.measures import Interval, mean
from u3lab.nets import Classifier

LAYER, NAMES = "fire9", ("dog", "bison", "palace", "clownfish", "polar_bear")
EYE, EYE_LAYER = "efficientnet_lite0", "stage3"  # the network and layer that tell how like photos a picture is
# From model to prior: ever more is asked of the picture, and ever less comes from the code.
KINDS = ("none", "total variation", "deep image prior", "trained generator", "posterior sample", "learned steps",
         "trained, perceptual", "trained, L2", "nearest photo")
GENERATOR, SAMPLE = {"steps": 250, "jitter": table.JITTER}, {"steps": 300, "step_size": 0.1}


class Run(NamedTuple):
    """A row: whose code, and how a picture with it was made; "the photo" is the photo itself."""

    photo: str
    kind: str


class Made(NamedTuple):
    """Code error, code error when both are moved, mean square of the pixels' error, the place of the photo's class with
    the judge, and how unlike photos the picture is: see :func:`unlikeness`.
    """

    code: float
    moved: float
    pixels: float
    place: int
    unlike: float


class Photos(NamedTuple):
    """What photos look like to the second network: mean (C) and covariance (C,C) of its values at all places."""

    mean: Tensor
    covariance: Tensor


def places(eye: Classifier, x: Tensor) -> Tensor:
    """The values of the second network at all places of pictures, (N,C)."""
    with torch.no_grad():
        return code(eye, EYE_LAYER, x).permute(0, 2, 3, 1).flatten(0, 2).double()


def statistics(eye: Classifier, crops: Iterable[Tensor]) -> Photos:
    """The mean and covariance over many crops (B,3,H,W)."""
    values = torch.cat([places(eye, x) for x in crops])
    return Photos(values.mean(0), torch.cov(values.T))


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


def searched(net: Classifier, run: Run, *, few: dict[str, int] | None = None) -> Tensor:
    """The picture (1,3,128,128) of a run that needs no crops."""
    photo, few = table.photo_of(run.photo), few or {}
    if run.kind in table.PRIORS:
        return table.search(net, table.Run(run.photo, net.name, LAYER, run.kind), limit=few.get("steps")).value
    if run.kind == "trained generator":
        settings = InversionSettings(**{**GENERATOR, **few})
        return best(invert(net, LAYER, photo, prior=TrainedGenerator(), settings=settings)).value
    if run.kind == "posterior sample":
        return last(sample(net, LAYER, photo, settings=SampleSettings(**{**SAMPLE, **few}))).value
    return photo if run.kind == "the photo" else INVERTERS[run.kind](net, LAYER, photo)


def judged(net: Classifier, other: Classifier, eye: Classifier, run: Run, x: Tensor, known: Photos) -> Made:
    """The row of a picture."""
    row = table.judged(net, other, table.Run(run.photo, net.name, LAYER, run.kind), x)
    return Made(row.code, row.moved, row.pixels, row.place, round(unlikeness(eye, x, known), 3))


def runs() -> list[Run]:
    """All rows."""
    return [Run(photo, kind) for photo in NAMES for kind in (*KINDS, "the photo")]


def shipped() -> dict[Run, Made]:
    """The shipped table."""
    return {run: Made(*row) for run, row in results.table("priors", Run).items()}


def over_photos(rows: dict[Run, Made], kind: str, what: str) -> Interval:
    """The mean of one number over the photos, with its interval."""
    return mean(torch.tensor([getattr(row, what) for run, row in rows.items() if run.kind == kind]).double())


def pictures() -> dict[Run, Tensor]:
    """The shipped pictures, (1,3,128,128)."""
    rows = images.load(paths.data("results", "priors.jpg")).split(SIDE, 2)
    return {Run(photo, kind): x for photo, row in zip(NAMES, rows, strict=True)
            for kind, x in zip(KINDS, row.split(SIDE, 3), strict=True)}

