"""Notebook 02c: tissues of a brain under a made bias field, sorted without labels by two networks.

``python -m evidence tissues`` does the same for more seeds.
"""

from functools import cache

import torch
from torch import Tensor

from u3course.lessons.selfsup.clusters import kmeans
from u3course.worlds import composing
from u3lab import images, selfsup
from u3lab.selfsup.matching import hungarian_accuracy

KINDS = 3  # grey matter, white matter, the rest
HELD = (2, 5)  # slices that are not learnt from
FIELDS = (7, 8, 9)  # seeds of the shapes of made fields
GREY, FLAT = "k-means of grey values", "flattened, then k-means"


@cache
def slices() -> tuple[Tensor, Tensor]:
    """Six slices of the average brain MNI152 (6,3,233,197) in [0,1], and their tissues (6,233,197).

    Tissues are 0 grey matter, 1 white matter, 2 the rest of the brain, and −1 outside of it.
    """
    grey, tissue = composing.slices()
    return grey[:, None].expand(-1, 3, -1, -1), tissue.long() // 80 - 1


def spoilt(strength: float, field: int) -> Tensor:
    """The held-out slices under a field of this strength, (2,3,H,W)."""
    given = slices()[0][[*HELD]]
    return selfsup.bias_field(given, torch.Generator().manual_seed(field), most=strength) if strength else given


def accuracy(found: Tensor) -> float:
    """Hungarian accuracy of the classes (2,H,W) of the held-out slices' pixels, inside the brain."""
    true = slices()[1][[*HELD]]
    return float(hungarian_accuracy(found[true >= 0], true[true >= 0]))


def flattened(given: Tensor) -> Tensor:
    """Divide each pixel of held-out slices (2,3,H,W) by the mean of the brain around it, under a Gaussian of σ = 12."""
    brain = (slices()[1][[*HELD]] >= 0).float()[:, None]
    return given / (images.blur(given * brain, 12.0) / images.blur(brain, 12.0).clamp_min(1e-3)).clamp_min(1e-3)


def by_grey(given: Tensor, *, seed: int = 0) -> Tensor:
    """Cluster the brain's pixels of held-out slices (2,3,H,W) by k-means of their grey value: (2,H,W), −1 outside."""
    brain = slices()[1][[*HELD]] >= 0
    found = torch.full(brain.shape, -1)
    found[brain] = kmeans(given[:, 0][brain], KINDS, seed)
    return found
