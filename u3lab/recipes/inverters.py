"""The learned inverters of chapter 5.

    python -m u3lab.recipes.inverters fire9 --photos FOLDER               # data/weights/inverter-fire9.safetensors
    python -m u3lab.recipes.inverters fire9-perceptual --photos FOLDER    # starts from the weights of the former
"""

from __future__ import annotations

import argparse

import torch

from u3lab import nets
from u3lab.descent import last
from u3lab.images import cropping
from u3lab.inversion.inverting import code, code_error
from u3lab.inversion.learned import SHIPPED, SIDE, Inverter, decode, learned_inverter
from u3lab.inversion.training import BATCH, STEPS, train, train_perceptual
from u3lab.prior.training import pictures
from u3lab.recipes import _writing


def main(arguments: list[str] | None = None) -> None:
    """Train one inverter and write its weights; print its errors on pictures that it has not seen."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("which", choices=list(SHIPPED))
    parser.add_argument("--steps", type=int, default=None)
    parser.add_argument("--photos", default=None, help="a folder of more pictures (tools/training_photos.py)")
    chosen = _writing.options(parser, arguments, "weights")
    which, steps = chosen.which, 2 if chosen.short else chosen.steps or STEPS[chosen.which]
    torch.manual_seed(chosen.seed)
    net, (seen, unseen) = nets.load("squeezenet1_1", device="cpu"), pictures(chosen.photos)
    layer, _, kind = which.partition("-")
    inverter = (learned_inverter(layer).requires_grad_() if kind else Inverter(layer)).to(
        memory_format=torch.channels_last)
    batches = cropping.batches(seen, SIDE, BATCH, seed=chosen.seed)
    last((train_perceptual if kind else train)(net, inverter, batches, steps), total=steps + 1, title=which)
    x = cropping.crops(unseen, SIDE, count=4)
    made = decode(net, inverter.eval(), x)
    with torch.no_grad():
        error = code_error(code(net, layer, made), code(net, layer, x))
    facts = {"recipe": f"python -m u3lab.recipes.inverters {which} --steps {steps} --seed {chosen.seed}"
                       f" with {len(seen)} pictures",
             "torch": torch.__version__, "on unseen pictures":
             f"mean square {float((made - x).square().mean()):.4f}, code error {float(error):.3f}"}
    path = chosen.out / f"inverter-{which}.safetensors"
    _writing.weights(path, inverter, **facts)


if __name__ == "__main__":
    main()
