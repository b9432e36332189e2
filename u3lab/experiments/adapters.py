"""The long table of chapter 1: every way to adapt a network, on ten domains, with few labels and many.

    python -m u3lab.experiments adapters                             # data/results/adapters.json, hours
    python -m u3lab.experiments adapters --only network=squeezenet1_1 domain=digits
    torchrun --nproc_per_node 4 -m u3lab.experiments adapters        # each batch shared by four processes or GPUs

Two more networks have four of the ways, with 20 labels of each class. The learning rate is chosen on the validation
pictures, once for each network, method and domain: with 20 labels and the first seed, out of the method's RATES, or of
the HIGHER ones on networks with batch norms. The test pictures are looked at once for each run, and choose nothing.
ResNet-26 computes in bfloat16 while it is trained, as it did when it was made; its weights and its answers to the test
are float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import NamedTuple

import torch
from torch import nn

from u3lab import nets
from u3lab.descent import last
from u3lab.experiments._table import Chart, Evidence, Plan, Rows, Summary, Table, Work, over
from u3lab.lessons.universal import trials
from u3lab.nets import Classifier

NETWORKS = ("squeezenet1_1", "efficientnet_lite0", "resnet26_half")
DOMAINS = ("digits", "house numbers", "letters", "traffic signs", "textures", "animals", "objects", "people", "motion",
           "patients")
CHOOSING = 20  # labels of each class with which the rates are chosen; the other networks have no other number
SEEDS = range(3)
RATES = {
    "scratch": (0.0001, 0.0003, 0.0006),
    "features": (0.001, 0.003, 0.01),
    "last block": (0.0003, 0.001, 0.003),
    "fine-tuning": (0.0001, 0.0003, 0.001),
    "serial": (0.0003, 0.001, 0.003),
    "parallel": (0.0005, 0.0015, 0.004),
    "low rank": (0.001, 0.003, 0.01),
}
HIGHER = {  # for networks with batch norms, which bear them
    "features": (0.001, 0.003, 0.01, 0.03),
    "fine-tuning": (0.0003, 0.001, 0.003),
    "serial": (0.001, 0.003, 0.01),
    "parallel": (0.0015, 0.004, 0.012),
}
HALF = ("resnet26_half",)  # trained in bfloat16, in two thirds of the time; depthwise convolutions are no faster in it

Run = NamedTuple("Run", [("network", str), ("domain", str), ("method", str), ("labels", int), ("seed", int),
    ("rate", float)])
"""One training: ``labels`` of each class; ``seed`` chooses the pictures, their order and what is drawn."""

Reached = NamedTuple("Reached", [("val", float), ("test", float)])
"""Share right of the validation pictures, known for the runs that choose the rate, and of the test pictures."""


def summary(rows: Rows) -> Summary:
    """The mean over domains of what a method reaches with its chosen rates."""
    found: dict[str, dict[str, tuple]] = {}
    for network in dict.fromkeys(run.network for run in rows):
        cells = trials.summary({run: row for run, row in rows.items() if run.network == network})
        for labels in sorted({labels for _, _, labels in cells}):
            found[f"{network}, {labels} labels"] = {
                method: over(cell.mean for one, cell in cells.items() if one[1:] == (method, labels))
                for method in RATES if any(one[1:] == (method, labels) for one in cells)}
    return found


TABLE = Table(
    "adapters", Run, Reached, summary=summary, facts={"sides": {name: trials.side(name) for name in NETWORKS}},
    again={"network": "squeezenet1_1", "domain": "people", "method": "parallel", "labels": "5"},
    evidence=Evidence(
        "seven ways to adapt a network to ten domains, with few labels and many",
        measured="The share of test pictures that are named correctly after the training; in the summary the mean over "
                 "the domains.",
        on="The ten domains of the pocket decathlon, with 5, 20 and 100 labels of each class; the two other networks "
           "with 20. No source of a test picture (photo, artist, typeface, patient …) is in another split.",
        often="Three seeds, each with other pictures to learn from, in another order. The intervals are over domains.",
        floor="scratch has the same network with random weights and three times as many steps; features has the "
              "frozen network and ten times as many.",
        rivals="All methods learn from the same pictures; besides the two above with as many steps.",
        chosen="The rate: by the validation pictures, with 20 labels and the first seed, for each network, method and "
               "domain, out of three (four for features on networks with batch norms). The seed that chooses is one "
               "of the three that are shown.",
        limits="Small domains of 64×64 pixels that are made, and short trainings. 90 of 150 rates lie at an end "
               "of what was tried: for fine-tuning and parallel adapters of the two other networks the rate chosen is "
               "in most domains the highest one tried."),
    chart=Chart("bars", "mean accuracy over ten domains",
                alt="Bars for seven methods: SqueezeNet with 5, 20 and 100 labels of each class; for four of them also "
                    "EfficientNet-Lite0 and ResNet-26 with 20 labels."))


def work(plan: Plan) -> Iterator[Work]:
    """A training is a piece of work; first come those that choose a rate."""
    domains, seeds = ("people",) if plan.short else DOMAINS, plan.few(SEEDS)
    plan.splits(domains)
    for name in plan.networks(NETWORKS):
        load = cache(partial(nets.load, name, fold=False))  # batch norms apart, so that each domain can have its own
        rates = HIGHER if any(isinstance(part, nn.BatchNorm2d) for part in load().modules()) else RATES
        if plan.short:
            rates = {method: rates[method] for method in ("features", "parallel")}
        labels = tuple(trials.STEPS) if name == NETWORKS[0] and not plan.short else (CHOOSING,)
        yield from trainings(plan, partial(Run, name), load, rates, domains, labels, seeds)


def trainings(plan: Plan, of: Callable[..., tuple], load: Callable[[], Classifier],
              rates: Mapping[str, Sequence[float]], domains: Sequence[str], labels: Sequence[int],
              seeds: Sequence[int]) -> Iterator[Work]:
    """For each domain and method the runs that choose the rate, then the others, if the former are there.

    ``of`` gives the key of a domain, method, number of labels, seed and rate; ``load`` the network.
    """
    steps = plan.steps(None)
    for domain in domains:
        for method, some in rates.items():
            candidates = [of(domain, method, CHOOSING, 0, rate) for rate in some]
            yield from (Work(run, measured, load, run, steps, choosing=True) for run in candidates)
            rows = plan.rows(type(candidates[0]))
            if not all(run in rows for run in candidates):
                continue
            rate = trials.chosen_rate({run: rows[run] for run in candidates}, domain, method)
            for run in (of(domain, method, each, seed, rate) for each in labels for seed in seeds):
                if run not in candidates:
                    yield Work(run, measured, load, run, steps)


def measured(load: Callable[[], Classifier], run: tuple, steps: int | None = None, *,
             choosing: bool = False) -> Reached:
    """Train a domain of the network, and ask about the test pictures, and the validation's if they are to choose."""
    net, one = load(), trials.Run(*run[1:])
    adapted = trials.begin(net, one)
    # Without the cache: it would keep the first step's weights, since all steps are in this one context.
    with torch.autocast(net.device.type, torch.bfloat16, net.name in HALF and not steps, cache_enabled=False):
        last(trials.train(adapted, one, steps=steps))
    val = trials.accuracy(adapted, one.domain, "val") if choosing else math.nan
    return Reached(val, trials.accuracy(adapted, one.domain, "test"))
