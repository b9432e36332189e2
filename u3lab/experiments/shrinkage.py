"""Chapter 1 on shrinkage: accuracy against λ, the price of the distance from a prior's centre.

    python -m u3lab.experiments shrinkage  # results/shrinkage.json
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from u3lab import nets
from u3lab.descent import last
from u3lab.experiments._table import Chart, Evidence, Plan, Rows, Summary, Table, Work
from u3lab.lessons.universal import trials
from u3lab.nets import Classifier

NETWORK = "squeezenet1_1"
DOMAINS = ("digits", "traffic signs", "animals")
RATES = {"parallel": 0.0015, "fine-tuning": 0.0003}
LAMBDAS = {5: (0.0, 0.01, 0.1, 1.0, 10.0), 100: (0.0, 0.1, 1.0, 10.0)}  # labels of each class → λ
SEEDS = range(3)

Run = NamedTuple("Run", [("domain", str), ("method", str), ("prior", str), ("labels", int), ("lam", float),
    ("seed", int)])
"""One training with λ and the prior's centre w₀, "source" or "zero"; ``labels`` of each class."""

Reached = NamedTuple("Reached", [("val", float), ("test", float)])
"""Share right of the validation and of the test pictures."""


def summary(rows: Rows) -> Summary:
    """By how much the test accuracy is over that with λ = 0, paired by domain and seed."""
    there = {run: row for run, row in rows.items() if run._replace(prior="source", lam=0.0) in rows}
    return {f"{labels} labels, λ = {lam:g}": {way: trials.interval(trials.gain(there, *kind, labels, lam))
                                              for way, kind in trials.WAYS.items()}
            for labels in LAMBDAS for lam in trials.prices(there, labels)
            if all(len(trials.gain(there, *kind, labels, lam)) > 1 for kind in trials.WAYS.values())}


TABLE = Table(
    "shrinkage", Run, Reached, summary=summary, facts={"network": NETWORK, "side": trials.SIDE, "rates": RATES},
    again={"domain": "digits", "method": "parallel", "labels": "5"},
    evidence=Evidence(
        "what it brings to pay for the distance from the source, or from zero",
        measured="Test accuracy with λ, less that of the same method, domain and seed with λ = 0.",
        on="Three of the ten domains, with 5 and with 100 labels of each class; SqueezeNet.",
        often="Three seeds, each with other pictures to learn from. The 95 % intervals are Student's, over the nine "
              "pairs of domain and seed.",
        floor="λ = 0 is the method without a prior; its centre does not matter then.",
        rivals="The prior on zero has the same steps, rate, pictures and λ as that on the source.",
        chosen="The rates are those that validation chose for most domains in the table adapters, with 20 labels of "
               "each class and λ = 0; they are the same for all λ. The validation pictures choose λ where one is "
               "chosen.",
        limits="Nine pairs from three domains: small gains cannot be told from none. With 100 labels one λ fewer was "
               "tried."),
    chart=Chart("bars", "test accuracy, minus that with λ = 0",
                alt="Bars for three ways: adapters and fine-tuning with the prior on the source, and fine-tuning with "
                    "the prior on zero; a group for each number of labels and each price."))


def work(plan: Plan) -> Iterator[Work]:
    """A training is a piece of work; with λ = 0 there is one for both centres."""
    net, domains = nets.load(NETWORK, fold=False), plan.few(DOMAINS)
    plan.splits(domains)
    runs = [Run(domain, method, prior, labels, lam, seed)
            for domain in domains for method, prior in trials.WAYS.values() for labels, prices in LAMBDAS.items()
            for lam in prices if lam or prior == "source" for seed in SEEDS]
    for run in plan.few(runs):
        yield Work(run, measured, net, run, plan.steps(None))


def measured(net: Classifier, run: Run, steps: int | None = None) -> Reached:
    """Train, and ask about the validation and the test pictures."""
    plain = trials.Run(run.domain, run.method, run.labels, run.seed, RATES[run.method])
    adapted = trials.begin(net, plain)
    last(trials.train(adapted, plain, steps=steps, lam=run.lam, prior=run.prior))
    return Reached(*(trials.accuracy(adapted, run.domain, split) for split in Reached._fields))
