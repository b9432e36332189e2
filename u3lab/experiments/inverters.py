"""The learned inverters of chapter 5.

    python tools/training_photos.py FOLDER *.deb                                  # pictures that do not ship
    python -m u3lab.experiments inverters fire9-perceptual --photos FOLDER        # data/weights/inverter-….safetensors

A step takes a third of a second of one thread. A training that was stopped goes on from its state in the cache.
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor

from u3lab import nets
from u3lab.descent import last
from u3lab.experiments import _crops, _writing
from u3lab.experiments._inverter_training import BATCH, Batches, perceptual, sharpen, squares, train
from u3lab.experiments._muon import Muon
from u3lab.inversion.codes import code, relative_error
from u3lab.inversion.learned import SHIPPED, SIDE, Inverter
from u3lab.nets import Classifier
from u3lab.training.loop import Checkpoint

# Loss and number of steps, one stage after the other. What begins alike is trained once.
CODES = {"fire9": ("codes", 12_000), "fire5": ("codes", 4000)}
STAGES = {"fire9": (CODES["fire9"], ("squares", 1000)), "fire9-perceptual": (CODES["fire9"],),
          "fire5": (CODES["fire5"], ("squares", 1000)), "fire5-perceptual": (CODES["fire5"],)}
SHARPENED = 400  # steps more, with an adversary
SCENES = 200


@torch.no_grad()
def judged(net: Classifier, inverter: Inverter, unseen: Tensor) -> str:
    """Mean square of the pixels' error and mean error of the codes over pictures, for the record."""
    inverter.eval()
    pixels, codes = [], []
    for x in unseen.split(1):
        made = inverter(code(net, inverter.layer, x))
        pixels.append(float((made - x).square().mean()))
        codes.append(float(relative_error(code(net, inverter.layer, made), code(net, inverter.layer, x))))
    return f"mean square {sum(pixels) / len(pixels):.4f}, code error {sum(codes) / len(codes):.3f}"


def main(arguments: list[str] | None = None) -> None:
    """Train one inverter and write its weights; print its errors on pictures that it has not seen."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("which", choices=list(SHIPPED))
    parser.add_argument("--photos", default=None, help="a folder of more pictures (tools/training_photos.py)")
    chosen = _writing.options(parser, arguments, "weights")
    which, stages = chosen.which, STAGES[chosen.which]
    layer, _, kind = which.partition("-")
    torch.manual_seed(chosen.seed)
    net, inverter = nets.load("squeezenet1_1", device="cpu"), Inverter(layer).to(memory_format=torch.channels_last)
    given = _crops.stock(4 if chosen.short else SCENES, chosen.seed, chosen.photos)
    unseen = _crops.held_out(SIDE, 1 if chosen.short else 4, chosen.seed)
    batches: Batches = lambda begun: _crops.batches(given, SIDE, BATCH, seed=chosen.seed + begun, mixed=False)  # noqa: E731
    losses = {"squares": squares, "codes": perceptual(net)}
    for loss, steps in stages:
        checkpoint = Checkpoint.at(_writing.state(chosen, "inverter", layer, loss, steps, chosen.seed))
        steps = 2 if chosen.short else steps
        run = train(net, inverter, batches, steps, losses[loss], checkpoint, Muon)
        last(run, total=steps + 1, title=f"{which}, {loss}")
    facts = {"recipe": f"python -m u3lab.experiments inverters {which} --seed {chosen.seed}"
                       f" with {len(given.photos)} pictures and {len(given.things)} things", "torch": torch.__version__,
             "steps": ", ".join(f"{steps} with {loss}" for loss, steps in stages),
             "on unseen pictures": judged(net, inverter, unseen)}
    if kind:
        more, seen = 2 if chosen.short else SHARPENED, sum(steps for _, steps in stages)
        last(sharpen(net, inverter, lambda _: batches(seen), more), total=more + 1, title="with an adversary")
        facts |= {"with an adversary": f"{more} steps", "then": judged(net, inverter, unseen)}
    _writing.weights(chosen.out / f"inverter-{which}.safetensors", inverter, eight_bits=True, **facts)
