"""The patch that ships, and how well it works on pictures that it was not trained on.

    python -m u3lab.experiments adversarial_patch  # data/patches/bubble.png and data/results/adversarial_patch.json
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor

from u3lab import __version__, nets, pixels
from u3lab.adversarial.patch import SHIPPED, PatchSettings, adversarial_patch, success_rate
from u3lab.adversarial.placing import cut_out
from u3lab.descent import last
from u3lab.experiments import _writing
from u3lab.lessons.adversarial.photos import photos, shuffled
from u3lab.nets import Classifier

SCALES, TURNS = (0.15, 0.2, 0.25, 0.3, 0.4, 0.5), (0.0, 45.0, 90.0, 180.0)


def rates(net: Classifier, images: Tensor, patch: Tensor, target: int | str, trials: int) -> dict[str, dict]:
    """Success by size (turned by up to 45°), and by the largest angle (at a third of the picture's side)."""
    return {"by_scale": {s: round(success_rate(net, images, target, patch, scale=s, trials=trials), 3) for s in SCALES},
            "by_turn": {t: round(success_rate(net, images, target, patch, scale=0.33, turn=t, trials=trials),
                                 3) for t in TURNS}}


def main(arguments: list[str] | None = None) -> None:
    """Make patches/bubble.png and results/adversarial_patch.json."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--steps", type=int, default=800)
    chosen = _writing.options(parser, arguments)
    steps = 3 if chosen.short else chosen.steps
    train, test = photos()
    settings = PatchSettings(steps=steps, batch_size=8, smallest=0.15, turn=180.0, seed=chosen.seed)
    run = adversarial_patch(nets.load("squeezenet1_1"), train, SHIPPED, settings=settings)
    patch = last(run, total=steps + 1, title="patch").value.cpu()
    printed, control = cut_out(patch, size=256), cut_out(shuffled(patch), size=256)
    trials = 2 if chosen.short else 8 * len(test)
    table = {"recipe": f"python -m u3lab.experiments adversarial_patch --steps {steps} --seed {chosen.seed}",
             "u3lab": __version__, "torch": torch.__version__, "target": SHIPPED, "photos": len(test), "trials": trials,
             "rates": {}}
    for name in nets.NAMES[:1] if chosen.short else nets.NAMES:
        net = nets.load(name)
        shuffle = success_rate(net, test, SHIPPED, control, scale=0.33, trials=trials)
        table["rates"][name] = rates(net, test, printed, SHIPPED, trials) | {"pixels_shuffled": round(shuffle, 3)}
    _writing.write(chosen.out / "patches" / f"{SHIPPED}.png", pixels.png(printed))
    _writing.write(chosen.out / "results" / "adversarial_patch.json", table)
