"""The table of chapter 1 on lesions: sensitivity and specificity, on other slices and on a new patient, twenty seeds.

    python -m u3lab.experiments sensitivity      # data/results/sensitivity.json

What the table has is not computed again.
"""

from __future__ import annotations

import argparse

import torch
from tqdm.auto import tqdm

from u3lab import __version__, nets
from u3lab._system import paths
from u3lab.descent import last
from u3lab.experiments import _writing
from u3lab.lessons.universal import lesions, trials
from u3lab.lessons.universal.lesions import ASKED, DOMAINS, Run

SEEDS = 20


def place(run: Run) -> tuple:
    """Where a row stands in the table."""
    return DOMAINS.index(run.domain), [*ASKED].index(run.split), run.seed


def main(arguments: list[str] | None = None) -> None:
    """Fill the table; a training is one piece of work, and has a row for each split."""
    chosen = _writing.options(argparse.ArgumentParser(description=main.__doc__), arguments, "results")
    file, net = chosen.out / "sensitivity.json", nets.load("squeezenet1_1")
    head = {"recipe": "python -m u3lab.experiments sensitivity", "u3lab": __version__, "torch": torch.__version__,
            "network": net.name, "pictures": paths.sha256(paths.data("scans", "index.json"))[:12],
            "columns": (*Run._fields, "sensitivity", "specificity")}
    for seed in tqdm(range(1 if chosen.short else SEEDS)):
        for domain in DOMAINS[:1] if chosen.short else DOMAINS:
            runs = [Run(domain, split, seed) for split in ASKED]
            if all(run in _writing.rows(file, head, Run) for run in runs):
                continue
            one = lesions.training(domain, seed)
            doctor = trials.begin(net, one)
            last(trials.train(doctor, one, steps=2 if chosen.short else None))
            for run in runs:
                reached = tuple(round(x, 4) for x in lesions.rates(doctor, domain, run.split))
                _writing.add_row(file, head, run, reached, place)
    print(file, file.stat().st_size, "bytes", paths.sha256(file))
