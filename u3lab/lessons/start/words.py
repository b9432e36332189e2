"""The three words of the lecture, a picture for each: what sections 6, 7 and 8 of notebook 00 then do with numbers."""

from __future__ import annotations

import torch
from torch import Tensor

from u3lab import images, pixels
from u3lab.landmarks import match
from u3lab.lessons.landmarks import figures as panels
from u3lab.lessons.landmarks import trials
from u3lab.lessons.start import figures as looking
from u3lab.lessons.start import probing, seeing
from u3lab.nets import Classifier
from u3lab.worlds import decathlon, faces

SIDE = 240  # pixels
QUESTIONS = ("traffic signs", "animals", "digits", "body parts")
YELLOW = torch.tensor([[1.0, 0.9, 0.1]])


def four(parts: Tensor) -> Tensor:
    """Four pictures (4,3,s,s), two by two: (1,3,2s,2s)."""
    return parts.unflatten(0, (2, 2)).permute(2, 0, 3, 1, 4).flatten(1, 2).flatten(2)[None]


def universal() -> Tensor:
    """One picture of each of four questions."""
    one_each = [decathlon.load(probing.DOMAINS[name], "test", each=1).images[:1] for name in QUESTIONS]
    return four(looking.large(torch.cat(one_each), SIDE // 2))


def unsupervised() -> Tensor:
    """The first landmark of a face, and where the codes of three other faces, learnt without labels, have it."""
    people = faces.draw(4, split="test", seed=9, size=64, each=1, kind="person", yaw=trials.YAW)
    coded, point = trials.codes(trials.taught("person"), people.images), trials.points(people)[:1, :1]
    found = match(coded[:1].expand(3, -1, -1, -1), coded[1:], point.expand(3, -1, -1)).best
    return four(panels.dotted(people.images, torch.cat([point, found]), YELLOW, size=SIDE // 2))


def understandable(net: Classifier) -> Tensor:
    """Where a hidden square costs the class "hen" most."""
    x = images.load("hens", size=net.size)
    return images.resize(pixels.overlay(x, seeing.falls(net, x, images.label("hens")).clamp(min=0)), SIDE)


def pictures(net: Classifier) -> dict[str, Tensor]:
    """What a word asks → its picture (1,3,240,240)."""
    return {"universal: one network for many questions?": universal(),
            "unsupervised: the same point, without a label?": unsupervised(),
            "understandable: what mattered to “hen”?": understandable(net)}
