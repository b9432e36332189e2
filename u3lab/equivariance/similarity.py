"""Linear CKA: how alike two sets of features are, whatever rotation and scale of the channels.

With X (n,p) and Y (n,q) the features of the same n samples, each channel about its mean,

    CKA(X, Y) = ‖YᵀX‖²_F / (‖XᵀX‖_F ‖YᵀY‖_F)

after Kornblith, Norouzi, Lee & Hinton, Similarity of neural network representations revisited, ICML 2019, equation 5
and section 5.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from u3lab.checks import is_plain, shown
from u3lab.errors import U3Error


def cka(features_a: Tensor, features_b: Tensor) -> float:
    """Linear CKA of two layers on the same pictures: 1 for the same up to rotation and scale, 0 for unrelated.

    Args:
        features_a, features_b: Two tensors (B,C,h,w), whose sites are the samples, or two (n,C). The numbers of
            channels may differ. Where the grids differ, the finer one is averaged down to the coarser.
        Few samples make everything look alike: take many times more of them than channels.

    Raises:
        U3Error: Different numbers of pictures, fewer than two samples, features that never change or are not finite.
    """
    x, y = _samples(features_a, features_b)
    if len(x) < 2:
        raise U3Error(f"{len(x)} sample is too few to compare features; give two or more, better thousands")
    centred = [one - one.mean(0) for one in (x, y)]
    norms = (centred[0].T @ centred[0]).norm() * (centred[1].T @ centred[1]).norm()
    if not (norms.isfinite() or (x.isfinite().all() and y.isfinite().all())):  # a number's NaN is that of the norms
        raise U3Error("the features have values that are NaN or infinite; look for their origin before this line")
    if norms == 0:
        raise U3Error("one of the features is the same for every sample: nothing to compare; give different pictures")
    return ((centred[1].T @ centred[0]).square().sum() / norms).item()


def _samples(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Both as (n,C) in double precision, sample by sample."""
    shapes = " and ".join(str(tuple(f.shape)) if is_plain(f) else shown(f) for f in (a, b))
    both = is_plain(a) and is_plain(b)
    if not both or a.ndim != b.ndim or a.ndim not in (2, 4) or len(a) != len(b):
        raise U3Error(f"features of shapes {shapes} do not belong together; give (B,C,h,w) twice or (n,C) twice, "
                      "of the same pictures")
    if a.is_complex() or b.is_complex():
        raise U3Error("the features are complex numbers; give real ones, such as their sizes, features.abs()")
    a, b = a.detach().double(), b.detach().double().to(a.device)
    if a.ndim == 2:
        return a, b
    grid = tuple(min(sides) for sides in zip(a.shape[2:], b.shape[2:], strict=True))
    return tuple(F.adaptive_avg_pool2d(f, grid).permute(0, 2, 3, 1).flatten(0, 2) for f in (a, b))
