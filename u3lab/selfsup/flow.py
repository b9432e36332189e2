"""Optical flow of films of which nobody knows the truth, by TV-L1 (scikit-image).

Zach, Pock & Bischof, A duality based approach for realtime TV-L1 optical flow, DAGM 2007.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from u3lab.checks import shown, tensors
from u3lab.errors import U3Error
from u3lab.pixels import LUMA


def estimated_flow(clips: Tensor) -> Tensor:
    """Where each pixel goes until the next frame: clips (B,T,3,H,W) → (B,T−1,2,H,W), pixels to the right and down.

    It takes a fraction of a second for each pair of small frames, so that it is done once, before training.

    Raises:
        U3Error: No such tensor, or clips of a single frame.
    """
    from skimage.registration import optical_flow_tvl1

    tensors(clips=(clips, "BT3HW"))
    if clips.shape[1] < 2 or min(clips.shape[3:]) < 16 or not clips.is_floating_point():
        raise U3Error(f"clips is {shown(clips)}; flow needs floats, two frames or more of 16 pixels or more")
    grey = (clips.float().cpu() * torch.tensor(LUMA).view(3, 1, 1)).sum(2).numpy()
    found = np.stack([[optical_flow_tvl1(*two) for two in pairwise(clip)] for clip in grey])
    return torch.from_numpy(found).flip(2).to(clips)  # scikit-image has rows first
