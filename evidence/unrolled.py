"""The learned steps of chapter 5, which go on from the perceptual inverters that ship.

    python tools/training_photos.py FOLDER *.deb                     # pictures that do not ship
    python -m evidence unrolled fire9 --data FOLDER         # weights/unrolled-fire9.safetensors

A step takes two seconds of one thread.
"""

import torch
from torch import Tensor

from evidence import _crops
from evidence._inverter_training import BATCH, train_steps
from evidence._muon import Muon
from evidence._plan import Plan
from u3lab import nets
from u3lab.descent import last
from u3lab.inversion.codes import relative_error
from u3lab.inversion.learned import SIDE, Inverter, Unrolled, learned_inverter, unroll
from u3lab.nets import Classifier

MAKES = ("fire5", "fire9")
DATA = "a folder of more pictures (tools/training_photos.py)"
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


def make(plan: Plan) -> None:
    """Train the steps and write their weights, with their errors on pictures that they have not seen."""
    given = _crops.stock(4 if plan.short else SCENES, plan.seed, plan.data)
    unseen = _crops.held_out(SIDE, 1 if plan.short else 4, plan.seed)[: 4 if plan.short else None]
    for layer in plan.few(plan.names):
        steps_of(plan, layer, given, unseen)


def steps_of(plan: Plan, layer: str, given: _crops.Stock, unseen: Tensor) -> None:
    """Train the steps for one layer."""
    steps, batch = (2, 4) if plan.short else (STEPS[layer], BATCH)
    torch.manual_seed(plan.seed)
    net, inverter = nets.load("squeezenet1_1", device="cpu"), learned_inverter(f"{layer}-perceptual")
    unrolled = Unrolled(layer).to(memory_format=torch.channels_last)
    batches = _crops.batches(given, SIDE, batch, seed=plan.seed, mixed=False)
    run = train_steps(net, inverter, unrolled, batches, steps, Muon)
    last(run, total=steps + 1, title=f"steps, {layer}")
    plan.weights(f"unrolled-{layer}", unrolled, eight_bits=True, steps=str(steps), recipe=(
        f"{plan.command} {layer} with {len(given.photos)} pictures and {len(given.things)} things"),
        **{"on unseen pictures": judged(net, inverter, unrolled, unseen)})
