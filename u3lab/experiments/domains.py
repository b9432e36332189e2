"""The ten domains of chapter 1 as files: the parallel adapters of SqueezeNet, trained with 100 labels of each class.

    python -m u3lab.experiments domains           # data/domains/digits.safetensors … and data/results/domains.json

The rates are those that the long table has chosen (``python -m u3lab.experiments adapters``).
"""

from __future__ import annotations

import argparse

import torch

from u3lab import nets
from u3lab._system import paths
from u3lab.descent import last
from u3lab.experiments import _writing
from u3lab.lessons.universal import trials
from u3lab.lessons.universal.trials import Run
from u3lab.worlds import decathlon

KIND, LABELS = "parallel", 100


def main(arguments: list[str] | None = None) -> None:
    """Train and write the ten domains, and how many test pictures each gets right."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    chosen = _writing.options(parser, arguments, "")
    net, rows = nets.load(), trials.rows_of(nets.NAMES[0])
    reached = {}
    for name in decathlon.names()[:1] if chosen.short else decathlon.names():
        run = Run(name, KIND, LABELS, chosen.seed, trials.chosen_rate(rows, name, KIND))
        adapted = trials.begin(net, run)
        last(trials.train(adapted, run, steps=2 if chosen.short else None), title=name)
        pictures = trials.few(name, LABELS, chosen.seed)[0][: 50 if chosen.short else None]
        path = chosen.out / "domains" / f"{name.replace(' ', '-')}.safetensors"
        file = adapted.save_domain(path, name, images=pictures)
        reached[name] = round(trials.accuracy(adapted, name), 4)
        print(file, file.stat().st_size, "bytes", paths.sha256(file), reached[name], flush=True)
    facts = {"recipe": f"python -m u3lab.experiments domains --seed {chosen.seed}", "torch": torch.__version__,
             "pictures": decathlon.version(), "right of the test": reached}
    _writing.write(chosen.out / "results" / "domains.json", facts)
