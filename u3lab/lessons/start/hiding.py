"""What matters to an answer? Hide a square, and see by how much the score falls."""

from __future__ import annotations

import torch
from torch import Tensor

from u3lab.lessons.start.looking import hidden
from u3lab.lessons.start.seeing import scores
from u3lab.nets import Classifier

SIDE = 65  # pixels of the square that is hidden
CELLS = 5  # places each way


def middles(size: int) -> Tensor:
    """Middles of the squares, in pixels, along one side of a picture: (CELLS)."""
    return torch.linspace(SIDE / 2, size - SIDE / 2, CELLS)


def falls(net: Classifier, picture: Tensor, label: str) -> Tensor:
    """By how much the score of a class falls if the square around each of CELLS×CELLS places is hidden."""
    at, c = (middles(picture.shape[-1]) / picture.shape[-1]).tolist(), net.class_index(label)
    covered = torch.cat([hidden(picture, x, y, SIDE) for y in at for x in at])
    return (net.logits(picture)[0, c].cpu() - scores(net, covered)[:, c]).view(CELLS, CELLS)
