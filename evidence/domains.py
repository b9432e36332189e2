"""The ten domains of chapter 1 as files: the parallel adapters of SqueezeNet, trained with 100 labels of each class.

    python -m evidence domains           # domains/digits.safetensors … and results/domains.json

The rates are those that the long table has chosen (``python -m evidence adapters``).
"""

from collections.abc import Iterator
from typing import NamedTuple

from evidence import _trials as trials
from evidence import adapters
from evidence._plan import said
from evidence._table import Chart, Plan, Table, Work, cells, only
from u3lab import nets
from u3lab.descent import last
from u3lab.nets import Classifier

NETWORK, KIND, LABELS = "squeezenet1_1", "parallel", 100

Run = NamedTuple("Run", [("domain", str)])
"""A domain, which is a file."""

Row = NamedTuple("Row", [("right", float)])
"""The share of the test pictures that is right."""


TABLE = Table(
    "domains", Run, Row, summary=cells("{domain}", {"right": "right"}, only),
    facts={"network": NETWORK, "method": KIND, "labels": LABELS},
    again="it would write the file that ships; a test asks that file instead",
    chart=Chart("bars", "share of test pictures right", alt="Bars for ten domains: the share of test pictures right."))


def work(plan: Plan) -> Iterator[Work]:
    """A domain is a piece of work, and writes its file."""
    net, domains, rows = nets.load(NETWORK), plan.few(adapters.DOMAINS), trials.rows_of(NETWORK)
    plan.splits(domains)
    for name in domains:
        run = trials.Run(name, KIND, LABELS, plan.seed, trials.chosen_rate(rows, name, KIND))
        yield Work(Run(name), measured, plan, net, run)


def measured(plan: Plan, net: Classifier, run: trials.Run) -> Row:
    """Train the domain, write it, and ask about the test pictures."""
    adapted = trials.begin(net, run)
    last(trials.train(adapted, run, steps=plan.steps(None)), title=run.domain)
    pictures = trials.training_subset(run.domain, LABELS, run.seed)[0][: 50 if plan.short else None]
    file = plan.file("domains", f"{run.domain.replace(' ', '-')}.safetensors")
    said(adapted.save_domain(file, run.domain, images=pictures))
    return Row(trials.accuracy(adapted, run.domain, "test"))
