"""A film with some points marked by hand, the codes of its frames, and where they find the points again.

``python -m u3lab.experiments rabbits`` makes the shipped table and the shipped labellers of it.
"""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.datasets import clips
from u3lab.landmarks import match
from u3lab.lessons.landmarks.pairs import SIDE

DELTAS = (1, 6, 25)  # frames from x to x′
SHOWN = 0.75  # of a frame, what a view has of it
WHOLE = round(SIDE / SHOWN / 4) * 4  # pixels of a frame of which a view would have SIDE


@cache
def frames() -> Tensor:
    """The film, (T,3,128,128)."""
    return clips.rabbit().frames


@torch.no_grad()
def coded(net: nn.Module, numbers: Tensor) -> Tensor:
    """Codes of whole frames, as large as the views were: (N,3,WHOLE/2,WHOLE/2)."""
    return net(F.interpolate(frames()[numbers], size=(WHOLE, WHOLE), mode="bilinear", antialias=True).clamp(0, 1))


def between() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """All ways from a marked frame to a later one: the numbers of both, (P), and the marked points in both, (P,3,2)."""
    marked = clips.rabbit()
    i, j = torch.triu_indices(len(marked.numbers), len(marked.numbers), 1)
    return marked.numbers[i], marked.numbers[j], marked.points[i], marked.points[j]


def matched(net: nn.Module) -> Tensor:
    """Where a labeller finds the marked points again, (P,3,2)."""
    first, second, points, _ = between()
    seen, row = torch.cat([first, second]).unique(return_inverse=True)
    before, after = coded(net, seen)[row].chunk(2)
    return match(before, after, points).best
