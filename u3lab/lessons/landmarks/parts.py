"""Notebook 03b: keypoints learnt by drawing one picture of a face from another, and what is measured of them.

The source x and the target x′ show one person, in two moments and two warps, before a plain wall. What compares x̂ with
x′ is a network that has learnt to colour grey photos (notebook 02) and has never seen a label; SqueezeNet, which has
seen a million, is there for comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from u3lab import nets
from u3lab.descent import Step
from u3lab.landmarks import AutoencodeSettings, KeypointAutoencoder, autoencode, marginal_soft_argmax
from u3lab.lessons.landmarks.pairs import drawn as seen
from u3lab.lessons.landmarks.pairs import floating
from u3lab.lessons.landmarks.trials import YAW, errors, points, regressed
from u3lab.lessons.selfsup import colouring
from u3lab.nets import Classifier, checkpoints
from u3lab.selfsup.lab import rgb_to_lab
from u3lab.warps import warp
from u3lab.worlds import faces
from u3lab.worlds.faces import Faces, Layers
from u3lab.worlds.faces.made import together
from u3lab.worlds.faces.people import person

SIDE, MARGIN = 64, 24  # pixels: the pictures, and what their canvas has around them
VIEW = {"shift": 0.1, "scale": 1.1, "turn": 9}  # of either view, in half canvases; times; degrees
BEND = 0.06  # half pictures: how far the control points of the second view go
STOCK = 4000  # pictures to learn from, two of each person
K, WIDTH, SIGMA, PIXELS = 10, 16, 0.15, 10.0
STEPS, BATCH, RATE = 12_000, 16, 0.004
JUDGES = {"colouring": ("conv1", "conv2", "conv3", "conv4"), "squeezenet1_1": ("conv1", "fire2", "fire3", "fire5"),
          "pixels": ()}  # Γ → its layers
LABELLED, TEST = 500, 300  # faces with landmarks, and faces to test on
LABELS = (10, 50, LABELLED)
SWAPS = 100
THINGS = {"person": 1, "person, two walls": 2}  # walls behind the two pictures of a person
NAMES = {"person": "keypoints", "person, two walls": "keypoints-two-walls"}  # of the shipped weights
BINS = 6  # of each colour channel
FINDER = {"faces": 8000, "steps": 3000, "batch": 32, "lr": 0.01}  # a training with labels


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


def before_a_wall(made: Layers, *, each: int = 1) -> Tensor:
    """Faces before a wall that has the mean colour of their photo, or of the first of ``each`` in a row, (N,3,H,W)."""
    wall = floating(made.background).mean((2, 3), keepdim=True)[::each].repeat_interleave(each, 0)
    return together(floating(made.face), wall.expand_as(made.background))


@cache
def stock(seed: int, count: int = STOCK, *, walls: int = 1) -> Tensor:
    """Pictures to learn from, with the margin, in bytes: (N,3,112,112) of 0 … 255.

    A person's two are before one wall, or with ``walls`` = 2 each before its own.
    """
    made = [faces.layers(min(500, count - start), seed=100 * (seed + 1) + start, size=SIDE, margin=MARGIN, each=2,
                         yaw=YAW) for start in range(0, count, 500)]
    return torch.cat([(255 * before_a_wall(part, each=2 // walls)).round().byte() for part in made])


def pairs_of(pictures: Tensor) -> Callable[[int, torch.Generator], tuple[Tensor, Tensor]]:
    """A function (count, generator) → sources and targets (count,3,64,64).

    Row by row two moments of one person, of a stock that has two pictures of each, one after the other. Each is in a
    warp of its own, and that of the target bends.
    """
    def pairs(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        first = torch.randint(len(pictures), (count,), generator=generator)
        second = first ^ 1  # the other picture of the same person
        return tuple(warp(floating(pictures[rows]), seen(count, generator, bend, **VIEW), size=SIDE).clamp(0, 1)
                     for rows, bend in ((first, 0.0), (second, BEND)))

    return pairs


def learnt(run: Drawn, checkpoint: str | None = None) -> tuple[KeypointAutoencoder, Iterator[Step]]:
    """A fresh network and the steps that teach it; none for 0 steps."""
    model = KeypointAutoencoder(run.count, width=WIDTH, sigma=SIGMA, seed=run.seed)
    if not run.steps:
        return model, iter(())
    net, layers = judge(run.judge)
    settings = AutoencodeSettings(pixels=PIXELS, lr=RATE, steps=run.steps, batch_size=BATCH, seed=run.seed)
    pairs = pairs_of(stock(run.seed, min(STOCK, 2 * run.steps), walls=THINGS[run.thing]))
    return model, autoencode(model, pairs, net=net, layers=layers, checkpoint=checkpoint, settings=settings)


def drawn(count: int, split: str, seed: int, each: int = 1) -> Faces:
    """Faces before a wall, and what is true about them."""
    made = faces.layers(count, split=split, seed=seed, size=SIDE, each=each, yaw=YAW)
    return Faces(before_a_wall(made, each=each), *made[2:])


@cache
def marked() -> tuple[Faces, Faces]:
    """Faces whose landmarks are known, one of each person: to fit a regression to, and, of other people, to test it."""
    return drawn(LABELLED, "train", 9), drawn(TEST, "test", 9)


def measured(model: KeypointAutoencoder, run: Drawn) -> Iterator[tuple[Drawn, tuple[float, float]]]:
    """The error of landmarks that a linear map makes of keypoints, of all faces and of the hard ones, in %."""
    known, tested = marked()
    hard = faces.hard(tested)
    found, there = model.keypoints(known.images), model.keypoints(tested.images)
    for labels in LABELS:
        made = regressed(found[:labels], points(known)[:labels], there)
        yield run._replace(measure="regression", labels=labels), errors(made, tested, hard)


def followed(model: KeypointAutoencoder) -> tuple[Tensor, Tensor]:
    """Between two views of one picture, whose warps are known: how far keypoints are from where the motion has taken
    them, and how far it has taken them, both in pixels, (100,K). The pictures are of held-out people."""
    made = faces.layers(SWAPS, split="test", seed=41, size=SIDE, margin=MARGIN, each=1, yaw=YAW)
    draw = torch.Generator().manual_seed(0)
    before, after = (seen(SWAPS, draw, 0.0, **VIEW) for _ in range(2))
    u, found = (model.keypoints(warp(before_a_wall(made), w, size=SIDE).clamp(0, 1)) for w in (before, after))
    gone = after.inverse()(before(u))
    return tuple(SIDE / 2 * (one - gone).norm(dim=-1) for one in (found, u))


def skin(identities: Tensor) -> Tensor:
    """How bright the skin of people is, (N,) in [0,1]."""
    return torch.tensor([sum(person(number).skin) / (3 * 255) for number in identities.tolist()])


def mean_shape() -> tuple[float, float]:
    """The errors of who says of every face that its landmarks are where those of labelled ones are on average."""
    known, tested = marked()
    return errors(points(known).mean(0).expand(TEST, -1, -1), tested, faces.hard(tested))


def taught_by_labels(count: int, steps: int, seed: int = 0) -> KeypointAutoencoder:
    """A network whose encoder was taught the landmarks of so many faces; ``keypoints`` finds them.

    They are further pictures of the people from whom all networks here learn.
    """
    some = [drawn(min(LABELLED, count), "train", 77 + n) for n in range(-(-count // LABELLED))]  # in parts: less memory
    images, true = (torch.cat(one)[:count]
                    for one in ([made.images for made in some], [points(made) for made in some]))
    model = KeypointAutoencoder(8, width=WIDTH, seed=seed)
    draw = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(model.pose_encoder.parameters(), lr=FINDER["lr"])
    falls = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    model.pose_encoder.train()
    for _ in range(steps):
        chosen = torch.randint(len(true), (FINDER["batch"],), generator=draw)
        found = marginal_soft_argmax(model.pose_encoder(2 * images[chosen] - 1))
        optimiser.zero_grad()
        (found - true[chosen]).square().mean().backward()
        optimiser.step(), falls.step()
    return model.eval()


def finder() -> Callable[[Tensor], Tensor]:
    """A network that was taught landmarks by labels, to judge drawn faces: (N,3,64,64) → (N,8,2) in [−1,1].

    It has no part in drawing. ``python -m u3lab.experiments finder`` has taught it.
    """
    model = KeypointAutoencoder(8, width=WIDTH)
    checkpoints.restore(model.pose_encoder, "finder")
    return model.eval().keypoints


@cache
def swapped() -> tuple[Faces, Faces, Faces]:
    """100 pairs of held-out people: A, who gives the look; A in another moment; and B, who gives the geometry."""
    made = drawn(4 * SWAPS, "test", 31, each=2)
    return tuple(Faces(*(part[n::4] for part in made)) for n in (0, 1, 2))


def histogram(images: Tensor) -> Tensor:
    """The share of pixels in each of 6×6×6 colours, (N,216)."""
    cell = (images * BINS).long().clamp(max=BINS - 1)
    index = (cell[:, 0] * BINS + cell[:, 1]) * BINS + cell[:, 2]
    index = index.flatten(1)
    share = torch.full(index.shape, 1 / index.shape[1], dtype=torch.float64)
    return torch.zeros(len(images), BINS**3, dtype=torch.float64).scatter_add_(1, index, share)


def recoloured(a: Tensor, b: Tensor) -> Tensor:
    """The share of pixels, in %, whose colour one would have to change for pictures (N,3,H,W) to have the colours of
    others: half the sum of the differences between their histograms. It knows nothing of where colours are."""
    return 50 * (histogram(a) - histogram(b)).abs().sum(1)


def shipped(thing: str = "person") -> KeypointAutoencoder:
    """The trained network, with the one that colours as Γ; with "person, two walls", source and target had each their
    own."""
    return checkpoints.restore(KeypointAutoencoder(K, width=WIDTH, sigma=SIGMA), NAMES[thing])
