"""The learned steps of chapter 5, which go on from the perceptual inverters that ship.

    python tools/training_photos.py FOLDER *.deb                     # pictures that do not ship
    python -m u3lab.experiments unrolled fire9 --photos FOLDER       # data/weights/unrolled-fire9.safetensors

A step takes two seconds of one thread. A training that was stopped goes on from its state in the cache.
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor

from u3lab import nets
from u3lab.descent import last
from u3lab.experiments import _crops, _writing
from u3lab.experiments._inverter_training import BATCH, train_steps
from u3lab.experiments._muon import Muon
from u3lab.inversion.codes import relative_error
from u3lab.inversion.learned import LAYERS, SIDE, Inverter, learned_inverter
from u3lab.inversion.unrolled import Unrolled, unroll
from u3lab.nets import Classifier
from u3lab.training.loop import Checkpoint

STEPS = {"fire9": 1000, "fire5": 400}
SCENES, SHIFT = 200, 5  # pixels by which the judge moves both pictures


def judged(net: Classifier, inverter: Inverter, unrolled: Unrolled, unseen: Tensor) -> str:
    """Mean errors of the codes over pictures, as drawn and moved, and of the pixels, from picture to picture."""
    def errors(made: Tensor, x: Tensor) -> tuple[float, ...]:
        seen = [[net.features(one.roll((shift, shift), (2, 3)), unrolled.layer) for one in (made, x)]
                for shift in (0, SHIFT)]
        return (*(float(relative_error(*pair)) for pair in seen), float((made - x).square().mean()))

    with torch.no_grad():
        found = torch.tensor([[errors(made, x) for made in unroll(net, inverter, unrolled.eval(), x)]
                              for x in unseen.split(1)]).mean(0).T
    return "; ".join(f"{what} " + " ".join(f"{value:.4f}" for value in row.tolist())
                     for what, row in zip(("code", "moved", "mean square"), found, strict=True))


def main(arguments: list[str] | None = None) -> None:
    """Train the steps for one layer and write their weights; print their errors on pictures that they have not seen."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("layer", choices=list(LAYERS))
    parser.add_argument("--photos", default=None, help="a folder of more pictures (tools/training_photos.py)")
    chosen = _writing.options(parser, arguments, "weights")
    layer, steps = chosen.layer, 2 if chosen.short else STEPS[chosen.layer]
    torch.manual_seed(chosen.seed)
    net, inverter = nets.load("squeezenet1_1", device="cpu"), learned_inverter(f"{layer}-perceptual")
    unrolled = Unrolled(layer).to(memory_format=torch.channels_last)
    given = _crops.stock(4 if chosen.short else SCENES, chosen.seed, chosen.photos)
    unseen = _crops.held_out(SIDE, 1 if chosen.short else 4, chosen.seed)[: 4 if chosen.short else None]
    checkpoint = Checkpoint.at(_writing.state(chosen, "unrolled", layer, steps, chosen.seed))
    run = train_steps(net, inverter, unrolled, lambda begun: _crops.batches(
        given, SIDE, 4 if chosen.short else BATCH, seed=chosen.seed + begun, mixed=False), steps, checkpoint, Muon)
    last(run, total=steps + 1, title=f"steps, {layer}")
    _writing.weights(chosen.out / f"unrolled-{layer}.safetensors", unrolled, eight_bits=True,
                     recipe=f"python -m u3lab.experiments unrolled {layer} --seed {chosen.seed} with "
                            f"{len(given.photos)} pictures and {len(given.things)} things",
                     torch=torch.__version__, steps=str(steps),
                     **{"on unseen pictures": judged(net, inverter, unrolled, unseen)})
