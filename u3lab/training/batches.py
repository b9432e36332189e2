"""Which pictures a step sees, and how they are moved: a function of the seed and the step, and of nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

EPOCHS = 2**31  # seeds of epochs, and of steps, lie so far apart for one seed and the next


def fingerprint(data: object) -> str:
    """What tells data from others: a tensor, or several, by shape and SHA-256."""
    parts, digest = [data] if isinstance(data, Tensor) else list(data), hashlib.sha256()
    for one in parts:
        digest.update(f"{tuple(one.shape)} {one.dtype} ".encode())
        digest.update(one.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return f"{tuple(parts[0].shape)} {digest.hexdigest()[:12]}"


@dataclass(frozen=True)
class Batches:
    """Batches of ``size`` out of ``count`` pictures, epoch after epoch in a new order."""

    count: int
    size: int
    seed: int

    def at(self, step: int) -> Tensor:
        """Numbers of the pictures of a step, (size); a batch may reach into the next epoch."""
        first, end, parts = step * self.size, (step + 1) * self.size, []
        for epoch in range(first // self.count, (end - 1) // self.count + 1):
            order, begun = torch.randperm(self.count, generator=self._draw(2 * epoch)), epoch * self.count
            parts.append(order[max(first - begun, 0) : end - begun])
        return torch.cat(parts)

    def moved(self, images: Tensor, step: int, most: float) -> Tensor:
        """The pictures (b,3,H,W) of a step, each moved and zoomed by up to the share ``most`` of its side.

        What comes in from outside repeats the border.
        """
        if most == 0 or not len(images):
            return images
        drawn = torch.rand(self.size, 3, generator=self._draw(2 * step + 1))
        drawn = (most * (2 * drawn - 1)).to(images)
        grid = torch.zeros(len(images), 2, 3, dtype=images.dtype, device=images.device)
        grid[:, 0, 0] = grid[:, 1, 1] = 1 + drawn[:, 0]
        grid[:, :, 2] = 2 * drawn[:, 1:]  # the side of a picture is 2 in these coordinates
        grid = F.affine_grid(grid, list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, padding_mode="border", align_corners=False)

    def _draw(self, number: int) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed * EPOCHS + number)
