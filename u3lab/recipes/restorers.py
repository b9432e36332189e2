"""The two trained restorers of chapter 4: a context encoder and a denoiser.

    python tools/training_photos.py gcompris-qt-data.deb FOLDER               # 292 photos more
    python -m u3lab.recipes.restorers inpainter --photos FOLDER               # data/weights/inpainter.safetensors
    python -m u3lab.recipes.restorers denoiser --photos FOLDER                # data/weights/denoiser.safetensors
"""

from __future__ import annotations

import argparse

import torch

from u3lab.descent import last
from u3lab.images import cropping
from u3lab.prior.quality import psnr
from u3lab.prior.trained import SIDE, denoiser, inpainter
from u3lab.prior.training import BATCH, STEPS, pictures, train, with_holes, with_noise
from u3lab.recipes import _writing


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
    seen, unseen = pictures(chosen.photos)
    last(train(net, cropping.batches(seen, SIDE, BATCH, seed=chosen.seed), corrupted, steps), total=steps + 1,
         title=chosen.which)
    x = cropping.crops(unseen, SIDE, count=4)
    given, _ = corrupted(x)
    with torch.no_grad():
        made = net.eval()(given)
    facts = {"recipe": f"python -m u3lab.recipes.restorers {chosen.which} --steps {steps} --seed {chosen.seed}"
                       f" with {len(seen)} pictures",
             "torch": torch.__version__, "psnr on unseen pictures": f"{float(psnr(made, x)):.2f}"}
    path = chosen.out / f"{chosen.which}.safetensors"
    print(f"given: {float(psnr(given[:, :3], x)):.2f} dB")
    _writing.weights(path, net, **facts)


if __name__ == "__main__":
    main()
