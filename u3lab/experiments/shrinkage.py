"""The table of chapter 1 on shrinkage: accuracy against λ, the price of the distance from a prior's centre.

    python -m u3lab.experiments shrinkage                   # data/results/shrinkage-squeezenet1_1.json
    python -m u3lab.experiments shrinkage --domains digits  # a part; several such may run side by side

Every run is written to the file as it ends, and what the file has is not computed again. The rates are those that
validation chose for most domains in ``adapters``, with 20 labels of each class and λ = 0; they are the same for all λ.
With many labels a run takes four times as long, so fewer λ are tried there.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import torch
from tqdm.auto import tqdm

from u3lab import __version__, nets
from u3lab._system import paths
from u3lab.descent import last
from u3lab.experiments import _writing
from u3lab.lessons.universal import trials
from u3lab.lessons.universal.shrinking import Shrunk
from u3lab.nets import Classifier
from u3lab.worlds import decathlon

NETWORK = "squeezenet1_1"
DOMAINS = ("digits", "traffic signs", "animals")
RATES = {"parallel": 0.0015, "fine-tuning": 0.0003}
KINDS = (("parallel", "source"), ("fine-tuning", "source"), ("fine-tuning", "zero"))
LAMBDAS = {5: (0.0, 0.01, 0.1, 1.0, 10.0), 100: (0.0, 0.1, 1.0, 10.0)}  # labels of each class → λ
SEEDS = 3


def runs(domains: tuple[str, ...]) -> Iterator[Shrunk]:
    """All runs of the table, those with few labels first; with λ = 0 the prior's centre does not matter."""
    for labels, prices in LAMBDAS.items():
        for lam in prices:
            for seed in range(SEEDS):
                for domain in domains:
                    for method, prior in KINDS:
                        if lam or prior == "source":
                            yield Shrunk(domain, method, prior, labels, lam, seed)


def reached(net: Classifier, run: Shrunk, steps: int | None = None) -> tuple[float, float]:
    """Share right of the validation and of the test pictures after the training of a run."""
    plain = trials.Run(run.domain, run.method, run.labels, run.seed, RATES[run.method])
    adapted = trials.begin(net, plain)
    last(trials.train(adapted, plain, steps=steps, lam=run.lam, prior=run.prior))
    return tuple(round(trials.accuracy(adapted, run.domain, split), 4) for split in ("val", "test"))


def place(run: Shrunk) -> tuple:
    """Where a row stands in the table."""
    return DOMAINS.index(run.domain), list(RATES).index(run.method), *run[2:]


def main(arguments: list[str] | None = None) -> None:
    """Fill the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--domains", nargs="+", choices=DOMAINS, default=DOMAINS)
    chosen = _writing.options(parser, arguments, "results")
    file = chosen.out / f"shrinkage-{NETWORK}.json"
    head = {"recipe": "python -m u3lab.experiments shrinkage", "u3lab": __version__, "torch": torch.__version__,
            "pictures": decathlon.version(), "network": NETWORK, "side": trials.SIDE, "rates": RATES,
            "columns": Shrunk._fields + ("val", "test")}
    todo = list(runs(tuple(chosen.domains)))
    if chosen.short:
        todo = todo[:1]
    net = nets.load(NETWORK, fold=False)
    for run in tqdm(todo):
        if run not in _writing.rows(file, head, Shrunk):
            _writing.add_row(file, head, run, reached(net, run, 2 if chosen.short else None), place)
    print(file, file.stat().st_size, "bytes", paths.sha256(file))
