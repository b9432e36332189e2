"""The trials of chapter 1: one method on one domain with a few labels of each class, and what the shipped tables say.

``python -m evidence`` ``adapters``, ``shrinkage`` and ``sensitivity`` make these tables.
"""

import math
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.worlds import decathlon
from u3lab import results
from u3lab._system import paths
from u3lab.training.loop import falling  # noqa: F401 — the notebook trains with it

SIDE = 96  # pixels; the domains have 64, at which an ImageNet network has little left to pool


class Run(NamedTuple):
    """One training: ``labels`` of each class; ``seed`` chooses the pictures, their order and what is drawn."""

    domain: str
    method: str
    labels: int
    seed: int
    rate: float


Rows = dict[Run, tuple[float, float]]  # share right of the validation (NaN: not asked) and of the test pictures


def enlarged(images: Tensor, size: int = SIDE) -> Tensor:
    """Pictures (N,3,64,64) as the networks get them, (N,3,size,size)."""
    return F.interpolate(images, size=(size, size), mode="bilinear", align_corners=False)


def few_of_each(labels: Tensor, each: int, seed: int) -> Tensor:
    """Numbers of so many of the pictures of each class, another choice for each seed."""
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    return torch.cat([order[labels[order] == k][:each] for k in labels.unique()])


def training_subset(name: str, each: int, seed: int, size: int = SIDE) -> tuple[Tensor, Tensor]:
    """So many training pictures of each class of a domain, another choice for each seed: (N,3,S,S) and labels (N)."""
    domain = decathlon.load(name)
    chosen = few_of_each(domain.labels, each, seed)
    return enlarged(domain.images[chosen], size), domain.labels[chosen]


def rows_of(network: str, table: str = "adapters") -> Rows:
    """The rows of one network in a shipped table: "adapters", or "bolted" with its two trunks "plain" and "serial"."""
    return {Run(*run[1:]): row for run, row in results.table(table).items() if run[0] == network}


def domain_files() -> list[Path]:
    """The ten domains that ship: parallel adapters of SqueezeNet, from ``python -m evidence domains``."""
    return [paths.data("domains", file.name) for file in sorted(paths.data("domains").glob("*.safetensors"))]


def chosen_rate(rows: Rows, domain: str, method: str) -> float:
    """The rate with which most validation pictures were right; of the best the smallest."""
    tried = {run.rate: val for run, (val, _) in rows.items()
             if (run.domain, run.method) == (domain, method) and not math.isnan(val)}
    return min(tried, key=lambda rate: (-tried[rate], rate))


def accuracies(rows: Rows, labels: int) -> dict[str, Tensor]:
    """Method → test accuracies with so many labels at the chosen rates, (domains, seeds)."""
    found = {}
    for method in dict.fromkeys(run.method for run in rows if run.labels == labels):
        chosen = {domain: chosen_rate(rows, domain, method) for domain in dict.fromkeys(run.domain for run in rows)}
        seeds = sorted({run.seed for run in rows if (run.method, run.labels) == (method, labels)})
        found[method] = torch.tensor([[rows[Run(domain, method, labels, seed, rate)][1] for seed in seeds]
                                      for domain, rate in chosen.items()], dtype=torch.float64)
    return found


# Is there a lesion in the square? Learnt from one patient, asked on other slices and on a new patient.
DOMAINS = ("brain lesions", "chest lesions")
ASKED = {"val": "other slices", "test": "new patient"}  # split → what it is of
