"""How the learned inverters are trained; ``python -m evidence inverters`` did it.

What the network itself sees, at the layer and at an earlier one, is part of the loss from the first step on. Then
either the squares follow, which make Ψ(y) the mean E[x | y], or an adversary. ``evidence.unrolled`` trained
the steps of :mod:`u3lab.inversion.learned`.
"""

from collections import Counter
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evidence._restorer_training import Optimiser, fitted
from u3lab.descent import ADAM, Step, descend
from u3lab.inversion.codes import code, relative_error
from u3lab.inversion.learned import Inverter, Unrolled, drawn
from u3lab.nets import Classifier

BATCH, RATE = 12, 2e-3
BEFORE = {"fire9": "fire5", "fire5": "fire3"}  # the earlier layer that the second loss looks at, too
WEIGHTS = {"pixels": 2.0, "code": 1.0, "before": 0.5, "adversary": 0.03}
MOVED = 6  # pixels
SHARPENING = 3e-4  # the rate once there is an adversary

Codes = dict[str, Tensor]
Loss = Callable[[Tensor, Tensor, Codes], dict[str, Tensor]]  # what was made, the pictures and their codes → terms


def squares(made: Tensor, x: Tensor, codes: Codes) -> dict[str, Tensor]:
    """1/N Σ ‖Ψ(Φ(x_i)) − x_i‖², as a mean over values."""
    return {"pixels": (made - x).square().mean()}


def perceptual(net: Classifier) -> Loss:
    """The pixels' absolute error, and the relative errors of the codes."""
    def terms(made: Tensor, x: Tensor, codes: Codes) -> dict[str, Tensor]:
        seen = _seen(net, *codes, made)
        before, code = (relative_error(seen[layer], codes[layer]) for layer in codes)
        found = {"pixels": (made - x).abs().mean(), "before": before, "code": code}
        return {name: WEIGHTS[name] * term for name, term in found.items()}

    return terms


def train(net: Classifier, inverter: Inverter, batches: Iterator[Tensor], steps: int, loss: Loss,
          optimiser: Optimiser = ADAM) -> Iterator[Step]:
    """Fit an inverter, step by step."""
    def energy(step: int) -> tuple[Tensor, dict[str, Tensor]]:
        x = next(batches)
        codes = codes_of(net, inverter.layer, x)
        made = inverter(codes[inverter.layer])
        return made, loss(made, x, codes)

    return fitted(inverter, energy, steps, RATE, optimiser)


def train_steps(net: Classifier, inverter: Inverter, unrolled: Unrolled, batches: Iterator[Tensor], steps: int,
                optimiser: Optimiser = ADAM) -> Iterator[Step]:
    """Fit the steps that follow an inverter, which stays as it is. What each of them draws is compared with the photo.

    Both are moved by a few pixels first, so that no pattern is learnt that fits the network's grid of cells alone.
    """
    loss, layer = perceptual(net), unrolled.layer
    inverter.eval()

    def energy(step: int) -> tuple[Tensor, dict[str, Tensor]]:
        x = next(batches)
        shift = torch.randint(-MOVED, MOVED + 1, (2,), generator=torch.Generator().manual_seed(step)).tolist()
        with torch.no_grad():
            y = code(net, layer, x)
            first = inverter(y)
        moved = x.roll(shift, (2, 3))
        codes, terms = codes_of(net, layer, moved), Counter()
        made = list(drawn(net, unrolled, first, y))[1:]
        for picture in made:
            terms.update(loss(picture.roll(shift, (2, 3)), moved, codes))
        return made[-1], dict(terms)

    return fitted(unrolled, energy, steps, RATE, optimiser)


def sharpen(net: Classifier, inverter: Inverter, batches: Iterator[Tensor], steps: int) -> Iterator[Step]:
    """Go on with the second loss against an adversary, which learns at the same time to tell drawings from photos."""
    adversary, loss = Adversary().to(memory_format=torch.channels_last), perceptual(net)

    def energy() -> tuple[Tensor, dict[str, Tensor]]:
        x = next(batches)
        codes = codes_of(net, inverter.layer, x)
        made = inverter(codes[inverter.layer])
        held = {name: weight.detach() for name, weight in adversary.named_parameters()}
        judged = torch.func.functional_call(adversary, held, made)  # the drawing learns from it, and it does not
        return made, loss(made, x, codes) | {
            "adversary": WEIGHTS["adversary"] * F.softplus(-judged).mean(),
            "judge": F.softplus(-adversary(x)).mean() + F.softplus(adversary(made.detach())).mean()}

    return descend([*inverter.train().parameters(), *adversary.parameters()], energy, steps=steps,
                   lr=lambda: SHARPENING)


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


@torch.no_grad()
def codes_of(net: Classifier, layer: str, x: Tensor) -> Codes:
    """The codes of pictures at the earlier layer and at the layer itself."""
    return _seen(net, BEFORE[layer], layer, x)


def _seen(net: Classifier, before: str, layer: str, x: Tensor) -> Codes:
    """The same with a graph: what is drawn learns from its codes."""
    found = {}
    with net.watch({before: lambda output: found.update({before: output.clone()})}):  # a later ReLU may write over it
        found[layer] = net.features(x, layer)
    return found
