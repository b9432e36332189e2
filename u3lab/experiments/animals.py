"""The labeller of notebook 03 that learns from photographed animals of many species.

    python -m u3lab.experiments animals     # weights/labeller-animals.safetensors

A run that was stopped goes on from its checkpoint in the cache. Nobody has marked the animals, so nothing was chosen.
"""

from __future__ import annotations

import torch
from torch import Tensor

from u3lab import landmarks
from u3lab.descent import last
from u3lab.experiments._plan import Plan
from u3lab.lessons.landmarks import animals, pairs, trials
from u3lab.lessons.landmarks.pairs import Stock
from u3lab.worlds.faces import Layers

STEPS = 4000


def make(plan: Plan) -> None:
    """Teach the labeller and write its weights."""
    net = landmarks.labeller(seed=plan.seed)
    learnt_from = stock(trials.stock("person", plan.seed, 240).layers.background)
    settings = landmarks.LabelSettings(steps=plan.steps(STEPS), batch_size=8, seed=plan.seed)
    last(landmarks.train_labeller(net, pairs.of_warps(learnt_from), checkpoint=plan.state("animals", plan.seed),
                         settings=settings), total=settings.steps + 1, title="animals")
    plan.weights("labeller-animals", net, steps=settings.steps)


def stock(backgrounds: Tensor) -> Stock:
    """The animals to learn from, each before one of the backgrounds (N,3,112,112), in bytes; for pairs of warps."""
    face = torch.cat([animals.layer(name) for name in animals.names("train")])
    shown = Layers((255 * face).round().byte(), backgrounds[:len(face)], *[None] * 4)
    return Stock(shown, torch.zeros(len(face), 1, 3))
