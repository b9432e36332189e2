"""How good a restored picture is, and how far several of them disagree."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from u3lab.errors import U3Error


def psnr(x: Tensor, truth: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in decibel, −10 log₁₀ mean (x − truth)², of pictures in [0,1]: more is better.

    Half the error is 6 dB more. 20 dB is rough, 30 dB is good.
    """
    return -10 * (x - truth).square().mean().log10()


def ssim(x: Tensor, truth: Tensor) -> float:
    """Structural similarity of two pictures (1,C,H,W) in [0,1] (scikit-image's): 1 for equal ones."""
    from skimage.metrics import structural_similarity

    one, other = (picture[0].permute(1, 2, 0).double().cpu().numpy() for picture in (x, truth))
    return float(structural_similarity(one, other, channel_axis=-1, data_range=1.0))


def disagreement(pictures: Sequence[Tensor]) -> Tensor:
    """Where several answers to one question differ: standard deviation over them, averaged over colours, (1,1,H,W).

    Raises
    ------
    U3Error
        Fewer than two pictures.
    """
    if len(pictures) < 2:
        raise U3Error(f"{len(pictures)} picture cannot disagree with itself; give two or more, from different seeds")
    return torch.cat(list(pictures)).std(0, correction=0).mean(0)[None, None]
