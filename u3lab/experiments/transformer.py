"""A small vision transformer, which EfficientNet-Lite0 teaches on pictures that ship.

    python -m u3lab.experiments transformer     # data/weights/vit.safetensors and data/results/transformer.json
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab import nets
from u3lab.descent import Step
from u3lab.experiments import _crops
from u3lab.experiments._muon import Muon
from u3lab.experiments.resnet26 import FEATURES, GRID, PLACES, TEACHER, answers, moments, softened
from u3lab.nets import Classifier, checkpoints
from u3lab.nets.vit import SIDE, WIDTH, vit
from u3lab.training.loop import Checkpoint, train

BATCH, RATE, WARM = 64, 1e-3, 200  # steps until the rate is whole
SMALL, STEPS = 64, (3000, 900)  # pixels of the pupil's pictures at first; steps with these, and with the large ones


class Taught(nn.Module):
    """The pupil, and the linear map from its tokens to the teacher's features, which is thrown away."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.pupil, self.linear = vit(), nn.Conv2d(WIDTH, features, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Scores (B,K), and features at GRID×GRID places (B,U,g,g)."""
        tokens = self.pupil.forward_features(x)
        maps = tokens[:, self.pupil.num_prefix_tokens:].mT.unflatten(2, (x.shape[2] // 8, x.shape[3] // 8))
        return self.pupil.forward_head(tokens).float(), self.linear(F.adaptive_avg_pool2d(maps.float(), GRID))


def teach(net: Taught, teacher: Classifier, given: _crops.Stock, checkpoint: Checkpoint | None, steps=STEPS, count=BATCH,
          half: bool = True) -> Iterator[Step]:
    def batch(step: int) -> Tensor:  # a function of the step, so that a run that was killed goes on with the same
        return next(_crops.batches(given, TEACHER, count, seed=step))

    with torch.autocast("cpu", torch.bfloat16, half):
        mean, spread = (one.float() for one in moments(teacher, (batch(-1 - k) for k in range(8))))

    def energy(step: int) -> tuple[Tensor, dict[str, Tensor]]:
        x = batch(step)
        with torch.autocast("cpu", torch.bfloat16, half):
            there, wanted = (one.float() for one in answers(teacher, x))
        there = (there - mean) / spread
        side = SMALL if step < steps[0] else SIDE
        x = F.interpolate(x, size=(side, side), mode="bilinear", antialias=True, align_corners=False)
        with torch.autocast("cpu", torch.bfloat16, half):
            scores, found = net(teacher.normalise(x).contiguous())
            scores, found = scores.float(), found.float()
        pooled = (found - there).mean((2, 3))
        return (scores.argmax(1) == wanted.argmax(1)).float().mean(), {
            "classes": softened(scores, wanted), "features": FEATURES * pooled.square().mean(),
            "places": PLACES * (found - there).square().mean()}

    def rate(step: int) -> float:
        """It rises, stays, and falls to nearly 0 over the steps with the large pictures."""
        return RATE * min((step + 1) / WARM, 1, max((sum(steps) - step) / steps[1], 0.01))

    if checkpoint:
        checkpoint.optimiser = partial(checkpoint.optimiser, make=Muon)
    return train(net.parameters(), energy, steps=sum(steps), rate=rate, checkpoint=checkpoint, state=net.state_dict,
                 facts={"what": "vit"})
