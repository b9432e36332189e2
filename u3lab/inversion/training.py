"""How the learned inverters are trained; ``python -m u3lab.recipes.inverters`` did it.

Trained on squares of the everyday pictures that ship and of the photos of tools/training_photos.py; every third of the
shipped ones is held out, and judges.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.descent import Step, descend
from u3lab.inversion.inverting import code, relative_error
from u3lab.inversion.learned import Inverter
from u3lab.nets import Classifier
from u3lab.prior.training import cosine

BATCH, STEPS = 8, {"fire5": 3000, "fire9": 4000, "fire9-perceptual": 2000}
RATE = {"L2": 2e-3, "perceptual": 5e-4, "adversary": 2e-4}
WEIGHTS = {"pixels": 5.0, "perceptual": 1.0, "code": 0.5, "adversary": 0.05}


def train(net: Classifier, inverter: Inverter, batches: Iterator[Tensor], steps: int) -> Iterator[Step]:
    """L2: 1/N Σ ‖Ψ(Φ(x_i)) − x_i‖², as a mean over values, on batches of new squares."""
    done = iter(range(steps + 1))

    def energy() -> tuple[Tensor, dict[str, Tensor]]:
        x = next(batches)
        with torch.no_grad():
            y = code(net, inverter.layer, x)
        made = inverter(y)
        return made, {"pixels": (made - x).square().mean()}

    return descend(inverter.train().parameters(), energy, steps=steps,
                   lr=lambda: cosine(RATE["L2"], next(done, steps), steps))


class Adversary(nn.Module):
    """Looks at patches of 30 px or so: large where they look photographed, small where they look drawn."""

    def __init__(self) -> None:
        super().__init__()
        layers = [nn.Conv2d(3, 24, 4, 2, 1), nn.LeakyReLU(0.2)]
        for a, b in ((24, 48), (48, 64)):
            layers += [nn.Conv2d(a, b, 4, 2, 1, bias=False), nn.BatchNorm2d(b), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*layers, nn.Conv2d(64, 1, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


def train_perceptual(net: Classifier, inverter: Inverter, batches: Iterator[Tensor], steps: int) -> Iterator[Step]:
    """Pixels, what an early layer sees (fire3), the code itself and an adversary: two descents that take turns."""
    adversary, turn, done = Adversary().to(memory_format=torch.channels_last), {}, iter(range(steps + 1))

    def drawing() -> tuple[Tensor, dict[str, Tensor]]:
        x = next(batches)
        with torch.no_grad():
            seen, y = code(net, "fire3", x), code(net, inverter.layer, x)
        made = inverter(y)
        turn.update(real=x, made=made.detach())
        terms = {"pixels": (made - x).square().mean(), "perceptual": relative_error(code(net, "fire3", made), seen),
                 "code": relative_error(code(net, inverter.layer, made), y),
                 "adversary": F.softplus(-adversary(made)).mean()}
        return made, {name: WEIGHTS[name] * term for name, term in terms.items()}

    def judging() -> tuple[Tensor, dict[str, Tensor]]:
        real, made = adversary(turn["real"]), adversary(turn["made"])
        return real, {"real": F.softplus(-real).mean(), "made": F.softplus(made).mean()}

    draws = descend(inverter.train().parameters(), drawing, steps=steps,
                    lr=lambda: cosine(RATE["perceptual"], next(done, steps), steps))
    judges = descend(adversary.parameters(), judging, steps=steps, lr=lambda: RATE["adversary"])
    for step, _ in zip(draws, judges, strict=True):
        yield step
