"""The long table of chapter 1: every way to adapt one network, on ten domains, with few labels and with many.

    python -m u3lab.experiments adapters                              # data/results/adapters-squeezenet1_1.json
    python -m u3lab.experiments adapters efficientnet_lite0           # four methods, 20 labels of each class
    python -m u3lab.experiments adapters --domains digits letters     # a part; several such may run side by side
    torchrun --nproc_per_node 4 -m u3lab.experiments adapters             # each batch shared by four processes or GPUs

Every run is written to the file as it ends, and what the file has is not computed again. The learning rate is chosen on
the validation pictures, once for each method and domain: with 20 labels of each class and the first seed, out of the
method's RATES, or of the HIGHER ones on networks with batch norms. The test pictures are looked at once for each run,
and choose nothing. ResNet-26 computes in bfloat16 while it is trained, as it did when it was made; its weights and its
answers to the test are float32.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from torch import nn
from tqdm.auto import tqdm

from u3lab import __version__, nets
from u3lab._system import distributed, paths
from u3lab.descent import last
from u3lab.experiments import _writing
from u3lab.lessons.universal import trials
from u3lab.lessons.universal.trials import Run
from u3lab.nets import Classifier
from u3lab.universal import METHODS
from u3lab.worlds import decathlon

CHOOSING = 20  # labels of each class with which the rates are chosen
SEEDS = 3
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


def fill(file: Path, head: dict, net: Classifier, domain: str, method: str, labels: Iterable[int], seeds: int, *,
         steps: int | None = None, half: bool = True) -> Iterator[Run]:
    """Add what a table lacks of one method on one domain: first the runs that choose the rate, then the others.

    Networks of ``HALF`` compute in bfloat16 if ``half``.
    """
    rows = _writing.rows(file, head, Run)
    rates = HIGHER if any(isinstance(part, nn.BatchNorm2d) for part in net.modules()) else RATES
    candidates = [Run(domain, method, CHOOSING, 0, rate) for rate in rates[method]]

    def add(run: Run) -> None:
        if run not in rows:
            adapted = trials.begin(net, run)
            # Without the cache: it would keep the first step's weights, since all steps are in this one context.
            with torch.autocast(net.device.type, torch.bfloat16, half and net.name in HALF, cache_enabled=False):
                last(trials.train(adapted, run, steps=steps))
            val = round(trials.accuracy(adapted, domain, "val"), 4) if run in candidates else None
            rows[run] = val, round(trials.accuracy(adapted, domain), 4)
            if distributed.rank() == 0:
                _writing.add_row(file, head, run, rows[run], place)

    for run in candidates:
        add(run)
        yield run
    rate = trials.chosen_rate(rows, domain, method)
    for run in (Run(domain, method, each, seed, rate) for each in labels for seed in range(seeds)):
        add(run)
        yield run


def place(run: Run) -> tuple:
    """Where a row stands in the table."""
    return decathlon.names().index(run.domain), list(METHODS).index(run.method), *run[2:]


def main(arguments: list[str] | None = None) -> None:
    """Fill the table of one network."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("network", nargs="?", default=nets.NAMES[0])
    parser.add_argument("--domains", nargs="+", choices=decathlon.names(), default=decathlon.names())
    parser.add_argument("--methods", nargs="+", choices=list(RATES))
    parser.add_argument("--labels", nargs="+", type=int, choices=list(trials.STEPS), help="of each class")
    chosen = _writing.options(parser, arguments, "results")
    whole = chosen.network == nets.NAMES[0]
    domains, methods = chosen.domains, chosen.methods or tuple(RATES if whole else HIGHER)
    labels = chosen.labels or (tuple(trials.STEPS) if whole else (CHOOSING,))
    if chosen.short:
        domains, methods, labels = ["people"], ["features", "parallel"], (CHOOSING,)
    file = chosen.out / f"adapters-{chosen.network}.json"
    head = {"recipe": f"python -m u3lab.experiments adapters {chosen.network}", "u3lab": __version__,
            "torch": torch.__version__, "pictures": decathlon.version(), "network": chosen.network,
            "side": trials.side(chosen.network), "columns": trials.COLUMNS}
    with distributed.joined():
        net = nets.load(chosen.network, fold=False)  # batch norms apart, so that each domain can have its own
        for domain, method in ((domain, method) for method in methods for domain in domains):
            runs = fill(file, head, net, domain, method, labels, 1 if chosen.short else SEEDS,
                        steps=2 if chosen.short else None)
            last(tqdm(runs, desc=f"{domain}, {method}", disable=distributed.rank() > 0))
        if distributed.rank() == 0:
            print(file, file.stat().st_size, "bytes", paths.sha256(file))
