"""The big table of inversions: one photo, every layer of a network, one row for each prior.

    python -m u3lab.recipes.inversion_table squeezenet1_1         # data/results/inversion-squeezenet1_1.jpg and .json
    python -m u3lab.recipes.inversion_table efficientnet_lite0
"""

from __future__ import annotations

import argparse

import torch

from u3lab import images, nets, pixels
from u3lab.inversion.inverting import LOGITS
from u3lab.lessons.inversion.table import PHOTO, QUALITY, ROWS, SIDE, big_table, sheet
from u3lab.recipes import _writing


def main(arguments: list[str] | None = None) -> None:
    """Make the table of one network, and print its code errors."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("name", choices=nets.NAMES)
    parser.add_argument("--share", type=float, default=1.0, help="of the steps, for a trial")
    chosen = _writing.options(parser, arguments, "results")
    net, image = nets.load(chosen.name, device="cpu"), images.load(PHOTO, size=SIDE)
    share, layers = (0.002, ["conv1", LOGITS]) if chosen.short else (chosen.share, [*net.layers, LOGITS])
    found = {}
    for prior, layer, inverted in big_table(net, layers, image, share=share, seed=chosen.seed):
        found[prior, layer] = inverted
        print(f"{prior:18s} {layer:8s} {inverted.seconds:5.1f} s, code {inverted.code:.4f}, moved {inverted.moved:.3f}",
              flush=True)
    facts = {"photo": PHOTO, "side": SIDE, "layers": layers, "share": share, "seed": chosen.seed,
             "torch": torch.__version__}
    for kind in ("code", "moved", "pixels", "seconds"):
        facts[kind] = {prior: [round(float(getattr(found[prior, layer], kind)), 4) for layer in layers]
                       for prior in ROWS}
    _writing.write(chosen.out / f"inversion-{chosen.name}.jpg", pixels.jpeg(sheet(found, layers), quality=QUALITY))
    _writing.write(chosen.out / f"inversion-{chosen.name}.json", facts)


if __name__ == "__main__":
    main()
