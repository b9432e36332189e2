"""How digits fall into ten boxes while a network learns without labels: notebook 02c's first figure.

    python -m evidence sorting       # results/sorting.json, a few minutes
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch

from evidence._table import Plan, Table, Work, cells, only
from evidence.clusters import DIGITS
from u3lab import selfsup
from u3lab.datasets import handwritten
from u3lab.selfsup.matching import hungarian_accuracy

SEED, KINDS = 0, 10  # the seed with the median accuracy of the table clusters
STEPS = (0, 5, 10, 15, 20, 30, 40, 60, 80, 100, 150, 200, 300, 400, 500, 600, 750, 900)
SHOWN = 200  # digits whose boxes are kept, twenty of each kind

Run = NamedTuple("Run", [("step", int)])
"""After how many steps."""

Row = NamedTuple("Row", [("information", float), ("accuracy", float), ("joint", tuple), ("boxes", str)])
"""Of the 5,000 digits: the information of two views in nats, the Hungarian accuracy, and P row by row in
ten-thousandths; and the box, from 0 to 9, of each of the first 200."""


TABLE = Table(
    "sorting", Run, Row, facts={"digits": DIGITS, "seed": SEED},
    summary=cells("step {step}", {"information": "information", "accuracy": "accuracy"}, only),
    again="a row is a state of one training, which takes minutes",
    shared={"fit & judge: digits": "a clustering is judged on what was clustered; no label is fitted"})


def work(plan: Plan) -> Iterator[Work]:
    """One training is all the work."""
    plan.fit(digits=handwritten.load()[0][:, 0])
    plan.judge(digits=handwritten.load()[0][:, 0])
    runs = [Run(step) for step in plan.few(STEPS, 2)]
    yield Work(runs, measured, runs, steps=runs[-1].step)


def measured(runs: list[Run], *, steps: int) -> dict[Run, Row]:
    """Train, and keep at some steps what all sub-heads say; in the end take the one with the lowest loss."""
    digits, labels = handwritten.load()
    settings = selfsup.ClusterSettings(**{**DIGITS, "steps": steps, "seed": SEED})
    net = selfsup.digit_encoder(seed=SEED)
    head = selfsup.sub_heads(net, KINDS, settings=settings)
    kept = {}
    for step in selfsup.cluster(net, digits, KINDS, head=head, settings=settings):
        if Run(step.iteration) in runs:
            draw = torch.Generator().manual_seed(SEED)
            kept[Run(step.iteration)] = [selfsup.cluster_probabilities(net, head, seen) for seen in (
                digits, selfsup.digit_views(digits, draw), selfsup.digit_views(digits, draw))]
    best = selfsup.best_head(net, head, digits)
    found = {}
    for run, shares in kept.items():
        plain, one, other = (z[best] for z in shares)
        P = selfsup.joint(one, other)
        found[run] = Row(float(selfsup.mutual_information(P)), hungarian_accuracy(plain.argmax(1), labels),
                         tuple((P * 10**4).round().int().flatten().tolist()),
                         "".join(map(str, plain[:SHOWN].argmax(1).tolist())))
    return found
