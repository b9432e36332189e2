"""The two trained restorers of chapter 4: a context encoder and a denoiser.

    python tools/training_photos.py FOLDER *.deb                              # pictures that do not ship
    python -m u3lab.recipes.restorers inpainter --photos FOLDER               # data/weights/inpainter.safetensors
    python -m u3lab.recipes.restorers denoiser --photos FOLDER                # data/weights/denoiser.safetensors

The photos of the notebook's tables are not learnt from. A step takes half a second of one thread.
"""

from __future__ import annotations

import argparse

import torch

from u3lab.descent import last
from u3lab.lessons.prior import restoring
from u3lab.prior.quality import psnr
from u3lab.prior.trained import SIDE, denoiser, inpainter
from u3lab.prior.training import BATCH, STEPS, train, with_holes, with_noise
from u3lab.recipes import _crops, _writing

SCENES = 200


def main(arguments: list[str] | None = None) -> None:
    """Train one of the two and write its weights; print how well it does on pictures that it has not seen."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("which", choices=list(STEPS))
    parser.add_argument("--steps", type=int, default=None)
    parser.add_argument("--photos", default=None, help="a folder of more pictures (tools/training_photos.py)")
    chosen = _writing.options(parser, arguments, "weights")
    steps = 3 if chosen.short else chosen.steps or STEPS[chosen.which]
    torch.manual_seed(chosen.seed)
    net = {"inpainter": inpainter, "denoiser": denoiser}[chosen.which]().to(memory_format=torch.channels_last)
    corrupt = {"inpainter": with_holes, "denoiser": with_noise}[chosen.which]
    corrupted = corrupt(torch.Generator().manual_seed(chosen.seed))
    shown = [restoring.photo(name, None) for names in restoring.PHOTOS.values() for name in names]
    given = _crops.stock(4 if chosen.short else SCENES, chosen.seed, chosen.photos, without=shown)
    batches = _crops.batches(given, SIDE, BATCH, seed=chosen.seed, mixed=False)
    price = {"inpainter": torch.abs, "denoiser": torch.square}[chosen.which]
    last(train(net, batches, corrupted, steps, price), total=steps + 1, title=chosen.which)
    x = _crops.held_out(SIDE, 1 if chosen.short else 4, chosen.seed)
    broken, _ = corrupted(x)
    with torch.no_grad():
        made = net.eval()(broken)
    facts = {"recipe": f"python -m u3lab.recipes.restorers {chosen.which} --steps {steps} --seed {chosen.seed}"
                       f" with {len(given.photos)} pictures and {len(given.things)} things",
             "torch": torch.__version__, "psnr on unseen pictures": f"{float(psnr(made, x)):.2f}"}
    path = chosen.out / f"{chosen.which}.safetensors"
    print(f"given: {float(psnr(broken[:, :3], x)):.2f} dB")
    _writing.weights(path, net, **facts)


if __name__ == "__main__":
    main()
