"""The trials of chapter 1: one method on one domain with a few labels of each class. Long tables are made of them."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from u3course.lessons.universal.trials import (  # noqa: F401 — what the programs ask for as well
    ASKED,
    DOMAINS,
    SIDE,
    Rows,
    Run,
    accuracies,
    chosen_rate,
    domain_files,
    enlarged,
    rows_of,
    training_subset,
)
from u3course.worlds import decathlon
from u3lab.descent import Step
from u3lab.measures import Interval
from u3lab.nets import Classifier
from u3lab.training.loop import falling
from u3lab.universal import Adapted, UniversalSettings, adapt, train_domain
from u3lab.universal.score import GAMMA, LEAST, POINTS

OWN = {"resnet26_half": 64}  # a network that was made for such pictures takes them as they are
STEPS = {5: 60, 20: 120, 100: 240}  # labels of each class → steps of 16 pictures
LONGER = {"scratch": 3, "features": 10}  # times as many: random weights need them, a head alone has them for nothing
LABELS, RATE = 20, 0.0015  # squares with a lesion or without, of each kind; the rate was not tuned for these domains


def side(network: str) -> int:
    """Pixels to a side of the pictures that a network gets, by its name."""
    return OWN.get(network, SIDE)


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


def summary(rows: Rows) -> dict[tuple[str, str, int], Cell]:
    """Domain, method, labels → what the runs with the chosen rate reached."""
    found = {}
    for domain, method, labels in dict.fromkeys((run.domain, run.method, run.labels) for run in rows):
        rate = chosen_rate(rows, domain, method)
        right = [test for run, (_, test) in rows.items()
                 if (run.domain, run.method, run.labels, run.rate) == (domain, method, labels, rate)]
        found[domain, method, labels] = Cell(sum(right) / len(right), min(right), max(right), rate)
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


LESION, HEALTHY = 1, 0  # classes


def training(domain: str, seed: int) -> Run:
    """The training, for :func:`u3course.lessons.universal.trials.begin` and ``train``."""
    return Run(domain, "parallel", LABELS, seed, RATE)


def rates(network: Adapted | Classifier, domain: str, split: str) -> tuple[float, float]:
    """Sensitivity and specificity on the squares of a split: the shares of lesions and of healthy squares that are
    called so."""
    given, true = answers(network, domain, split)
    return tuple((given[true == k] == k).double().mean().item() for k in (LESION, HEALTHY))
