"""Places in maps: cell centres as points, maps read at points, and what maps and points have to be.

A point is (x, y) in [−1,1], x to the right and y downwards; the picture's borders are at ±1, as F.grid_sample has it
with align_corners=False. So the centre of column i of w is x = (2i + 1)/w − 1, in a map of whatever fineness.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.checks import FLOATS, tensors
from u3lab.errors import U3Error


def centres(side: int, like: Tensor) -> Tensor:
    """The centres of so many cells on one axis from −1 to 1, (side), of the kind and device of ``like``."""
    return (2 * torch.arange(side, dtype=like.dtype, device=like.device) + 1) / side - 1


def cells(maps: Tensor) -> Tensor:
    """The centres of all cells of maps (…,h,w), row by row: (h·w,2), of the maps' kind and device."""
    height, width = maps.shape[-2:]
    x, y = (centres(side, maps) for side in (width, height))
    return torch.stack([x.expand(height, width), y[:, None].expand(height, width)], -1).view(-1, 2)


def codes_at(codes: Tensor, points: Tensor) -> Tensor:
    """Φ(x; u) at points u between the cells, by bilinear interpolation.

    Args:
        codes: (B,D,h,w).
        points: (B,N,2), (x, y) in [−1,1]. Beyond the outermost centres, the outermost codes go on.

    Returns:
        Tensor: (B,N,D); it has a gradient to the codes.
    """
    check_maps(codes=(codes, "BDHW"))
    check_points(points=(points, "BN2", codes))
    return read(codes, points)


def read(codes: Tensor, points: Tensor) -> Tensor:
    """As :func:`codes_at`, of codes and points that have been checked."""
    row = points[:, None].to(codes)  # one row of N, which is read at once; a column would be read one by one
    return F.grid_sample(codes, row, padding_mode="border", align_corners=False)[:, :, 0].transpose(1, 2)


def inside(points: Tensor) -> Tensor:
    """Which points (…,2) lie in the picture: (…) bool."""
    return (points.abs() <= 1).all(-1)


def check_maps(**given: tuple[object, str]) -> None:
    """Maps (or points) by name with their axes, as in :func:`~u3lab.checks.tensors`: all float32, or all float64."""
    tensors(**given)
    first, *_ = given
    for name, (maps, _) in given.items():
        if maps.dtype not in FLOATS or maps.dtype != given[first][0].dtype:
            raise U3Error(f"{name} is of {maps.dtype}; give float32 or float64, the same for all")


def check_points(**given: tuple[object, str, Tensor]) -> None:
    """Points by name with their axes, and the maps whose number of pictures they have to have."""
    for name, (points, axes, maps) in given.items():
        tensors(**{name: (points, axes)})
        if not points.is_floating_point():
            raise U3Error(f"{name} is of {points.dtype}; give points (x, y) as floats in [-1, 1]")
        if len(points) != len(maps):
            raise U3Error(f"{name} is of {len(points)} pictures, the maps are of {len(maps)}; give as many of both")
