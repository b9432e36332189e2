"""Digits sorted without labels, by mutual information and by k-means.

    python -m evidence clusters                   # results/clusters.json, a few minutes a seed
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from torch import Tensor

from evidence._mosaics import by_kmeans, deskewed
from evidence._table import Chart, Plan, Rows, Summary, Table, Work, cells, over, spread
from u3lab.datasets import handwritten
from u3lab.descent import last
from u3lab.selfsup import ClusterSettings, best_head, cluster, cluster_probabilities, digit_encoder, sub_heads
from u3lab.selfsup.matching import hungarian_accuracy

IIC, KMEANS, DESKEWED = "IIC", "k-means", "k-means, deskewed"
SHOWN = {"chosen by the loss": "accuracy", "best head": "best_head"}
GAIN = "gain of IIC"
SEEDS = (0, 1, 2, 3, 4)
DIGITS = {"steps": 900, "batch_size": 250, "heads": 8, "lr": 0.003}

Run = NamedTuple("Run", [("data", str), ("way", str), ("seed", int)])
"""One run: which pictures, which way, which seed."""

Row = NamedTuple("Row", [("accuracy", float), ("best_head", float)])
"""Hungarian accuracies: of the sub-head that the loss chose, and of the best, which only labels could tell."""


def with_gains(of: Callable[[Rows], Summary], label: str, ours: str,
               counts: Callable[[Any], bool] = lambda run: True) -> Callable[[Rows], Summary]:
    """A summary with one column more: what ``ours`` has beyond each rival on the same data, seed by seed.

    The mean of the differences, with its interval over the seeds that both have.
    """
    def summary(rows: Rows) -> Summary:
        found = {name: dict(columns) for name, columns in of(rows).items()}
        right = {run: row.accuracy for run, row in rows.items() if counts(run)}
        for name, rival in {label.format(**run._asdict()): run for run in right if run.way != ours}.items():
            pairs = [(right[run._replace(way=ours)], one) for run, one in right.items()
                     if (run.data, run.way) == (rival.data, rival.way) and run._replace(way=ours) in right]
            if pairs:
                found[name][GAIN] = over(mine - its for mine, its in pairs)
        return found

    return summary


TABLE = Table(
    "clusters", Run, Row, summary=with_gains(cells("{data}, {way}", SHOWN, spread), "{data}, {way}", IIC),
    facts={"digits": DIGITS}, again={"way": KMEANS},
    chart=Chart("bars", "Hungarian accuracy", columns=("chosen by the loss",),
                alt="Bars for three ways of sorting digits, with the range of five seeds."),
    shared={"fit & choose: digits": "no label is fitted; four settings were tried with the first seed of these digits",
            "fit & judge: digits": "a clustering is judged on what was clustered; no label is fitted",
            "choose & judge: digits": "four settings were tried with the first seed; the others were run once"})


def work(plan: Plan) -> Iterator[Work]:
    """A run is a piece of work."""
    digits, labels = handwritten.load()
    for role in (plan.fit, plan.choose, plan.judge):
        role(digits=digits[:, 0])
    for way in (IIC, KMEANS, DESKEWED):
        for seed in plan.few(SEEDS):
            yield Work(Run("digits", way, seed), measured, digits, labels, way, seed,
                       steps=plan.steps(DIGITS["steps"]))


def measured(digits: Tensor, labels: Tensor, way: str, seed: int, *, steps: int = DIGITS["steps"]) -> Row:
    """Sort the digits, and match the clusters with the labels."""
    if way == KMEANS:
        return Row(*by_kmeans(digits[:, :1], labels, 10, seed))
    if way == DESKEWED:
        return Row(*by_kmeans(deskewed(digits[:, :1]), labels, 10, seed))
    settings = ClusterSettings(**{**DIGITS, "steps": steps, "seed": seed})
    net = digit_encoder(seed=seed)
    head = sub_heads(net, 10, settings=settings)
    last(cluster(net, digits, 10, head=head, settings=settings))
    return of_heads(cluster_probabilities(net, head, digits), labels, best_head(net, head, digits))


def of_heads(shares: Tensor, labels: Tensor, chosen: int) -> Row:
    """Shares (heads,N,k) → the accuracy of the chosen head, and of the best one."""
    found = [hungarian_accuracy(z.argmax(1), labels) for z in shares]
    return Row(found[chosen], max(found))
