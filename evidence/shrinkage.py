"""Chapter 1 on shrinkage: accuracy against σ, how far we believe that the weights lie from a prior's centre.

    python -m evidence shrinkage  # results/shrinkage.json, three quarters of an hour

A normal prior of width σ costs λ = 1 / (2 σ² N) with N labels in all, so that one belief has one σ and many λ.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import torch

from evidence import _trials as trials
from evidence._table import Chart, Plan, Rows, Summary, Table, Work
from evidence.adapters import over_both
from u3course.worlds import decathlon
from u3lab import nets
from u3lab.descent import last
from u3lab.measures import Interval
from u3lab.nets import Classifier

NETWORK = "squeezenet1_1"
DOMAINS = ("digits", "traffic signs", "animals")
RATES = {"parallel": 0.0015, "fine-tuning": 0.0003}
SIGMAS = {5: (0.032, 0.1, 0.32, 1.0), 100: (0.032, 0.1, 0.32)}  # labels of each class → widths of the prior
SEEDS = {5: range(8), 100: range(4)}

# What is trained, and the prior's centre → method and centre as the rows call them.
WAYS = {"adapters, w₀ = source": ("parallel", "source"), "fine-tuning, w₀ = source": ("fine-tuning", "source"),
        "fine-tuning, w₀ = 0": ("fine-tuning", "zero")}
BETWEEN = "fine-tuning, w₀ = source less w₀ = 0"
ALL = sum(len(sigmas) + 1 for sigmas in SIGMAS.values()) * (len(WAYS) + 1)  # intervals in the summary

Run = NamedTuple("Run", [("domain", str), ("method", str), ("prior", str), ("labels", int), ("sigma", float | None),
    ("seed", int)])
"""One training with a prior of width σ around w₀, "source" or "zero"; ``labels`` of each class. Without a prior, which
is σ = ∞, they are "none" and None."""

Row = NamedTuple("Row", [("val", float), ("test", float)])
"""Share right of the validation and of the test pictures."""


def summary(rows: Rows) -> Summary:
    """Test accuracy less that without a prior, for each σ and for the one that validation chooses."""
    found = {}
    for labels, sigmas in SIGMAS.items():
        for sigma in sigmas:
            found[f"{labels} labels, σ = {sigma:g}"] = gains(rows, labels, lambda domain, way, one=sigma: one)
        found[f"{labels} labels, σ chosen"] = gains(
            rows, labels, lambda domain, way, labels=labels: chosen(rows, domain, way, labels))
    return {label: of for label, of in found.items() if of}


def run_of(domain: str, way: str, labels: int, sigma: float | None, seed: int) -> Run:
    """The training of a way of ``WAYS``; without a prior it has no centre."""
    method, prior = WAYS[way]
    return Run(domain, method, prior if sigma else "none", labels, sigma, seed)


def gains(rows: Rows, labels: int, sigma: Callable[[str, str], float | None]) -> dict[str, Interval]:
    """Way → by how much the test accuracy with σ(domain, way) is over that without a prior, paired by domain and seed;
    and fine-tuning around the source less that around zero. Nothing while a run is missing."""
    def accuracy(domain: str, way: str, width: float | None, seed: int) -> float:
        return rows[run_of(domain, way, labels, width, seed)].test

    try:
        won = {way: torch.tensor([[accuracy(domain, way, sigma(domain, way), seed) - accuracy(domain, way, None, seed)
                                   for seed in SEEDS[labels]] for domain in DOMAINS], dtype=torch.float64)
               for way in WAYS}
    except KeyError:
        return {}
    _, source, zero = won.values()
    return {way: over_both(values) for way, values in (won | {BETWEEN: source - zero}).items()}


def chosen(rows: Rows, domain: str, way: str, labels: int) -> float | None:
    """σ with which most validation pictures are right, over all seeds; of the best the widest, None first of all."""
    def right(sigma: float | None) -> float:
        return sum(rows[run_of(domain, way, labels, sigma, seed)].val for seed in SEEDS[labels])

    return max((None, *SIGMAS[labels][::-1]), key=right)


TABLE = Table(
    "shrinkage", Run, Row, summary=summary, facts={"network": NETWORK, "side": trials.SIDE, "rates": RATES},
    again={"domain": "digits", "method": "parallel", "labels": "5"},
    uneven={"seeds": "Eight seeds with 5 labels, four with 100"},
    chart=Chart("bars", "test accuracy, less that without a prior", columns=tuple(WAYS),
                alt="Bars for three ways: adapters and fine-tuning with the prior on the source, and fine-tuning with "
                    "the prior on zero; a group for each number of labels and each width σ, the narrowest first, and "
                    "for the σ that validation chooses."))


def work(plan: Plan) -> Iterator[Work]:
    """A training is a piece of work; without a prior there is one for both centres."""
    net, domains = nets.load(NETWORK, fold=False), plan.few(DOMAINS)
    plan.splits(domains)
    runs = dict.fromkeys(run_of(domain, way, labels, sigma, seed) for labels, seeds in SEEDS.items()
                         for domain in domains for seed in seeds for sigma in (None, *SIGMAS[labels]) for way in WAYS)
    for run in plan.few(list(runs)):
        yield Work(run, measured, net, run, plan.steps(None))


def price(run: Run) -> float:
    """λ = 1 / (2 σ² N), with N labels in all; 0 without a prior."""
    return 1 / (2 * run.sigma**2 * run.labels * classes(run.domain)) if run.sigma else 0.0


@cache
def classes(domain: str) -> int:
    """How many classes a domain has."""
    return len(decathlon.load(domain, "val").classes)


def measured(net: Classifier, run: Run, steps: int | None = None) -> Row:
    """Train, and ask about the validation and the test pictures."""
    plain = trials.Run(run.domain, run.method, run.labels, run.seed, RATES[run.method])
    adapted, prior = trials.begin(net, plain), run.prior if run.sigma else "source"  # any: its price is 0
    last(trials.train(adapted, plain, steps=steps, lam=price(run), prior=prior))
    return Row(*(trials.accuracy(adapted, run.domain, split) for split in Row._fields))
