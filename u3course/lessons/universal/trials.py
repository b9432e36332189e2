"""The trials of chapter 1: one method on one domain with a few labels of each class. The long tables are made of them.

``python -m evidence`` ``adapters``, ``shrinkage`` and ``sensitivity`` make the shipped tables; the notebooks
make some of their rows again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.worlds import decathlon
from u3lab import results
from u3lab._system import paths
from u3lab.descent import Step
from u3lab.measures import Interval
from u3lab.nets import Classifier
from u3lab.training.loop import falling
from u3lab.universal import Adapted, UniversalSettings, adapt, train_domain
from u3lab.universal.score import GAMMA, LEAST, POINTS

SIDE = 96  # pixels; the domains have 64, at which an ImageNet network has little left to pool
OWN = {"resnet26_half": 64}  # a network that was made for such pictures takes them as they are
STEPS = {5: 60, 20: 120, 100: 240}  # labels of each class → steps of 16 pictures
LONGER = {"scratch": 3, "features": 10}  # times as many: random weights need them, a head alone has them for nothing


class Run(NamedTuple):
    """One training: ``labels`` of each class; ``seed`` chooses the pictures, their order and what is drawn."""

    domain: str
    method: str
    labels: int
    seed: int
    rate: float


Rows = dict[Run, tuple[float, float]]  # share right of the validation (NaN: not asked) and of the test pictures


def side(network: str) -> int:
    """Pixels to a side of the pictures that a network gets, by its name."""
    return OWN.get(network, SIDE)


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


@torch.no_grad()
def answers(net: Classifier, name: str, split: str = "test") -> tuple[Tensor, Tensor]:
    """Numbers of the classes that the domain in use answers to a split's pictures, and the true ones; both (N)."""
    data = decathlon.load(name, split)
    parts = (enlarged(x, side(net.name)).to(net.device) for x in data.images.split(100))
    return torch.cat([net(x).argmax(1).cpu() for x in parts]), data.labels


def accuracy(net: Classifier, name: str, split: str = "test") -> float:
    """Share of a split's pictures that the domain in use gets right."""
    given, true = answers(net, name, split)
    return (given == true).double().mean().item()


def begin(net: Classifier, run: Run) -> Adapted:
    """The network with the domain of a run, not trained yet; the domain is in use."""
    classes = decathlon.load(run.domain, "val").classes
    return adapt(net, run.method, seed=run.seed).add_domain(run.domain, classes).use(run.domain)


def train(net: Adapted, run: Run, *, steps: int | None = None, lam: float = 0.0,
          prior: str = "source") -> Iterator[Step]:
    """The training of a run, as many steps as its number of labels has in ``STEPS``; the rate falls to nearly 0.

    ``lam`` and ``prior`` are λ and w₀ of :class:`~u3lab.universal.UniversalSettings`.
    """
    steps = steps or STEPS[run.labels] * LONGER.get(run.method, 1)
    settings = UniversalSettings(lr=run.rate, lam=lam, prior=prior, steps=steps, seed=run.seed)
    pictures = training_subset(run.domain, run.labels, run.seed, side(net.name))
    return falling(train_domain(net, run.domain, *pictures, settings=settings), settings)


class Cell(NamedTuple):
    """What a method reaches in a domain: mean, least and greatest test accuracy of some seeds, and the rate chosen."""

    mean: float
    low: float
    high: float
    rate: float

    @property
    def bar(self) -> tuple[float, float, float]:
        """As :func:`u3lab.figures.bars` takes it."""
        return self.mean, self.low, self.high


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


def summary(rows: Rows) -> dict[tuple[str, str, int], Cell]:
    """Domain, method, labels → what the runs with the chosen rate reached."""
    found = {}
    for domain, method, labels in dict.fromkeys((run.domain, run.method, run.labels) for run in rows):
        rate = chosen_rate(rows, domain, method)
        right = [test for run, (_, test) in rows.items()
                 if (run.domain, run.method, run.labels, run.rate) == (domain, method, labels, rate)]
        found[domain, method, labels] = Cell(sum(right) / len(right), min(right), max(right), rate)
    return found


def accuracies(rows: Rows, labels: int) -> dict[str, Tensor]:
    """Method → test accuracies with so many labels at the chosen rates, (domains, seeds)."""
    found = {}
    for method in dict.fromkeys(run.method for run in rows if run.labels == labels):
        chosen = {domain: chosen_rate(rows, domain, method) for domain in dict.fromkeys(run.domain for run in rows)}
        seeds = sorted({run.seed for run in rows if (run.method, run.labels) == (method, labels)})
        found[method] = torch.tensor([[rows[Run(domain, method, labels, seed, rate)][1] for seed in seeds]
                                      for domain, rate in chosen.items()], dtype=torch.float64)
    return found


def points(right: Tensor, baseline: Tensor) -> Tensor:
    """The decathlon's points of accuracies (domains, seeds); those of the baseline count by their mean over seeds."""
    most = (2 * (1 - baseline.mean(1, keepdim=True))).clamp(min=LEAST)
    return POINTS * (1 - (1 - right) / most).clamp(min=0) ** GAMMA


def interval(numbers: list[float]) -> Interval:
    """The mean of some numbers with its 95 % interval, by Student's t: a wide one, as few numbers deserve."""
    from scipy.special import stdtrit  # what scipy.stats.t.ppf calls; scipy.stats would take three times as long

    values = torch.tensor(numbers, dtype=torch.float64)
    half = float(stdtrit(len(numbers) - 1, 0.975) * values.std() / math.sqrt(len(numbers)))
    return Interval(float(values.mean()), float(values.mean()) - half, float(values.mean()) + half)


# Is there a lesion in the square? Learnt from one patient, asked on other slices and on a new patient.
DOMAINS = ("brain lesions", "chest lesions")
LABELS, RATE = 20, 0.0015  # squares of each kind; the rate was not tuned for these domains
ASKED = {"val": "other slices", "test": "new patient"}  # split → what it is of
LESION, HEALTHY = 1, 0  # classes


def training(domain: str, seed: int) -> Run:
    """The training, for :func:`u3course.lessons.universal.trials.begin` and ``train``."""
    return Run(domain, "parallel", LABELS, seed, RATE)


def rates(network: Adapted | Classifier, domain: str, split: str) -> tuple[float, float]:
    """Sensitivity and specificity on the squares of a split: the shares of lesions and of healthy squares that are
    called so."""
    given, true = answers(network, domain, split)
    return tuple((given[true == k] == k).double().mean().item() for k in (LESION, HEALTHY))
