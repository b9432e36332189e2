"""How the sticker that ships was made, and how well it works on pictures that it was not trained on.

    python -m u3lab.saliency.sticker_recipe        # makes data/stickers/bubble.png and data/results/sticker.json
"""

from __future__ import annotations

import torch
from torch import Tensor

from u3lab import images as _images
from u3lab import paths
from u3lab.descent import last
from u3lab.nets import Classifier
from u3lab.saliency.levels import to_bytes
from u3lab.saliency.pasting import cut_out
from u3lab.saliency.sticker import SHIPPED, StickerSettings, sticker, success_rate

SIZE = 224  # side of the pictures, in pixels
SCALES, TURNS = (0.15, 0.2, 0.25, 0.3, 0.4, 0.5), (0.0, 45.0, 90.0, 180.0)


def photos() -> tuple[Tensor, Tensor]:
    """The shipped everyday pictures (B,3,224,224): every other one to train on, the rest to test with."""
    x = torch.cat([to_bytes(_images.load(name, size=SIZE)) for name in _images.names("everyday")])
    return x[::2], x[1::2]


def shuffled(patch: Tensor, seed: int = 0) -> Tensor:
    """The same pixels in any order: what the colours alone would do."""
    order = torch.randperm(patch[0, 0].numel(), generator=torch.Generator().manual_seed(seed))
    return patch.flatten(2)[..., order.to(patch.device)].view_as(patch)


def rates(net: Classifier, images: Tensor, patch: Tensor, target: int | str, trials: int) -> dict[str, dict]:
    """Success by size (turned by up to 45°), and by the largest angle (at a third of the picture's side)."""
    return {"by_scale": {s: round(success_rate(net, images, patch, target, s, trials=trials), 3) for s in SCALES},
            "by_turn": {t: round(success_rate(net, images, patch, target, 0.33, t, trials), 3) for t in TURNS}}


def main() -> None:
    """Make data/stickers/bubble.png and data/results/sticker.json."""
    import argparse
    import json

    from u3lab import __version__, nets, pixels

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default=str(paths.data()), help="the folder that gets stickers/ and results/")
    options = parser.parse_args()
    train, test = photos()
    settings = StickerSettings(steps=options.steps, batch=8, smallest=0.15, turn=180.0, seed=options.seed)
    steps = sticker(nets.load("squeezenet1_1"), train, SHIPPED, settings)
    patch = last(steps, options.steps + 1, "sticker").image.cpu()
    printed, control = cut_out(patch, size=256), cut_out(shuffled(patch), size=256)
    trials = 8 * len(test)
    table = {"recipe": f"python -m u3lab.saliency.sticker_recipe --steps {options.steps} --seed {options.seed}",
             "u3lab": __version__, "torch": torch.__version__, "target": SHIPPED, "photos": len(test), "trials": trials,
             "rates": {}}
    for name in nets.NAMES:
        net = nets.load(name)
        shuffle = success_rate(net, test, control, SHIPPED, 0.33, trials=trials)
        table["rates"][name] = rates(net, test, printed, SHIPPED, trials) | {"pixels_shuffled": round(shuffle, 3)}
    out = paths.Path(options.out)
    paths.write_atomically(out / "stickers" / f"{SHIPPED}.png", pixels.png(printed))
    paths.write_atomically(out / "results" / "sticker.json", (json.dumps(table, indent=1) + "\n").encode())
    print(json.dumps(table["rates"], indent=1))


if __name__ == "__main__":
    main()
