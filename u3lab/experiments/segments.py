"""The table of notebook 02c: mosaics of textures segmented without labels, by mutual information and by k-means.

    python -m u3lab.experiments segments                   # data/results/segments.json
    python -m u3lab.experiments segments --data satellite  # a part

A run takes about half a minute of one thread. It is written to the file as it ends, and what the file has is not
computed again. The settings were chosen with the first seed of the textures, out of some thirty short trials, by
labels; the other seeds were run once. Below this table were, with the first seed: three classes at once with T = 1 and
λ = 2 (.51, nothing learnt), with heads behind a batch norm (.62 to .65), T = 0 and then 1 with three classes (.64),
squares of other pictures pasted into the views (.51 to .67), locally equalised contrast (.65), finer first layers (.63
to .67), larger mosaics (.51 to .62), λ = 2 after ten classes (.68). Taught with labels for 120 steps, the same network
has .83 to .88.
"""

from __future__ import annotations

import argparse

import torch

from u3lab import __version__
from u3lab.experiments import _writing
from u3lab.lessons.selfsup import segmented
from u3lab.lessons.selfsup.segmented import Segmented

SEEDS = {"textures": 5, "satellite": 3}


def place(run: Segmented) -> tuple:
    """Where a row stands in the table."""
    return list(segmented.MADE).index(run.data), segmented.WAYS.index(run.way), run.seed


def main(arguments: list[str] | None = None) -> None:
    """Fill the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", nargs="+", choices=segmented.MADE, default=["textures"])
    chosen = _writing.options(parser, arguments, "results")
    file = chosen.out / "segments.json"
    head = {"recipe": "python -m u3lab.experiments segments", "u3lab": __version__, "torch": torch.__version__,
            "pictures": "mosaics", "ten classes": segmented.TEN, "then": segmented.POOLED,
            "T = 0": segmented.ALONE, "all": segmented.ALL,
            "columns": Segmented._fields + ("accuracy", "best head", "sameness")}
    todo = [Segmented(data, way, seed) for data in chosen.data for way in segmented.WAYS
            for seed in range(SEEDS[data])]

    def reached(run: Segmented) -> tuple[float, ...]:
        return tuple(round(one, 4) for one in segmented.reached(run, 2 if chosen.short else None))

    _writing.fill(file, head, todo[:1] if chosen.short else todo, reached, place)
