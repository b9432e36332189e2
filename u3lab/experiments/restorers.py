"""The two trained restorers of chapter 4: a context encoder and a denoiser.

    python tools/training_photos.py FOLDER *.deb                              # pictures that do not ship
    python -m u3lab.experiments restorers inpainter --photos FOLDER           # data/weights/inpainter.safetensors
    python -m u3lab.experiments restorers denoiser --photos FOLDER            # data/weights/denoiser.safetensors

The photos of the notebook's tables are not learnt from. A step takes half a second of one thread for the denoiser, one
for the inpainter. A training that was stopped goes on from its state in the cache.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import torch
from torch import Tensor

from u3lab.descent import ADAM, last
from u3lab.experiments import _crops, _writing
from u3lab.experiments._muon import Muon
from u3lab.experiments._restorer_training import BATCH, RATE, STEPS, corrupting, train, with_holes, with_noise
from u3lab.lessons.prior import restoring
from u3lab.prior.quality import psnr
from u3lab.prior.trained import SIDE, denoiser, inpainter
from u3lab.training.loop import Checkpoint

SCENES = 200


def main(arguments: list[str] | None = None) -> None:
    """Train one of the two and write its weights; print how well it does on pictures that it has not seen."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("which", choices=list(STEPS))
    parser.add_argument("--steps", type=int, default=None)
    parser.add_argument("--photos", default=None, help="a folder of more pictures (tools/training_photos.py)")
    chosen = _writing.options(parser, arguments, "weights")
    which, steps = chosen.which, 3 if chosen.short else chosen.steps or STEPS[chosen.which]
    torch.manual_seed(chosen.seed)
    net = {"inpainter": inpainter, "denoiser": denoiser}[which]().to(memory_format=torch.channels_last)
    corrupt = {"inpainter": with_holes, "denoiser": with_noise}[which]
    shown = [restoring.photo(name, None) for names in restoring.PHOTOS.values() for name in names]
    given = _crops.stock(4 if chosen.short else SCENES, chosen.seed, chosen.photos, without=shown)

    def batches(begun: int) -> Iterator[tuple[Tensor, ...]]:
        seed = chosen.seed + begun
        return corrupting(_crops.batches(given, SIDE, BATCH, seed=seed, mixed=False),
                          corrupt(torch.Generator().manual_seed(seed)))

    price, optimiser = {"inpainter": (torch.abs, Muon), "denoiser": (torch.square, ADAM)}[which]
    checkpoint = Checkpoint.at(_writing.state(chosen, which, steps, chosen.seed))
    run = train(net, batches, steps, RATE[which], price, checkpoint, optimiser)
    last(run, total=steps + 1, title=which)
    x = _crops.held_out(SIDE, 1 if chosen.short else 4, chosen.seed)
    broken, _ = corrupt(torch.Generator().manual_seed(chosen.seed))(x)
    with torch.no_grad():
        made = net.eval()(broken)
    facts = {"recipe": f"python -m u3lab.experiments restorers {which} --steps {steps} --seed {chosen.seed}"
                       f" with {len(given.photos)} pictures and {len(given.things)} things",
             "torch": torch.__version__, "psnr on unseen pictures": f"{float(psnr(made, x)):.2f}"}
    path = chosen.out / f"{which}.safetensors"
    print(f"given: {float(psnr(broken[:, :3], x)):.2f} dB")
    _writing.weights(path, net, eight_bits=which == "inpainter", **facts)
