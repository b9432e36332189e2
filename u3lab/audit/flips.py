"""Flips: which harmless changes turn an answer, and in which direction?

Nothing that is ill becomes healthy by a mirror, by a few pixels' shift, by half a pixel's blur, by a little noise or by
another window. Each class and each direction is counted by itself: a network that reads the scanner and not the patient
turns one class wholly and the other not at all.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from u3lab.audit.cases import ASK, Cases, score
from u3lab.checks import is_a, whole
from u3lab.images import blur
from u3lab.measures import Interval, mean
from u3lab.nets import ready


class Flips(NamedTuple):
    """The share of true positives that turn negative, and of true negatives that turn positive; None: none are."""

    positives: Interval | None
    negatives: Interval | None


SHIFT, BLUR, NOISE, WINDOW = 1 / 12, 0.6, 0.02, 0.1  # of a side; pixels; of white; of the contrast


def flips(net: nn.Module, cases: Cases, *, positive: int | str = 1, seed: int = 0) -> dict[str, Flips]:
    """Change → its flips. Parameters as in :func:`u3lab.audit.lesion_removed`; ``seed`` is that of the noise."""
    net, cases = ready(net), is_a("cases", cases, Cases, ASK)
    scores = score(net, cases.images, positive)
    noise = torch.Generator().manual_seed(whole("seed", seed, 0))
    right = [(cases.positive == wanted) & ((scores > 0) == wanted) for wanted in (True, False)]
    found = {}
    for name, change in changes(noise, net.spacing_of(cases.images)).items():
        turned = (score(net, change(cases.images), positive) > 0) != (scores > 0)
        found[name] = Flips(*(_share(turned, one, cases) for one in right))
    return found


def changes(noise: torch.Generator, spacing: Sequence[float]) -> dict[str, Callable[[Tensor], Tensor]]:
    """What is done to pictures (N,C,…), by name. Across thick slices the blur is as wide in millimetres as within."""
    sigma = [BLUR * min(spacing) / mm for mm in spacing]
    return {
        "mirror": lambda x: x.flip(-1),
        "shift": lambda x: x.roll([round(SHIFT * side) for side in x.shape[-2:]], (-2, -1)),
        "blur": lambda x: blur(x, sigma),
        "noise": lambda x: (x + NOISE * torch.randn(x.shape, generator=noise)).clamp(0, 1),
        "window": lambda x: ((1 + WINDOW) * (x - 0.5) + 0.5).clamp(0, 1),
    }


def _share(turned: Tensor, among: Tensor, cases: Cases) -> Interval | None:
    which = among.nonzero()[:, 0]
    return mean(turned[which].double(), [cases.groups[n] for n in which]) if len(which) else None
