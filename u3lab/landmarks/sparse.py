"""Sparse landmarks: K heat maps, each of which settles on a point of the thing and moves as the thing does.

    p_k = softmax of map k over all places                       one distribution for x and y together
    u_k = Σ_u u p_k(u)                                            the landmark, by soft-argmax
    L_eq = 1/K Σ_k Σ_u Σ_v ‖gu − v‖² p_k(u|x) p_k(v|gx)           equivariance: found again where it has gone
    L_div = K − Σ_windows max_k Σ_{u in window} p_k(u)            diversity: no two on one place

Thewlis, Bilen & Vedaldi, Unsupervised learning of object landmarks by factorized spatial embeddings, ICCV 2017,
section 3.
"""

import torch.nn.functional as F
from torch import Tensor

from u3lab.checks import whole
from u3lab.errors import U3Error
from u3lab.landmarks.dense import queried
from u3lab.landmarks.places import cells, check_maps, codes_at

WINDOW = 4  # cells


def soft_argmax(maps: Tensor) -> Tensor:
    """u_k = Σ_u u p_k(u), with p_k the softmax of map k over all of its places at once.

    Args:
        maps: (B,K,h,w), scores before the softmax.

    Returns:
        Tensor: (B,K,2), (x, y) in [−1,1]. A wide p_k draws its point towards the middle.
    """
    check_maps(maps=(maps, "BKHW"))
    return maps.flatten(2).softmax(-1) @ cells(maps)


def equivariance_loss(maps: Tensor, maps_moved: Tensor, gu: Tensor, *,
                      u: Tensor | None = None) -> Tensor:
    """L_eq, the mean over landmarks and pictures; a scalar. It asks of p_k to be at one place, and to be narrow.

    All pairs u, v need not be gone through, since

        Σ_u Σ_v ‖gu − v‖² p(u) q(v) = Σ_u ‖gu‖² p(u) + Σ_v ‖v‖² q(v) − 2 ⟨Σ_u gu p(u), Σ_v v q(v)⟩.

    Args:
        maps, maps_moved: Scores (B,K,h,w) of x and (B,K,h′,w′) of gx.
        gu: Where each u has gone, (B,N,2), (x, y) in [−1,1] of gx; it may lie outside, where no v is.
        u: (B,N,2); p_k is then taken over these points alone. Without them they are all cells, row by row: N = h·w.
    """
    check_maps(maps=(maps, "BKHW"), maps_moved=(maps_moved, "BKhw"))
    u, gu = queried(maps, u, gu)
    gu, v = gu.to(maps), cells(maps_moved)
    p = codes_at(maps, u).transpose(1, 2).softmax(-1)  # (B,K,N)
    q = maps_moved.flatten(2).softmax(-1)
    squares = p @ gu.square().sum(-1, keepdim=True) + q @ v.square().sum(-1, keepdim=True)  # (B,K,1)
    return (squares[..., 0] - 2 * ((p @ gu) * (q @ v)).sum(-1)).mean()


def diversity_loss(maps: Tensor, *, window: int = WINDOW) -> Tensor:
    """L_div, the mean over pictures; a scalar in [0, K−1]: 0 if no two landmarks share a window, K−1 if all are in one.

    Windows of so many cells a side lie *beside* each other. With windows that overlap, each p_k would be counted
    window² times and the loss would fall below 0.

    Args:
        maps: Scores (B,K,h,w).

    Raises:
        U3Error: More landmarks than windows: they cannot all have one of their own.
    """
    check_maps(maps=(maps, "BKHW"))
    K, height, width = maps.shape[1:]
    window = whole("window", window, 1, max(height, width))
    count = -(-height // window) * -(-width // window)
    if K > count:
        raise U3Error(f"K = {K} landmarks cannot keep apart in {count} windows of {window}×{window} cells; give fewer "
                      f"landmarks, a smaller window, or finer maps than {height}×{width}")
    p = maps.flatten(2).softmax(-1).view_as(maps)
    in_window = F.avg_pool2d(p, window, window, ceil_mode=True, divisor_override=1)  # sums
    return K - in_window.amax(1).sum((1, 2)).mean()
