"""The table of chapter 1 on shrinkage: accuracy against λ, the price of the distance from a prior's centre.

    python -m u3lab.recipes.shrinkage                       # data/results/shrinkage-squeezenet1_1.json
    python -m u3lab.recipes.shrinkage --domains digits      # a part; several such may run side by side

Every run is written to the file as it ends, and what the file has is not computed again. The rates are those that
validation chose for most domains in ``adapters``, with 20 labels of each class and λ = 0; they are the same for all λ.
With many labels a run takes four times as long, so fewer λ are tried there.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import torch
from tqdm.auto import tqdm

from u3lab import __version__, nets
from u3lab._system import paths
from u3lab.datasets import decathlon
from u3lab.descent import last
from u3lab.lessons.universal import shrinking, trials
from u3lab.lessons.universal.shrinking import Shrunk
from u3lab.nets import Classifier
from u3lab.recipes import _writing

NETWORK = "squeezenet1_1"
DOMAINS = ("digits", "traffic signs", "animals")
RATES = {"parallel": 0.0015, "fine-tuning": 0.0003}
KINDS = (("parallel", "source"), ("fine-tuning", "source"), ("fine-tuning", "zero"))
LAMBDAS = {5: (0.0, 0.01, 0.1, 1.0, 10.0), 100: (0.0, 1.0)}  # labels of each class → λ
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


def _rows(file: Path, head: dict) -> dict[Shrunk, tuple[float, float]]:
    if not file.exists():
        return {}
    if (found := json.loads(file.read_text(encoding="utf-8"))["pictures"]) != head["pictures"]:
        raise SystemExit(f"{file} is of other pictures ({found}); delete it to begin anew")
    return shrinking.read(file)


def _write(file: Path, head: dict, run: Shrunk, shares: tuple[float, float]) -> None:
    """Add a row to the file; another program may have added its own in the meantime."""
    with paths.locked(paths.cache(file.name), seconds=60):  # no lock stays in data/
        rows = {**_rows(file, head), run: shares}
        place = {name: n for n, name in enumerate((*DOMAINS, *RATES))}
        order = sorted(rows, key=lambda one: (place[one.domain], place[one.method], *one[2:]))
        lines = ",\n  ".join(json.dumps([*one, *rows[one]]) for one in order)
        begun = json.dumps(head, indent=1, ensure_ascii=False).removesuffix("\n}")
        paths.write_atomically(file, f'{begun},\n "rows": [\n  {lines}\n ]\n}}\n'.encode())


def main(arguments: list[str] | None = None) -> None:
    """Fill the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--domains", nargs="+", choices=DOMAINS, default=DOMAINS)
    chosen = _writing.options(parser, arguments, "results")
    file = chosen.out / f"shrinkage-{NETWORK}.json"
    head = {"recipe": "python -m u3lab.recipes.shrinkage", "u3lab": __version__, "torch": torch.__version__,
            "pictures": decathlon.version(), "network": NETWORK, "side": trials.SIDE, "rates": RATES,
            "columns": Shrunk._fields + ("val", "test")}
    todo = list(runs(tuple(chosen.domains)))
    if chosen.short:
        todo = todo[:1]
    net = nets.load(NETWORK, fold=False)
    for run in tqdm(todo):
        if run not in _rows(file, head):
            _write(file, head, run, reached(net, run, 2 if chosen.short else None))
    print(file, file.stat().st_size, "bytes", paths.sha256(file))


if __name__ == "__main__":
    main()
