"""Notebook 03b: keypoints learnt by drawing one picture of a face from another, and what is measured of them.

The source x and the target x′ show one person, in two moments and two warps, as in a film; the background is the same
and is warped along. What compares x̂ with x′ is a network that has learnt to colour grey photos (notebook 02) and has
never seen a label; SqueezeNet, which has seen a million, is there for comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab import nets
from u3lab.datasets import faces
from u3lab.datasets.faces import Faces, Layers
from u3lab.datasets.faces.made import together
from u3lab.descent import Step
from u3lab.landmarks import AutoencodeSettings, KeypointAutoencoder, autoencode
from u3lab.lessons.landmarks import trials
from u3lab.lessons.landmarks.pairs import BEND, CLOSER, SIDE, drawn, floating
from u3lab.lessons.selfsup import colouring
from u3lab.nets import Classifier, checkpoints
from u3lab.selfsup.lab import rgb_to_lab
from u3lab.warps import warp

K, WIDTH, SIGMA, PIXELS = 10, 16, 0.15, 5.0
STEPS, BATCH, RATE = 5000, 8, 0.003
JUDGES = {"colouring": ("conv1", "conv2", "conv3", "conv4"), "squeezenet1_1": ("conv1", "fire2", "fire3", "fire5"),
          "pixels": ()}  # Γ → its layers
LABELS = (10, 50, 500)
SWAPS = 100
BINS = 6  # of each colour channel


class Drawn(NamedTuple):
    """One number: of which thing, which Γ, how many keypoints and steps, and which seed; what is measured, and by how
    many pictures with landmarks."""

    thing: str
    judge: str
    count: int
    steps: int
    seed: int
    measure: str
    labels: int


class Grey(nn.Module):
    """Normalised pictures → their lightness, normalised as well, in three channels, which is what can be coloured."""

    def forward(self, x: Tensor) -> Tensor:
        return (rgb_to_lab(x.clamp(0, 1))[:, :1] / 100 - 0.5).expand(-1, 3, -1, -1) / 0.25


def judge(name: str) -> tuple[Classifier | None, tuple[str, ...]]:
    """Γ and the names of its layers; none for "pixels"."""
    layers = JUDGES[name]
    if not layers:
        return None, layers
    if name != "colouring":
        return nets.load(name).eval(), layers
    encoder, _ = colouring.shipped()
    module = nn.Sequential(Grey(), encoder.module).eval().requires_grad_(False)
    return Classifier(module, layers={layer: f"1.{layer}" for layer in encoder.layers}, size=SIDE,
                      name="the network that colours"), layers


def pairs_of(stock: Layers) -> Callable[[int, torch.Generator], tuple[Tensor, Tensor]]:
    """A function (count, generator) → sources and targets (count,3,64,64).

    Row by row one person of a stock that has two pictures of each, one after the other, before one background that
    stays where it is, as in a film from a camera that stands still. In half of the pairs the moment is another one;
    what is always another one is the warp of the face, and that of the target bends.
    """
    def pairs(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        first = torch.randint(len(stock.face), (count,), generator=generator)
        second = first ^ torch.randint(2, (count,), generator=generator)
        behind = warp(floating(stock.background[first]), CLOSER, size=SIDE)
        return tuple(together(warp(floating(stock.face[rows]), drawn(count, generator, bend), size=SIDE), behind)
                     for rows, bend in ((first, 0.0), (second, BEND)))

    return pairs


def learnt(run: Drawn, checkpoint: str | None = None, batch: int = BATCH
           ) -> tuple[KeypointAutoencoder, Iterator[Step]]:
    """A fresh network and the steps that teach it; none for 0 steps."""
    model = KeypointAutoencoder(run.count, width=WIDTH, sigma=SIGMA, seed=run.seed)
    if not run.steps:
        return model, iter(())
    net, layers = judge(run.judge)
    stock = trials.stock("person", run.seed, min(trials.STOCK, batch * (run.steps + 1) // 2 * 2))
    settings = AutoencodeSettings(pixels=PIXELS, lr=RATE, steps=run.steps, batch_size=batch, seed=run.seed)
    return model, autoencode(model, pairs_of(stock), net=net, layers=layers, checkpoint=checkpoint, settings=settings)


def measured(model: KeypointAutoencoder, run: Drawn) -> Iterator[tuple[Drawn, tuple[float, float]]]:
    """The error of landmarks that a linear map makes of keypoints, of all faces and of the hard ones, in %."""
    known, tested = trials.marked("person")
    hard = faces.hard(tested)
    found, there = model.keypoints(known.images), model.keypoints(tested.images)
    for labels in LABELS:
        true = trials.points(known)[:labels]
        made = trials.regressed(found[:labels], true, there)
        yield run._replace(measure="regression", labels=labels), trials.errors(made, tested, hard)


def landmarks(model: KeypointAutoencoder, images: Tensor) -> Tensor:
    """Landmarks (N,8,2) of pictures, by keypoints and the linear map that the marked faces give."""
    known, _ = trials.marked("person")
    return trials.regressed(model.keypoints(known.images), trials.points(known), model.keypoints(images))


@cache
def swapped() -> tuple[Faces, Faces, Faces]:
    """100 pairs of held-out people: A, who gives the look; A in another moment; and B, who gives the geometry."""
    made = faces.draw(4 * SWAPS, split="test", seed=31, size=SIDE, each=2, yaw=trials.YAW)
    return tuple(Faces(*(part[n::4] for part in made)) for n in (0, 1, 2))


def histogram(images: Tensor) -> Tensor:
    """The share of pixels in each of 6×6×6 colours, (N,216)."""
    cell = (images * BINS).long().clamp(max=BINS - 1)
    index = (cell[:, 0] * BINS + cell[:, 1]) * BINS + cell[:, 2]
    return F.one_hot(index.flatten(1), BINS**3).double().mean(1)


def recoloured(a: Tensor, b: Tensor) -> Tensor:
    """The share of pixels, in %, whose colour one would have to change for pictures (N,3,H,W) to have the colours of
    others: half the sum of the differences between their histograms. It knows nothing of where colours are."""
    return 50 * (histogram(a) - histogram(b)).abs().sum(1)


def name(judge: str) -> str:
    """Of the shipped weights."""
    return f"keypoints-{judge}"


def shipped(judge: str = "colouring") -> KeypointAutoencoder:
    """The trained network."""
    return checkpoints.restore(KeypointAutoencoder(K, width=WIDTH, sigma=SIGMA), name(judge))
