"""The labeller of notebook 03 that learns from photographed animals of many species.

    python -m u3lab.experiments animals     # data/weights/labeller-animals.safetensors

A run that was stopped goes on from its checkpoint in the cache. Nobody has marked the animals, so nothing was chosen.
"""

from __future__ import annotations

import argparse

import torch

from u3lab import landmarks
from u3lab.descent import last
from u3lab.experiments import _writing
from u3lab.lessons.landmarks import animals, pairs, trials

STEPS = 4000


def main(arguments: list[str] | None = None) -> None:
    """Teach the labeller and write its weights."""
    chosen = _writing.options(argparse.ArgumentParser(description=main.__doc__), arguments, "weights")
    net = landmarks.labeller(seed=chosen.seed)
    learnt_from = animals.stock(trials.stock("person", chosen.seed, 240).layers.background)
    settings = landmarks.LabelSettings(steps=2 if chosen.short else STEPS, batch_size=8, seed=chosen.seed)
    last(landmarks.label(net, pairs.of_warps(learnt_from), checkpoint=_writing.state(chosen, "animals", chosen.seed),
                         settings=settings), total=settings.steps + 1, title="animals")
    _writing.weights(chosen.out / "labeller-animals.safetensors", net, steps=settings.steps, torch=torch.__version__,
                     recipe="python -m u3lab.experiments animals")
