"""The long table of chapter 1: every way to adapt a network, on ten domains, with few labels and many.

    python -m evidence adapters                             # results/adapters.json, hours
    python -m evidence adapters --only network=squeezenet1_1 domain=digits
    torchrun --nproc_per_node 4 -m evidence adapters        # four processes, or GPUs, share the rows

Two more networks have four of the ways, with 20 labels of each class. The learning rate is chosen on the validation
pictures, once for each network, method and domain: with 20 labels and the first seed, out of the method's RATES, or of
the HIGHER ones on networks with batch norms. The test pictures are looked at once for each run, and choose nothing.
ResNet-26 computes in bfloat16 while it is trained, as it did when it was made; its weights and its answers to the test
are float32.
"""

import math
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from evidence import _trials as trials
from evidence._table import Chart, Plan, Rows, Summary, Table, Work
from u3lab import nets
from u3lab.descent import last
from u3lab.measures import OUTER, Interval
from u3lab.nets import Classifier
from u3lab.settings import fields
from u3lab.universal import UniversalSettings, adapt, score

NETWORKS = ("squeezenet1_1", "efficientnet_lite0", "resnet26_half")
DOMAINS = ("digits", "house numbers", "letters", "traffic signs", "textures", "animals", "objects", "people", "motion",
           "patients")
MORE = 4  # rates beyond the ends of a grid at most, while the best of a method lies at an end; for the first network
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
WEIGHTS = "weights for ten domains, as a multiple of one network"
HALF = ("resnet26_half",)  # trained in bfloat16, in two thirds of the time; depthwise convolutions are no faster in it

Run = NamedTuple("Run", [("network", str), ("domain", str), ("method", str), ("labels", int), ("seed", int),
    ("rate", float)])
"""One training: ``labels`` of each class; ``seed`` chooses the pictures, their order and what is drawn."""

Row = NamedTuple("Row", [("val", float), ("test", float)])
"""Share right of the validation pictures, known for the runs that choose the rate, and of the test pictures."""


def summary(rows: Rows) -> Summary:
    """What each method reaches with its chosen rates: mean accuracy, how far beyond two others, and S."""
    found: dict[str, dict[str, float | tuple]] = {}
    for network in dict.fromkeys(run.network for run in rows):
        some = {trials.Run(*run[1:]): row for run, row in rows.items() if run.network == network}
        for labels in sorted({run.labels for run in some}):
            right = trials.accuracies(some, labels)
            found[name := f"{network}, {labels} labels"] = {method: over_both(a) for method, a in right.items()}
            for rival in ("features", "parallel") if labels == CHOOSING else ("features",):
                found[f"{name}: beyond {rival}"] = {method: over_both(a - right[rival]) for method, a in right.items()}
            if labels == CHOOSING and "fine-tuning" in right:
                found[f"{name}: S / 1000"] = {method: over_both(len(a) / 1000 * trials.points(a, right["fine-tuning"]))
                                              for method, a in right.items()}
    return found | {WEIGHTS: networks()}


def over_both(values: Tensor) -> Interval:
    """The mean of (domains, seeds) with its 95 % interval, from samples of domains and of seeds within each."""
    domains, seeds = values.shape
    draw = torch.Generator().manual_seed(0)
    picked = torch.randint(domains, (1000, domains, 1), generator=draw)
    means = values[picked, torch.randint(seeds, (1000, domains, seeds), generator=draw)].mean((1, 2))
    low, high = means.quantile(torch.tensor(OUTER, dtype=values.dtype)).tolist()
    return Interval(float(values.mean()), low, high)


@cache
def networks() -> dict[str, float]:
    """Method → all weights of ten domains, without heads, as a multiple of SqueezeNet's body."""
    source, found = nets.load(NETWORKS[0], device="cpu"), {}
    for method in RATES:
        one = adapt(source, method).add_domain("one", 10)
        head = {id(weight) for weight in one.domain("one").parts[one.domain("one").head].parameters()}
        own = sum(weight.numel() for weight in one.domain_parameters("one") if id(weight) not in head)
        body = sum(weight.numel() for weight in adapt(source).add_domain("one", 10).shared_parameters())
        found[method] = 10.0 if own == body else score.networks(body, own, 10)
    return found


