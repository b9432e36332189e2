"""The table of chapter 1 on more tasks: one trunk for four tasks, a trunk for each, and heads on the source's features.

    python -m u3lab.experiments tasks    # data/results/tasks-squeezenet1_1.json

A quarter of the labels is missing, for each task on its own; all ways learn from the same scenes and labels, with as
many steps for each network. The rate and the number of steps were chosen with the first seed.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import torch
from tqdm.auto import tqdm

from u3lab import __version__, nets
from u3lab.descent import last
from u3lab.experiments import _writing
from u3lab.lessons.universal import solids
from u3lab.nets import Classifier

NETWORK, SEEDS, MISSING = "squeezenet1_1", 3, 0.25


def reached(net: Classifier, kind: str, names: Sequence[str], seed: int, steps: int) -> tuple[dict[str, float], int]:
    """Task → what a network for these tasks reaches on the scenes of the test; and how many numbers it trains."""
    tasks, test = solids.begin(net, names, kind=kind), solids.held_out()
    last(solids.train(tasks, solids.seen(seed), solids.present(MISSING, seed), seed, steps=steps))
    answers = solids.answers(tasks, test.images)
    scores = {name: round(solids.score(name, answers[name], test.labels[name]), 4) for name in names}
    return scores, solids.numbers(tasks)


def main(arguments: list[str] | None = None) -> None:
    """Make the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    chosen = _writing.options(parser, arguments, "results")
    net = nets.load(NETWORK, fold=False)
    steps, file = 2 if chosen.short else solids.STEPS, chosen.out / f"tasks-{NETWORK}.json"
    every = list(solids.TASKS)
    ways = {"source's features": ("features", [every]), "one trunk": ("parallel", [every]),
            "a trunk for each": ("parallel", [[name] for name in every])}
    made = {"recipe": "python -m u3lab.experiments tasks", "u3lab": __version__, "torch": torch.__version__,
            "network": NETWORK, "missing": MISSING, "steps": steps, "numbers": {},
            "guess": solids.guessed(solids.held_out().labels), "ways": {way: [] for way in ways}}
    for seed in tqdm(range(1 if chosen.short else SEEDS)):
        for way, (kind, sets) in ways.items():
            found, count = {}, 0
            for names in sets:
                scores, numbers = reached(net, kind, names, seed, steps)
                found, count = found | scores, count + numbers
            made["ways"][way].append(found)
            made["numbers"][way] = count
    _writing.write(file, made)
