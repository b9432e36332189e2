"""The table of chapter 6b on attacks: with a target and without, step by step, on both networks, and carried over.

    python -m u3lab.experiments attacks                              # data/results/attacks.json, 30 minutes
    python -m u3lab.experiments attacks --networks squeezenet1_1     # a part; two such may run side by side
"""

from __future__ import annotations

import argparse
from functools import partial

import torch
from torch import Tensor

from u3lab import __version__, nets
from u3lab.experiments import _writing
from u3lab.lessons.adversarial import attacking
from u3lab.lessons.adversarial.attacking import ANY, Reached, Run
from u3lab.nets import Classifier

LEVELS, TARGETS, STEPS = (1, 4), 3, 40


def place(run: Run) -> tuple:
    """Where a row stands in the table."""
    return nets.NAMES.index(run.network), run.goal != ANY, run.level, run.picture, run.goal


def reached(net: Classifier, other: Classifier, shown: dict[str, tuple[str, Tensor]], steps: int, run: Run) -> tuple:
    """The row of a run."""
    label, x = shown[run.picture]
    return tuple(attacking.measured(net, other, x, label, run.goal, run.level, steps=steps))


def main(arguments: list[str] | None = None) -> None:
    """Fill the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--networks", nargs="+", choices=nets.NAMES, default=nets.NAMES)
    chosen = _writing.options(parser, arguments, "results")
    both = {name: nets.load(name) for name in nets.NAMES[:2]}
    shown = attacking.pictures(list(both.values()))
    names = sorted(shown)[:1] if chosen.short else sorted(shown)
    head = {"recipe": "python -m u3lab.experiments attacks", "u3lab": __version__, "torch": torch.__version__,
            "pictures": sorted(shown), "columns": (*Run._fields, *Reached._fields)}
    for name in nets.NAMES[:1] if chosen.short else chosen.networks:
        net, other = both[name], next(one for key, one in both.items() if key != name)
        todo = [Run(name, goal, level, picture) for level in LEVELS for number, picture in enumerate(names)
                for goal in (ANY, *attacking.targets(net, shown[picture][0], TARGETS, seed=number))]
        _writing.fill(chosen.out / "attacks.json", head, todo[:2] if chosen.short else todo,
                      partial(reached, net, other, shown, 2 if chosen.short else STEPS), place)
