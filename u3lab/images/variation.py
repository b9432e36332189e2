"""Total variation, the oldest of priors: neighbouring values are alike."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from u3lab.checks import floats, number


def total_variation(image: Tensor, beta: float) -> Tensor:
    """Mean of ‖∇x‖^β over channels and places, with forward differences (0 at the far border), a scalar.

    The small constant keeps the gradient finite on a flat picture when β < 2. Pictures (B,C,H,W) or volumes
    (B,C,D,H,W) are float32 or float64.
    """
    floats("total_variation", image, squares=True, volumes=True)
    beta = number("beta", beta, 0, without_low=True)
    dy = F.pad(image.diff(dim=-2), (0, 0, 0, 1))
    dx = F.pad(image.diff(dim=-1), (0, 1, 0, 0))
    if image.ndim == 5:
        dz = F.pad(image.diff(dim=-3), (0, 0, 0, 0, 0, 1))
        return (dx**2 + dy**2 + dz**2 + 1e-8).pow(beta / 2).mean()
    return (dx**2 + dy**2 + 1e-8).pow(beta / 2).mean()
