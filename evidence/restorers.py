"""The two trained restorers of chapter 4: a context encoder and a denoiser.

    python tools/training_photos.py FOLDER *.deb                            # pictures that do not ship
    python -m evidence restorers inpainter --data FOLDER           # weights/inpainter.safetensors
    python -m evidence restorers denoiser --data FOLDER            # weights/denoiser.safetensors

The photos of the notebook's tables are not learnt from. A step takes half a second of one thread for the denoiser, one
for the inpainter.
"""

import torch

from evidence import _crops
from evidence._muon import Muon
from evidence._plan import Plan
from evidence._restorer_training import BATCH, RATE, STEPS, corrupting, train, with_holes, with_noise
from u3course.lessons.prior import restoring
from u3lab.descent import ADAM, last
from u3lab.prior.quality import psnr
from u3lab.prior.trained import SIDE, denoiser, inpainter

MAKES = ("inpainter", "denoiser")
DATA = "a folder of more pictures (tools/training_photos.py)"
SCENES = 200


def make(plan: Plan) -> None:
    """Train the restorers and write their weights; print how well they do on pictures that they have not seen."""
    shown = [restoring.photo(name, None) for names in restoring.PHOTOS.values() for name in names]
    given = _crops.stock(4 if plan.short else SCENES, plan.seed, plan.data, without=shown)
    for which in plan.few(plan.names):
        restorer(plan, which, given)


def restorer(plan: Plan, which: str, given: _crops.Stock) -> None:
    """Train one of the two."""
    steps = 3 if plan.short else STEPS[which]
    torch.manual_seed(plan.seed)
    net = {"inpainter": inpainter, "denoiser": denoiser}[which]().to(memory_format=torch.channels_last)
    corrupt = {"inpainter": with_holes, "denoiser": with_noise}[which]

    batches = corrupting(_crops.batches(given, SIDE, BATCH, seed=plan.seed, mixed=False),
                         corrupt(torch.Generator().manual_seed(plan.seed)))
    price, optimiser = {"inpainter": (torch.abs, Muon), "denoiser": (torch.square, ADAM)}[which]
    run = train(net, batches, steps, RATE[which], price, optimiser)
    last(run, total=steps + 1, title=which)
    x = _crops.held_out(SIDE, 1 if plan.short else 4, plan.seed)
    broken, _ = corrupt(torch.Generator().manual_seed(plan.seed))(x)
    with torch.no_grad():
        made = net.eval()(broken)
    print(f"given: {float(psnr(broken[:, :3], x)):.2f} dB")
    recipe = f"{plan.command} {which}, {steps} steps with {len(given.photos)} pictures and {len(given.things)} things"
    plan.weights(which, net, eight_bits=which == "inpainter", recipe=recipe,
                 **{"psnr on unseen pictures": f"{float(psnr(made, x)):.2f}"})
