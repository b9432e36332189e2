"""Interpretability and performance, layer by layer: how many concepts have a detector, and what a linear probe reads.

    python -m evidence layers  # results/layers.json, five minutes
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from evidence._table import Chart, Plan, Rows, Summary, Table, Work
from u3course.lessons.dissection import words
from u3course.worlds import concepts
from u3lab import dissection, nets
from u3lab.datasets import photos
from u3lab.nets import Classifier

UNTRAINED, PICTURES, EACH = "not trained", 600, 2  # pictures to dissect on; of each source of a word
LAYERS = {"squeezenet1_1": ("conv1", "fire2", "fire3", "fire4", "fire5", "fire6", "fire7", "fire8", "fire9"),
          UNTRAINED: ("conv1", "fire3", "fire5", "fire7", "fire9"),
          "efficientnet_lite0": ("stage1", "stage2", "stage3", "stage4", "stage5", "stage6", "stage7"),
          "efficientnet_lite1": ("stage1", "stage3", "stage5", "stage7")}

Run = NamedTuple("Run", [("network", str), ("layer", str)])
"""A layer of a network."""

Row = NamedTuple("Row", [("units", int), ("unique", int), ("labels", int), ("accuracy", float), ("low", float),
    ("high", float)])
"""Units; different concepts with a detector, and labels of units; accuracy of a probe with its interval."""


def summary(rows: Rows) -> Summary:
    """Detected concepts and accuracy, by layer."""
    return {", ".join(run): {"concepts with a detector": row.unique, "units": row.units,
                             "accuracy of a probe": (row.accuracy, row.low, row.high)} for run, row in rows.items()}


TABLE = Table(
    "layers", Run, Row, summary=summary, facts={"pictures": PICTURES},
    again="the 600 pictures that are dissected take a minute to make",
    shared={"fit & judge: backgrounds": "behind cut-outs lie the same photos of nature on both sides, drawn without "
                                        "regard to the word; no photo or cut-out that bears a word is on both"},
    chart=Chart("bars", "accuracy of a probe", columns=("accuracy of a probe",), chance=0.25,
                alt="Bars with intervals for 25 layers of four networks: the accuracy of a probe, chance is 0.25."))


def work(plan: Plan) -> Iterator[Work]:
    """A layer is a piece of work."""
    behind = photos.names("nature")
    plan.fit(sources=sum(words.sources_of(held_out=False).values(), []), backgrounds=behind)
    plan.judge(sources=sum(words.sources_of(held_out=True).values(), []), backgrounds=behind)
    few, each = (12, 1) if plan.short else (PICTURES, EACH)
    yield from (Work(Run(name, layer), measured, Run(name, layer), few, each)
                for name, layers in plan.few(list(LAYERS.items())) for layer in plan.few(layers))


def measured(run: Run, few: int, each: int) -> Row:
    """Dissect a layer, and read words off it."""
    net = network(run.network)
    found = dissection.dissect(net, run.layer, dissected_on(count=few, least=1 if few < PICTURES else 8))
    learn, ask = (asked(held_out=held_out, each=each) for held_out in (False, True))
    return Row(len(found.thresholds), dissection.unique_detectors(found), len(found.labels()),
               *words.probed(net, (run.layer,), learn, ask)[run.layer])


@cache
def network(name: str) -> Classifier:
    """A network of the table."""
    return nets.untrained(nets.load()) if name == UNTRAINED else nets.load(name)


dissected_on, asked = cache(concepts.load), cache(words.pictures)
