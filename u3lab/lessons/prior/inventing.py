"""Chapter 4: what the deep image prior puts where a lesion was, and where vessels of a retina were.

``python -m u3lab.experiments invented`` draws the fillings that ship.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab import images, prior
from u3lab._system import paths
from u3lab.datasets import scans
from u3lab.descent import last

SIDE, MARGIN = 96, 1.4  # pixels of the shorter side; the hole is so many times as wide as the lesion
PATIENTS, RETINA = ("brain1", "brain2", "lung2"), "retina"
SEEDS, STEPS = {**dict.fromkeys(PATIENTS, 3), RETINA: 6}, 1000


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


def drawn(name: str, seed: int, steps: int = STEPS) -> Tensor:
    """What the prior makes of the retina without the square, (1,3,H,W), or of a patient's slice, in grey, (1,1,H,W)."""
    x, m = retina() if name == RETINA else patient(name)[::2]
    settings = prior.PriorSettings(steps=steps, lr=0.02, average=0.9, seed=seed)
    run = prior.fit(prior.generator(size=x.shape[2:], seed=seed), x * m, task=prior.inpaint(m), settings=settings)
    made = last(run, total=steps + 1, title=f"{name}, seed {seed}").value
    return made if name == RETINA else made.mean(1, keepdim=True)


def shipped() -> dict[str, list[Tensor]]:
    """Patient, or the retina → what the prior drew with each seed, (1,3,H,W), as it ships: in 256 steps of a colour."""
    return {name: [*images.load(paths.data("results", f"invented-{name}.png")).chunk(seeds, 3)]
            for name, seeds in SEEDS.items()}
