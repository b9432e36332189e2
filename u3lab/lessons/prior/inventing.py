"""Chapter 4: a hole where a lesion was, or where vessels of a retina were; and what the deep image prior puts there."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab import images
from u3lab._system import paths
from u3lab.datasets import scans

SIDE, MARGIN = 96, 1.4  # pixels of the shorter side; the hole is so many times as wide as the lesion
PATIENTS, RETINA = ("brain1", "brain2", "lung2"), "retina"
SEEDS = {**dict.fromkeys(PATIENTS, 3), RETINA: 6}


def square_round(mask: Tensor) -> Tensor:
    """A square hole about a lesion (1,H,W), with a margin: m (1,1,H,W), 1 where the slice is known."""
    rows, columns = (mask[0].any(axis).nonzero().flatten() for axis in (1, 0))
    side = round(MARGIN * max(int(rows[-1] - rows[0]), int(columns[-1] - columns[0])) / 2)
    y, x = int(rows.float().mean()), int(columns.float().mean())
    m = torch.ones(1, 1, *mask.shape[-2:])
    m[..., max(0, y - side) : y + side, max(0, x - side) : x + side] = 0
    return m


def patient(name: str) -> tuple[Tensor, Tensor, Tensor]:
    """The slice with the largest lesion (1,3,H,W), the lesion (1,H,W) bool, and the mask m about it (1,1,H,W)."""
    scan = scans.load(name)
    n = scan.largest
    slice_ = images.resize(scan.images[n : n + 1], SIDE)
    lesion = F.interpolate(scan.masks[n : n + 1].float(), size=slice_.shape[-2:], mode="area") > 0.5
    return slice_, lesion[0], square_round(lesion[0])


def retina() -> tuple[Tensor, Tensor]:
    """A piece of the retina (1,3,80,80) and a mask m (1,1,80,80) with a hole where two vessels run side by side."""
    m = torch.ones(1, 1, 80, 80)
    m[..., 28:52, 28:52] = 0
    return images.load(images.load("retina")[..., 68:148, 28:108]), m


def shipped() -> dict[str, list[Tensor]]:
    """Patient, or the retina → what the prior drew with each seed, (1,3,H,W), as it ships: in 256 steps of a colour."""
    return {name: [*images.load(paths.data("results", f"invented-{name}.png")).chunk(seeds, 3)]
            for name, seeds in SEEDS.items()}
