"""Pictures and points moved by a warp."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.checks import floats, is_a, one_of, room, shown, tensors, whole
from u3lab.errors import U3Error
from u3lab.warps.maps import HOW, TOLERANCE, Warp, common

PADDINGS = ("reflection", "border", "zeros")


def warp(images: Tensor, w: Warp | Tensor, *, size: int | tuple[int, int] | None = None,
         padding: str = "reflection") -> Tensor:
    """The warped pictures (g x)(u) = x(w(u)), bilinear; differentiable by pictures and warp.

    Args:
        images: (B,C,H,W), float32 or float64: pictures, masks or features. One picture goes with many warps and the
            reverse.
        w: A warp; or its values (B,h,w,2), where each pixel of the result comes from, as torch's ``grid_sample`` has
            it.
        size: Height and width of the result in pixels, or a side; without it as ``images``. It always shows all from −1
            to 1: to look closer, warp by an affine map. What shrinks much should be smoothed first.
        padding: What is seen where nothing comes from the picture: "reflection" mirrors it, "border" repeats its
            border, "zeros" is black.

    Raises:
        U3Error: Pictures, a warp or a size that do not fit.
    """
    floats("warp", images)
    padding = one_of("padding", padding, PADDINGS)
    if isinstance(w, Tensor):
        tensors(w=(w, "BHW2"))
        if size is not None:
            raise U3Error(f"size = {shown(size)}, but a grid (B,h,w,2) has its own; leave size out")
        height, width = w.shape[1:3]
    else:
        is_a("w", w, Warp, HOW)
        height, width = _sides(size, images)
    batch = common("pictures and warps", len(images), len(w))
    if size is not None or batch > len(images):
        room("warp", height, width, batch * -(-images.shape[1] // 3))
    if isinstance(w, Warp):
        w = w(grid(images, size=size)).unflatten(1, (height, width))
    return F.grid_sample(images.expand(batch, -1, -1, -1), w.to(images).expand(batch, -1, -1, -1),
                         padding_mode=padding, align_corners=False)


def warp_points(points: Tensor, w: Warp, *, tolerance: float = TOLERANCE) -> Tensor:
    """g u: where points (B,N,2) of the pictures lie in the warped ones, (B,N,2).

    (x, y) in units of half a picture; what lies beyond ±1 has left it. For thin-plate splines they are found to
    ``tolerance``: see :meth:`Warp.inverse`, which also tells of the errors.
    """
    is_a("w", w, Warp, HOW)
    return w.inverse(tolerance)(points)


def grid(images: Tensor, *, size: int | tuple[int, int] | None = None) -> Tensor:
    """The centres of all pixels, row by row: (1,H·W,2), (x, y) in units of half a picture; like ``images`` (B,C,H,W).

    With ``size`` those of another height and width, such as a layer's. The first is at (1/W − 1, 1/H − 1).
    """
    floats("grid", images)
    height, width = _sides(size, images)
    y, x = (((2 * torch.arange(n, dtype=torch.float64) + 1) / n - 1).to(images.dtype).to(images.device)
            for n in (height, width))
    return torch.cartesian_prod(y, x).flip(-1)[None]


def _sides(size: int | tuple[int, int] | None, images: Tensor) -> tuple[int, int]:
    if size is None:
        return images.shape[-2], images.shape[-1]
    if isinstance(size, tuple) and len(size) == 2:
        height, width = whole("size[0]", size[0]), whole("size[1]", size[1])
    else:
        height = width = whole("size", size)
    room(f"size = {shown(size)}", height, width)
    return height, width
