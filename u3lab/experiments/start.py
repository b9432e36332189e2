"""What notebook 00 has measured on many pictures: probes of five questions, the hidden square, things on backgrounds.

    python -m u3lab.experiments start      # data/results/start.json, two minutes
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor
from tqdm.auto import tqdm

from u3lab import __version__, nets
from u3lab.experiments import _writing
from u3lab.lessons.start import grounds, hiding, probing
from u3lab.worlds import decathlon

NETWORK = "squeezenet1_1"


def draws(right: Tensor) -> list[str]:
    """For each draw of labels, the test pictures as a 1 or a 0 each."""
    return ["".join(map(str, one)) for one in right.int().T.tolist()]


def main(arguments: list[str] | None = None) -> None:
    """Measure, and write the file."""
    chosen = _writing.options(argparse.ArgumentParser(description=main.__doc__), arguments, "results")
    net = nets.load(NETWORK)
    codes, questions, names, times = probing.codes(net), probing.DOMAINS, grounds.things().names, 3
    if chosen.short:
        codes, questions, names, times = {"pixels": probing.pixels}, ["body parts"], names[:2], 1
    placed = hiding.placed(net, draws=times)[: 2 if chosen.short else None]
    hits = hiding.pointing(net, placed)
    universal = {how: {question: draws(probing.answered(code, question).right) for question in questions}
                 for how, code in tqdm(codes.items())}
    odds = grounds.measured(net, names)
    _writing.write(chosen.out / "start.json", {
        "recipe": "python -m u3lab.experiments start", "u3lab": __version__, "torch": torch.__version__,
        "network": NETWORK, "pictures": decathlon.version(), "universal": universal,
        "pointing": {"things": [one.name for one in placed],
                     "hits": {way: [round(one, 4) for one in on.tolist()] for way, on in hits.items()}},
        "grounds": {group: [[round(one, 4) for one in row] for row in rows.tolist()] for group, rows in odds.items()}})
