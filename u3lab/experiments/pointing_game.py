"""The long table of the pointing game: every saliency method on both networks, with intervals.

    python -m u3lab.experiments pointing_game      # data/results/pointing_game.json
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable

import torch
from tqdm.auto import tqdm

from u3lab import __version__, nets
from u3lab.experiments import _writing
from u3lab.saliency.pointing import mosaics, pointing_game
from u3lab.saliency.registry import METHODS


def long_table(count: int, size: int, seed: int, *, names: Iterable[str] = nets.NAMES,
               methods: Iterable[str] = tuple(METHODS)) -> dict:
    """Each method on each network, with what is needed to do it again."""
    table: dict = {"recipe": f"python -m u3lab.experiments pointing_game --mosaics {count} --size {size} --seed {seed}",
                   "u3lab": __version__, "torch": torch.__version__, "scores": {}}
    for name in names:
        net = nets.load(name)
        games = mosaics(net, count, size=size, seed=seed)
        table["scores"][name] = {"pictures": sorted({n for game in games for n in game.names}), "methods": {}}
        for method in tqdm(methods, desc=name):
            # An optimisation of its own for each tile: a third of the games, and a wider interval
            played = games[: max(1, count // 3)] if METHODS[method].optimises else games
            score = pointing_game(net, played, method, seed=seed)
            table["scores"][name]["methods"][method] = {"mean": round(score.value, 4), "low": round(score.low, 4),
                                                        "high": round(score.high, 4), "games": 4 * len(played)}
    return table


def main(arguments: list[str] | None = None) -> None:
    """Make pointing_game.json."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--mosaics", type=int, default=24)
    parser.add_argument("--size", type=int, default=128, help="side of a tile in pixels")
    chosen = _writing.options(parser, arguments, "results")
    few = {"names": nets.NAMES[:1], "methods": ("edges (no network)", "gradient", "Grad-CAM")} if chosen.short else {}
    table = long_table(2 if chosen.short else chosen.mosaics, chosen.size, chosen.seed, **few)
    _writing.write(chosen.out / "pointing_game.json", table)
