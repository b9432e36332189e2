"""Notebook 02c: tissues of a brain under a made bias field, sorted without labels by two networks.

``python -m evidence tissues`` does the same for more seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from u3lab import images, selfsup
from u3lab._system import paths
from u3lab.descent import Step
from u3lab.nets import Classifier
from u3lab.selfsup.matching import hungarian_accuracy

KINDS = 3  # grey matter, white matter, the rest
LEARNT_FROM, HELD = (0, 1, 3, 4), (2, 5)  # slices
PATCHES, SIDE, BRAIN = 200, 40, 0.93  # how many; pixels; least share of a patch that is brain
STEPS = 100
STRENGTHS, FIELDS = (0.0, 0.2, 0.4, 0.6, 0.8), (7, 8, 9)  # of the made field b; seeds of its shape
LIGHTS: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {  # how the light of two views differs
    "IIC, views without fields": partial(selfsup.relit, most=0.05),
    "IIC, views with fields": partial(selfsup.bias_field, most=0.2)}

GREY, FLAT = "k-means of grey values", "flattened, then k-means"
AROUND = 12.0  # pixels: σ of what a grey value is divided by when slices are flattened


class Learner(NamedTuple):
    """A network, its heads, and the number of the head with the lowest loss."""

    net: Classifier
    head: torch.nn.Module
    best: int

    def sorted(self, given: Tensor) -> Tensor:
        """The class of each pixel of slices (N,3,H,W): (N,H,W)."""
        return selfsup.segments(self.net, self.head, given)[self.best].argmax(1)


@cache
def slices() -> tuple[Tensor, Tensor]:
    """Six slices of the average brain MNI152 (6,3,233,197) in [0,1], and their tissues (6,233,197).

    Tissues are 0 grey matter, 1 white matter, 2 the rest of the brain, and −1 outside of it.
    """
    rows = torch.from_numpy(np.array(Image.open(paths.data("concepts", "brain.png")))).view(2, 233, 6, 197)
    grey, tissue = rows.permute(0, 2, 1, 3)
    return (grey.float()[:, None] / 255).expand(-1, 3, -1, -1), torch.div(
        tissue.long(), 80, rounding_mode="floor") - 1


@cache
def patches() -> Tensor:
    """Pieces of the slices that are learnt from, nearly all brain, (200,3,40,40)."""
    made, _ = slices()
    draw, found = torch.Generator().manual_seed(0), []
    while len(found) < PATCHES:
        n, top, left = (int(torch.randint(most, (), generator=draw))
                        for most in (len(LEARNT_FROM), made.shape[2] - SIDE, made.shape[3] - SIDE))
        patch = made[LEARNT_FROM[n], :, top : top + SIDE, left : left + SIDE]
        if (patch[0] > 0).float().mean() > BRAIN:
            found.append(patch)
    return torch.stack(found)


def learning(way: str, seed: int, steps: int = STEPS) -> tuple[Iterator[Step], Callable[[], Learner]]:
    """The steps of a training, and what has been learnt after them."""
    settings = selfsup.SegmentSettings(reach=0, steps=steps, batch_size=12, heads=3, lr=0.01, seed=seed)
    net = selfsup.pixel_encoder(seed=seed)
    head, light = selfsup.dense_heads(net, KINDS, settings=settings), LIGHTS[way]

    def learnt() -> Learner:
        return Learner(net, head, selfsup.best_dense_head(net, head, patches(), light=light, settings=settings))

    return selfsup.segment(net, patches(), KINDS, head=head, light=light, settings=settings), learnt


def spoilt(strength: float, field: int) -> Tensor:
    """The held-out slices under a field of this strength, (2,3,H,W)."""
    given = slices()[0][[*HELD]]
    return selfsup.bias_field(given, torch.Generator().manual_seed(field), most=strength) if strength else given


def accuracy(found: Tensor) -> float:
    """Hungarian accuracy of the classes (2,H,W) of the held-out slices' pixels, inside the brain."""
    true = slices()[1][[*HELD]]
    return float(hungarian_accuracy(found[true >= 0], true[true >= 0]))


def conditions() -> list[tuple[float, int]]:
    """Strengths and fields; without a field there is nothing to draw."""
    return [(b, field) for b in STRENGTHS for field in FIELDS[: None if b else 1]]


def flattened(given: Tensor) -> Tensor:
    """Divide each pixel of held-out slices (2,3,H,W) by the mean of the brain around it, as far as some 12 pixels."""
    brain = (slices()[1][[*HELD]] >= 0).float()[:, None]
    return given / (images.blur(given * brain, AROUND) / images.blur(brain, AROUND).clamp_min(1e-3)).clamp_min(1e-3)


def by_grey(given: Tensor, *, seed: int = 0) -> Tensor:
    """Cluster the brain's pixels of held-out slices (2,3,H,W) by k-means of their grey value: (2,H,W), −1 outside."""
    from sklearn.cluster import KMeans

    brain = slices()[1][[*HELD]] >= 0
    found = torch.full(brain.shape, -1)
    kmeans = KMeans(KINDS, n_init=3, random_state=seed)
    found[brain] = torch.from_numpy(kmeans.fit_predict(given[:, 0][brain][:, None].numpy())).long()
    return found