TABLE = Table(
    "adapters", Run, Row, summary=summary, facts={"sides": {name: trials.side(name) for name in NETWORKS}},
    again={"network": "squeezenet1_1", "domain": "people", "method": "parallel", "labels": "5"},
    chart=Chart("points", "accuracy gained over frozen features", along=WEIGHTS,
                of="squeezenet1_1, 20 labels: beyond features",
                title="SqueezeNet, 20 labels of each class, 95 % intervals",
                columns=tuple(method for method in RATES if method != "scratch"),  # far below: it stretches the axis
                alt="Accuracy gained over frozen features against the weights that ten domains need, for six methods, "
                    "with intervals. Fine-tuning is highest, at ten networks. Parallel adapters are a little lower, "
                    "at fewer than two; serial ones are at four and a half. Low rank has a wide interval around "
                    "zero."))


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
        yield from trainings(plan, partial(Run, name), load, rates, domains, labels, seeds,
                             beyond_ends=MORE if name == NETWORKS[0] and not plan.short else 0)


def trainings(plan: Plan, of: Callable[..., tuple], load: Callable[[], Classifier],
              rates: Mapping[str, Sequence[float]], domains: Sequence[str], labels: Sequence[int],
              seeds: Sequence[int], *, beyond_ends: int = 0) -> Iterator[Work]:
    """For each domain and method the runs that choose the rate, then the others, if the former are there.

    ``of`` gives the key of a domain, method, number of labels, seed and rate; ``load`` the network. While the best rate
    lies at an end of those that were tried, one more is tried beyond it, up to ``beyond_ends`` of them.
    """
    steps = plan.steps(None)
    for domain in domains:
        for method, grid in rates.items():
            rate = yield from choosing(plan, partial(of, domain, method, CHOOSING, 0), load, grid, beyond_ends)
            if rate is not None:
                runs = (of(domain, method, each, seed, rate) for each in labels for seed in seeds)
                yield from (Work(run, measured, load, run, steps) for run in runs
                            if (run.labels, run.seed) != (CHOOSING, 0))


def choosing(plan: Plan, of: Callable[[float], tuple], load: Callable[[], Classifier], grid: Sequence[float],
             beyond_ends: int) -> Generator[Work, None, float | None]:
    """The runs that choose a rate; the rate is returned, or None while one of them is missing."""
    tried, more = [], list(grid)
    while more:  # until the best lies between two others
        tried = sorted((*tried, *more))
        yield from (Work(of(rate), measured, load, of(rate), plan.steps(None), choosing=True) for rate in more)
        rows, candidates = plan.rows(type(of(more[0]))), [of(rate) for rate in tried]
        if not all(run in rows for run in candidates):
            return None
        best = trials.chosen_rate({run: rows[run] for run in candidates}, *candidates[0][1:3])
        more = beyond(tried, best) if len(tried) < len(grid) + beyond_ends else []
    return best


def beyond(tried: Sequence[float], rate: float) -> list[float]:
    """The next rate beyond the end of a grid if the one chosen lies there, a third or three times as large; or none."""
    allowed = fields(UniversalSettings)["lr"]
    wider = {tried[0]: tried[0] / 3, tried[-1]: 3 * tried[-1]}.get(rate, 0.0)
    return [float(f"{wider:.2g}")] if allowed.low <= wider <= allowed.high else []


def measured(load: Callable[[], Classifier], run: tuple, steps: int | None = None, *,
             choosing: bool = False) -> Row:
    """Train a domain of the network, and ask about the test pictures, and the validation's if they are to choose."""
    net, one = load(), trials.Run(*run[1:])
    adapted = trials.begin(net, one)
    # Without the cache: it would keep the first step's weights, since all steps are in this one context.
    with torch.autocast(net.device.type, torch.bfloat16, net.name in HALF and not steps, cache_enabled=False):
        last(trials.train(adapted, one, steps=steps))
    val = trials.accuracy(adapted, one.domain, "val") if choosing else math.nan
    return Row(val, trials.accuracy(adapted, one.domain, "test"))
