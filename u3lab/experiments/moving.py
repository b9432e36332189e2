"""The table of chapter 6c on equivariance: five transforms, five layers of SqueezeNet, and what the rest answers.

    python -m u3lab.experiments moving                         # data/results/moving.json, 25 minutes
    python -m u3lab.experiments moving --transforms mirrored   # a part; several such may run side by side
"""

from __future__ import annotations

import argparse

import torch
from tqdm.auto import tqdm

from u3lab import __version__, nets
from u3lab._system import paths
from u3lab.experiments import _writing
from u3lab.lessons.equivariance import moving
from u3lab.lessons.equivariance.moving import GUESSES, LAYERS, SIDE, SPARSE, TRANSFORMS, TRIED, Reached, Run


def place(run: Run) -> tuple:
    """Where a row stands in the table."""
    return list(TRANSFORMS).index(run.transform), LAYERS.index(run.layer), (*GUESSES, *SPARSE).index(run.guess)


def main(arguments: list[str] | None = None) -> None:
    """Fill the table; one fit is one piece of work."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--transforms", nargs="+", choices=TRANSFORMS, default=tuple(TRANSFORMS))
    chosen = _writing.options(parser, arguments, "results")
    file, net = chosen.out / "moving.json", nets.load()
    (fit, _), (test, each) = (moving.squares(SIDE, held_out=held_out) for held_out in (False, True))
    head = {"recipe": "python -m u3lab.experiments moving", "u3lab": __version__, "torch": torch.__version__,
            "network": net.name, "pictures": {"squares to fit on": len(fit), "to judge by": len(test),
                                              "pictures to judge by": len(test) // each},
            "columns": (*Run._fields, *Reached._fields)}
    todo = [(transform, layer, how) for transform in chosen.transforms for layer in LAYERS
            for how in ("M_g", *(SPARSE if layer in TRIED.get(transform, ()) else ()))]
    if chosen.short:
        todo, fit, test, each = todo[:1], fit[:4], test[:: len(test) // 5][:5], 1
    for transform, layer, how in tqdm(todo):
        if Run(transform, layer, how) in _writing.rows(file, head, Run):
            continue
        found = moving.fitted(net, layer, transform, fit, **SPARSE.get(how, {}))
        rows = moving.measured(found, test, each, None if how == "M_g" else ("M_g",))
        for guess, row in rows.items():
            _writing.add_row(file, head, Run(transform, layer, how if guess == "M_g" else guess),
                             tuple(round(one, 4) for one in row), place)
    print(file, file.stat().st_size, "bytes", paths.sha256(file))
