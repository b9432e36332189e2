"""How the two networks of :mod:`u3lab.prior.trained` were made.

    python tools/training_photos.py gcompris-qt-data.deb FOLDER               # 292 photos more
    python -m u3lab.prior.training completer --photos FOLDER                  # data/weights/completer.safetensors
    python -m u3lab.prior.training denoiser --photos FOLDER                   # data/weights/denoiser.safetensors
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from u3lab import checkpoints, crops, paths
from u3lab.descent import Step, descend, last
from u3lab.prior.quality import psnr
from u3lab.prior.trained import SIDE, completer, denoiser, holes, spoil

BATCH, RATE, STEPS = 8, 3e-3, {"completer": 2500, "denoiser": 1500}
HOLE = 6.0  # how much more a pixel in the hole counts: it is what the network is for
NOISE = (0.02, 0.3)  # σ of the denoiser's pictures

Spoilt = Callable[[Tensor], tuple[Tensor, Tensor]]  # pictures → what the network sees, and how much each pixel counts


def train(net: nn.Module, batches: Iterator[Tensor], spoilt: Spoilt, steps: int) -> Iterator[Step]:
    """Mean absolute error between what the network makes of spoilt pictures and the pictures; step by step."""
    done = iter(range(steps + 1))

    def energy() -> tuple[Tensor, dict[str, Tensor]]:
        x = next(batches)
        seen, weight = spoilt(x)
        made = net(seen)
        return made, {"error": (weight * (made - x).abs()).mean()}

    return descend(net.train().parameters(), energy, steps=steps, rate=lambda: cosine(RATE, next(done, steps), steps))


def cosine(rate: float, step: int, steps: int) -> float:
    """A learning rate that falls from ``rate`` to a hundredth of it along half a cosine."""
    return rate * (0.01 + 0.99 * (1 + math.cos(math.pi * step / steps)) / 2)


def with_holes(generator: torch.Generator) -> Spoilt:
    """One hole in each picture."""
    def spoilt(x: Tensor) -> tuple[Tensor, Tensor]:
        visible = holes(len(x), x.shape[-1], generator)
        return spoil(x, visible), 1 + (HOLE - 1) * (1 - visible)
    return spoilt


def with_noise(generator: torch.Generator) -> Spoilt:
    """Noise of another strength on each picture."""
    def spoilt(x: Tensor) -> tuple[Tensor, Tensor]:
        low, high = NOISE
        sigma = low + (high - low) * torch.rand(len(x), 1, 1, 1, generator=generator)
        return (x + sigma * torch.randn(x.shape, generator=generator)).clamp(0, 1), torch.ones(1)
    return spoilt


def pictures(folder: str | None) -> tuple[list[str | Path], list[str]]:
    """What to train on, the shipped pictures and those of a folder, and the shipped ones that judge."""
    seen, unseen = crops.sources()
    return [*seen, *(sorted(Path(folder).iterdir()) if folder else ())], unseen


def main() -> None:
    """Train one of the two and write its weights; print how well it does on pictures that it has not seen."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("which", choices=list(STEPS))
    parser.add_argument("--steps", type=int, default=None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--photos", default=None, help="a folder of more pictures (tools/training_photos.py)")
    parser.add_argument("--out", default=str(paths.data("weights")))
    options = parser.parse_args()
    steps = options.steps or STEPS[options.which]
    torch.manual_seed(options.seed)
    net = {"completer": completer, "denoiser": denoiser}[options.which]().to(memory_format=torch.channels_last)
    spoilt = {"completer": with_holes, "denoiser": with_noise}[options.which](
        torch.Generator().manual_seed(options.seed))
    seen, unseen = pictures(options.photos)
    last(train(net, crops.batches(seen, SIDE, BATCH, options.seed), spoilt, steps), steps + 1, options.which)
    x = crops.crops(unseen, SIDE, 4)
    given, weight = spoilt(x)
    with torch.no_grad():
        made = net.eval()(given)
    score = float(psnr(made, x))
    facts = {"recipe": f"python -m u3lab.prior.training {options.which} --steps {steps} --seed {options.seed}"
                       f" with {len(seen)} pictures",
             "torch": torch.__version__, "psnr on unseen pictures": f"{score:.2f}"}
    path = Path(options.out) / f"{options.which}.safetensors"
    checkpoints.save(net, path, **facts)
    print(facts, f"(given: {float(psnr(given[:, :3], x)):.2f} dB)", path.stat().st_size, "bytes", paths.sha256(path))


if __name__ == "__main__":
    main()
