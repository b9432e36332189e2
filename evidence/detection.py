"""Telling attacks from noise and blur by their saliency, and the attacker who knows: on both networks.

    python -m evidence detection          # results/detection.json

All cuts of one photo are on one side of the split between training and test, and the interval of the AUC resamples
photos: cuts of one photo are no independent pictures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell, only
from u3course.lessons.adversarial.detecting import FEATURES, advantage, samples, trial
from u3lab import images, nets
from u3lab.adversarial.detection import layer_saliency
from u3lab.measures import Interval

NETWORKS = ("squeezenet1_1", "efficientnet_lite0")
CROPS = 3  # cuts of each photo

Run = NamedTuple("Run", [("network", str), ("features", str)])
"""What a detector sees, on one network."""

Row = NamedTuple("Row", [("auc", Interval), ("genuine", Interval), ("noisy", Interval), ("blurred", Interval),
    ("adaptive", Interval | None), ("still_fool", float | None), ("over_the_score", Interval), ("samples", int),
    ("photos", int)])
"""AUCs, each with its interval over photos: of attacks against all else, against each kind of it, and of attackers who
know the detector (None but for the strength), with the share of these that still fool the network; and by how much the
first is over that of the score alone, on the same draws of photos. How many samples and photos."""


def summary(rows: Rows) -> Summary:
    """The AUC of each detector, and against the attacker who knows, by network."""
    return by_cell(((label, run.network, auc) for run, row in rows.items() for label, auc in (
        (run.features, row.auc), (f"{run.features}, attacker who knows", row.adaptive))
                    if isinstance(auc, tuple)), only)


TABLE = Table(
    "detection", Run, Row, summary=summary, facts={"crops": CROPS}, digits=3,
    again="all detectors of a network are one piece of work, which takes minutes",
    shared={"fit & judge: photos": "in turns: photos are split into four parts, and the detector that judges a photo "
                                   "was fitted on the three parts without it"},
    chart=Chart("bars", "AUC of the detector (high: attacks are found)", chance=0.5,
                alt="Bars with intervals for two networks: three detectors, and the strength against an attacker who "
                    "knows it."))


def work(plan: Plan) -> Iterator[Work]:
    """A network is a piece of work: its detectors are compared on the same samples."""
    photos = plan.few(images.names("everyday"), 4)
    plan.fit(photos=photos)
    plan.judge(photos=photos)
    for name in plan.networks(NETWORKS):
        yield Work([Run(name, title) for title in FEATURES], measured, name, photos, CROPS, plan.seed,
                   1 if plan.short else len(photos) * CROPS * 4)


def measured(name: str, photos: Sequence[str], crops: int, seed: int, adaptive: int) -> dict[Run, Row]:
    """The rows of one network; the attacker who knows is tried on ``adaptive`` of the photos."""
    net = nets.load(name)
    drawn = samples(net, names=photos, crops=crops, seed=seed)
    found = {title: trial(net, drawn, features=features, adaptive=adaptive if features is layer_saliency else 0)
             for title, features in FEATURES.items()}
    return {Run(name, title): Row(
        one.auc, *one.by_kind.values(), one.adaptive, one.still_fool,
        advantage(drawn, one.scores, found["score alone"].scores), len(drawn), len({each.source for each in drawn}))
        for title, one in found.items()}
