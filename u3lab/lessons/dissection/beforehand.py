"""Four layers of SqueezeNet on chapter 7's pictures, counted beforehand: its live figures need not wait a minute.

``python -m u3lab.experiments dissected`` writes what is read here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from u3lab._system import paths
from u3lab.dissection import Peaks
from u3lab.dissection.dissecting import SHARE

LAYERS = ("conv1", "fire3", "fire5", "fire9")
PICTURES = 600  # training pictures of worlds.concepts
SHARES = (SHARE, *(10 ** (tenth / 10) for tenth in range(-30, -9)))  # the paper's, and the steps of a slider


@dataclass(frozen=True)
class Counted:
    """What is kept of a layer's dissection.

    Attributes
    ----------
    concepts
        Their names.
    iou
        (U,C) float32.
    thresholds
        (S,U), a row for each share of ``SHARES``.
    tops
        The strongest pictures of each unit.
    """

    concepts: tuple[str, ...]
    iou: Tensor
    thresholds: Tensor
    tops: Peaks

    def upper(self, share: float = SHARE) -> Tensor:
        """The thresholds T (U) at the share of ``SHARES`` that is nearest to this one."""
        return self.thresholds[min(range(len(SHARES)), key=lambda n: abs(SHARES[n] - share))]


def shipped() -> dict[str, Counted]:
    """Layer → what ships of it."""
    with np.load(paths.data("results", "dissected.npz")) as file:
        concepts = tuple(file["concepts"].tolist())
        parts = {name: torch.from_numpy(file[name]) for name in file.files if name != "concepts"}
    return {layer: Counted(concepts, parts[f"{layer} iou"], parts[f"{layer} thresholds"],
                           Peaks(parts[f"{layer} values"], parts[f"{layer} pictures"].long())) for layer in LAYERS}
