"""Chapter 1 on lesions: sensitivity and specificity, on other slices and on a new patient, twenty seeds.

    python -m evidence sensitivity      # results/sensitivity.json
"""

from collections.abc import Iterator
from typing import NamedTuple

from evidence import _trials as trials
from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell
from u3course.lessons.universal.trials import ASKED, DOMAINS
from u3course.worlds.decathlon import patients
from u3lab import nets
from u3lab.descent import last
from u3lab.nets import Classifier

NETWORK, SEEDS = "squeezenet1_1", range(20)

Run = NamedTuple("Run", [("domain", str), ("split", str), ("seed", int)])
"""One training, whose ``seed`` chooses its squares and their order, asked on a split."""

Row = NamedTuple("Row", [("sensitivity", float), ("specificity", float)])
"""The shares of lesions that are called so, and of healthy squares that are."""


def summary(rows: Rows) -> Summary:
    """The means over the trainings, by organ and by what was asked."""
    return by_cell((f"{run.domain}, {ASKED[run.split]}", column, value) for run, row in rows.items()
                   for column, value in zip(Row._fields, row, strict=True))


TABLE = Table(
    "sensitivity", Run, Row, summary=summary, facts={"network": NETWORK},
    again={"domain": "chest lesions"},
    shared={"fit & judge: patients": "The split val asks about other slices of the patient that was learnt from, and "
                                     "says so; the split test asks about a patient of whom nothing was learnt."},
    chart=Chart("bars", "share of squares", chance=0.5,
                alt="Pairs of bars, sensitivity and specificity, for lesions of the brain and of the chest, on other "
                    "slices of the same patient and on a new patient."))


def work(plan: Plan) -> Iterator[Work]:
    """A training is a piece of work, and has a row for each split."""
    net, domains = nets.load(NETWORK), plan.few(DOMAINS)
    known, new = patients.TRAIN[: len(domains)], patients.TEST[: len(domains)]
    plan.fit(splits=[f"{domain}, train" for domain in domains], patients=known)
    plan.judge(splits=[f"{domain}, {split}" for domain in domains for split in ASKED], patients=(*known, *new))
    for domain in domains:
        for seed in plan.few(SEEDS):
            yield Work([Run(domain, split, seed) for split in ASKED], measured, net, domain, seed,
                       plan.steps(None))


def measured(net: Classifier, domain: str, seed: int, steps: int | None = None) -> dict[Run, Row]:
    """Train on squares of a patient, and ask about other slices and about a new patient."""
    doctor = trials.begin(net, one := trials.training(domain, seed))
    last(trials.train(doctor, one, steps=steps))
    return {Run(domain, split, seed): Row(*trials.rates(doctor, domain, split)) for split in ASKED}
