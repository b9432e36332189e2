"""Telling attacks from noise and blur by their saliency, and the attacker who knows: on both networks.

    python -m u3lab.experiments detection      # data/results/detection.json
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import torch

from u3lab import __version__, nets
from u3lab.adversarial.detection import layer_saliency
from u3lab.adversarial.trials import FEATURES, advantage, samples, trial
from u3lab.experiments import _writing
from u3lab.measures import Interval


def long_table(crops: int, seed: int, *, networks: Sequence[str] = nets.NAMES, photos: Sequence[str] | None = None,
               adaptive: int | None = None) -> dict:
    """Every kind of features on each network, and the attacker who knows; ``adaptive`` of the photos (all)."""
    table: dict = {"recipe": f"python -m u3lab.experiments detection --crops {crops} --seed {seed}",
                   "u3lab": __version__, "torch": torch.__version__, "networks": {}}
    for name in networks:
        net = nets.load(name)
        drawn = samples(net, names=photos, crops=crops, seed=seed)
        rows, scores = {}, {}
        for title, features in FEATURES.items():
            knowing = (len(drawn) if adaptive is None else adaptive) if features is layer_saliency else 0
            found = trial(net, drawn, features=features, adaptive=knowing)
            scores[title] = found.scores
            rows[title] = {"auc": _round(found.auc), **{kind: _round(a) for kind, a in found.by_kind.items()}}
            if found.adaptive is not None:
                rows[title] |= {"adaptive": _round(found.adaptive), "still_fool": round(found.still_fool, 3)}
            print(name, title, rows[title], flush=True)
        over = {title: _round(advantage(drawn, own, scores["score alone"])) for title, own in scores.items()}
        print(name, "more than the score alone:", over, flush=True)
        table["networks"][name] = {"samples": len(drawn), "photos": len({one.source for one in drawn}), "auc": rows,
                                   "over the score alone": over}
    return table


def _round(value: Interval) -> list[float]:
    return [round(number, 3) for number in value]


def main(arguments: list[str] | None = None) -> None:
    """Make detection.json."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--crops", type=int, default=3, help="cuts of each photo")
    chosen = _writing.options(parser, arguments, "results")
    few = {"networks": nets.NAMES[:1], "photos": ("dog", "coffee", "hens", "koala"), "adaptive": 1}
    table = long_table(1, chosen.seed, **few) if chosen.short else long_table(chosen.crops, chosen.seed)
    _writing.write(chosen.out / "detection.json", table)
