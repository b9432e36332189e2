"""Telling attacks from noise and blur by their saliency, and the attacker who knows: on both networks.

    python -m evidence detection          # results/detection.json

All cuts of one photo are on one side of the split between training and test, and the interval of the AUC resamples
photos: cuts of one photo are no independent pictures.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell, only
from u3course.lessons.adversarial.detecting import Features, Sample, samples, trial
from u3lab import images, nets
from u3lab.adversarial.detection import layer_saliency
from u3lab.measures import Interval, bootstrap
from u3lab.nets import Classifier
from u3lab.saliency.backprop import backprop
from u3lab.saliency.metrics import max_abs

NETWORKS = ("squeezenet1_1", "efficientnet_lite0")
CROPS = 3  # cuts of each photo


def winning_score(net: Classifier, x: Tensor) -> Tensor:
    """The score of the class that wins, (B,1): what one knows without any saliency."""
    return net.logits(x).amax(1, keepdim=True)


def small_map(net: Classifier, x: Tensor) -> Tensor:
    """The logarithm of the gradient's map at 14×14, laid out in a row: (B,196)."""
    classes = net.logits(x).argmax(1).tolist()
    return F.adaptive_avg_pool2d(max_abs(backprop(net, x, classes)), 14).flatten(1).clamp(min=1e-12).log()


def activity(net: Classifier, x: Tensor) -> Tensor:
    """The logarithm of the mean activation at every layer, (B,layers): as many numbers, without any gradient."""
    kept = {}
    with torch.no_grad(), net.watch({layer: partial(kept.__setitem__, layer) for layer in net.layers}):
        net(x)
    return torch.stack([a.abs().flatten(1).mean(1) for a in kept.values()], 1).clamp(min=1e-12).log()


FEATURES: dict[str, Features] = {"strength at every layer": layer_saliency, "activation at every layer": activity,
                                 "map of 14×14": small_map, "score alone": winning_score}

PAST = "share past two thresholds, attacker who knows", "share past two thresholds, attacker who does not"

Run = NamedTuple("Run", [("network", str), ("features", str)])
"""What a detector sees, on one network."""

Row = NamedTuple("Row", [("auc", Interval), ("genuine", Interval), ("noisy", Interval), ("blurred", Interval),
    ("adaptive", Interval | None), ("still_fool", float | None), ("past", tuple[Interval, Interval] | None),
    ("over_the_score", Interval), ("samples", int), ("photos", int)])
"""AUCs, each with its interval over photos: of attacks against all else, against each kind of it, and of attackers who
know the detector (None but for the strength), with the share of these that still fool the network; the shares that
reach another class and pass a guard with two thresholds, who knows it and who does not; and by how much the
first is over that of the score alone, on the same draws of photos. How many samples and photos."""


def summary(rows: Rows) -> Summary:
    """The AUC of each detector, and against the attacker who knows, by network; and the shares that pass a guard."""
    return by_cell(((label, run.network, tuple(value)) for run, row in rows.items() for label, value in (
        (run.features, row.auc), (f"{run.features}, attacker who knows", row.adaptive),
        *zip(PAST, row.past if isinstance(row.past, (tuple, list)) else (), strict=False))
                    if isinstance(value, (tuple, list))), only)


TABLE = Table(
    "detection", Run, Row, summary=summary, facts={"crops": CROPS}, digits=3,
    again="all detectors of a network are one piece of work, which takes minutes",
    shared={"fit & judge: photos": "in turns: photos are split into four parts, and the detector that judges a photo "
                                   "was fitted on the three parts without it"},
    chart=Chart("bars", "AUC of a detector, or share of attacks that pass", chance=0.5,
                alt="Bars with intervals for two networks: four detectors, the strength against an attacker who knows "
                    "it, and how many attacks pass two thresholds."))


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
        one.auc, *one.by_kind.values(), one.adaptive, one.still_fool, one.past,
        advantage(drawn, one.scores, found["score alone"].scores), len(drawn), len({each.source for each in drawn}))
        for title, one in found.items()}


def advantage(samples: Sequence[Sample], scores: Tensor, rival: Tensor) -> Interval:
    """By how much the AUC of one detector's scores (N,) is over a rival's, on the same samples.

    The interval is of the difference itself: both are read from the same draws of photos, so what makes a draw easy for
    both is in neither.
    """
    sources = [sample.source for sample in samples]
    names = sorted(set(sources))
    home = F.one_hot(torch.tensor([names.index(source) for source in sources]), len(names)).double()
    marks = torch.tensor([sample.kind == "adversarial" for sample in samples])

    def wins(values: Tensor) -> Tensor:
        difference = values[marks].double()[:, None] - values[~marks].double()[None]
        return home[marks].T @ ((difference.sign() + 1) / 2) @ home[~marks]  # by photo and photo, ties as halves

    gained, pairs = wins(scores) - wins(rival), home[marks].T.sum(1)[:, None] * home[~marks].sum(0)
    return bootstrap(lambda often: torch.einsum("ds,st,dt->d", often, gained, often) / torch.einsum(
        "ds,st,dt->d", often, pairs, often), len(names))
