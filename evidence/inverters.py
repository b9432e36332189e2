"""The learned inverters of chapter 5.

    python tools/training_photos.py FOLDER *.deb                                # pictures that do not ship
    python -m evidence inverters fire9-perceptual --data FOLDER        # weights/inverter-….safetensors

A step takes a third of a second of one thread.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from evidence import _crops
from evidence._inverter_training import BATCH, perceptual, sharpen, squares, train
from evidence._muon import Muon
from evidence._plan import Plan
from u3lab import nets
from u3lab.descent import last
from u3lab.inversion.codes import code, relative_error
from u3lab.inversion.learned import SIDE, Inverter
from u3lab.nets import Classifier

MAKES = ("fire9-perceptual", "fire9", "fire5-perceptual", "fire5")
DATA = "a folder of more pictures (tools/training_photos.py)"
# Loss and number of steps, one stage after the other.
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


def make(plan: Plan) -> None:
    """Train the inverters and write their weights, with their errors on pictures that they have not seen."""
    given = _crops.stock(4 if plan.short else SCENES, plan.seed, plan.data)
    for which in plan.few(plan.names):
        inverter_of(plan, which, given)


def inverter_of(plan: Plan, which: str, given: _crops.Stock) -> None:
    """Train one of the four."""
    stages = STAGES[which]
    layer, _, kind = which.partition("-")
    torch.manual_seed(plan.seed)
    net, inverter = nets.load("squeezenet1_1", device="cpu"), Inverter(layer).to(memory_format=torch.channels_last)
    unseen = _crops.held_out(SIDE, 1 if plan.short else 4, plan.seed)

    def batches(begun: int = 0) -> Iterator[Tensor]:
        return _crops.batches(given, SIDE, BATCH, seed=plan.seed + begun, mixed=False)

    losses = {"squares": squares, "codes": perceptual(net)}
    for loss, steps in stages:
        steps = plan.steps(steps)
        run = train(net, inverter, batches(), steps, losses[loss], Muon)
        last(run, total=steps + 1, title=f"{which}, {loss}")
    facts = {"recipe": f"{plan.command} {which} with {len(given.photos)} pictures and {len(given.things)} things",
             "steps": ", ".join(f"{steps} with {loss}" for loss, steps in stages),
             "on unseen pictures": judged(net, inverter, unseen)}
    if kind:
        more, seen = plan.steps(SHARPENED), sum(steps for _, steps in stages)
        last(sharpen(net, inverter, batches(seen), more), total=more + 1, title="with an adversary")
        facts |= {"with an adversary": f"{more} steps", "then": judged(net, inverter, unseen)}
    plan.weights(f"inverter-{which}", inverter, eight_bits=True, **facts)
