"""Thin-plate splines: the smoothest warp through given points.

    w(u) = a₀ + A u + Σ_k w_k U(‖u − c_k‖),   U(r) = r² log r

Of all maps that take each control point c_k to its source s_k this one bends least: it minimises the integral of the
squared second derivatives (Duchon 1977; Bookstein, Principal Warps, PAMI 1989, eq. 1–4). The side conditions Σ w_k = 0
and Σ w_k c_kᵀ = 0 keep the bending out of what is affine, and make it die down far away.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from u3lab.checks import FLOATS, tensors
from u3lab.errors import U3Error
from u3lab.warps.maps import CELLS, Warp, common, determinant, like, places

MOST = 1024  # control points: the system of equations takes eight megabytes
REACH = 1.5  # half pictures: how far from the middle folds are looked for
LEAST = 0.05  # of the determinant on a grid; between the places of the grid it may be lower, as measured by up to 0.03


@dataclass(frozen=True, eq=False)
class Spline(Warp):
    """Control points c ``controls`` (B,K,2) or (1,K,2), w ``weights`` (B,K,2) and a₀, A in ``plane`` (B,3,2).

    Made by :func:`u3lab.warps.thin_plate_spline`; weights of one's own may fold.
    """

    controls: Tensor
    weights: Tensor
    plane: Tensor

    def __post_init__(self) -> None:
        tensors(controls=(self.controls, "CK2"), weights=(self.weights, "BK2"), plane=(self.plane, "B32"))
        for name in ("controls", "weights", "plane"):
            if getattr(self, name).dtype not in FLOATS:
                raise U3Error(f"{name} is of {getattr(self, name).dtype}; give float32 or float64")
        if len(self.controls) not in (1, len(self.weights)):
            raise U3Error(f"controls are for {len(self.controls)} splines and weights for {len(self.weights)}; give as "
                          "many of both, or one set of controls for all")

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def _cells(self) -> int:
        return 2 * self.controls.shape[1]

    def _at(self, u: Tensor) -> Tensor:
        a = like(self.plane, u)
        return a[:, :1] + u @ a[:, 1:] + bending(u, like(self.controls, u)) @ like(self.weights, u)

    def _jacobian(self, u: Tensor) -> Tensor:
        """A + Σ_k w_k ∇U(‖u − c_k‖)ᵀ, with ∇U(‖v‖) = (log ‖v‖² + 1) v."""
        c, w, A = (like(value, u) for value in (self.controls, self.weights, self.plane[:, 1:]))
        vx, vy = _from_controls(u, c)
        slope = _log(vx**2 + vy**2) + 1
        return torch.stack([(slope * v) @ w + A[:, None, n] for n, v in enumerate((vx, vy))], -1)


def bending(u: Tensor, c: Tensor) -> Tensor:
    """U(‖u − c‖) = r² log r for places (B,N,2) and control points (B,K,2): (B,N,K)."""
    vx, vy = _from_controls(u, c)
    r2 = vx**2 + vy**2
    return r2 * _log(r2) / 2


def solved(controls: Tensor, sources: Tensor) -> Spline:
    """The spline, folded or not: [[U, P], [Pᵀ, 0]] [w; a] = [s; 0] with P = (1, c), in float64."""
    places("controls", controls)
    places("sources", sources)
    common("controls and sources", len(controls), len(sources))
    K = controls.shape[1]
    if sources.shape[1] != K or not 3 <= K <= MOST or len(controls) * K * K > 4 * CELLS:
        raise U3Error(f"there are {K} controls and {sources.shape[1]} sources for each of {len(sources)} warps; give "
                      f"as many of both, from 3 to {MOST}, and fewer warps of many")
    c, s = (value.cpu().double() for value in (controls, sources))
    P = torch.cat([torch.ones_like(c[..., :1]), c], -1)
    system = torch.cat([torch.cat([bending(c, c), P], -1), torch.cat([P.mT, P.new_zeros(len(c), 3, 3)], -1)], -2)
    wanted = torch.cat([s, s.new_zeros(len(s), 3, 2)], 1)
    inverse, info = torch.linalg.inv_ex(system)  # once for all splines that share their control points
    found = inverse @ wanted
    off = (system @ found - wanted).detach().abs().max()
    if info.any() or not off <= 1e-6:  # NaN is not
        raise U3Error("controls lie on a line, or two of them at the same place; give at least three that span a plane")
    return Spline(c, *found.expand(max(len(c), len(s)), K + 3, 2).split((K, 3), 1))


@torch.no_grad()
def least_determinant(spline: Spline) -> Tensor:
    """The least determinant of each spline's Jacobian (B), on a grid wider than the picture and at the control points.

    Nothing folds as long as it is positive. Where a point of the picture goes may lie outside, hence the width.
    """
    side = max(49, 8 * math.isqrt(spline.controls.shape[1]))
    along = torch.linspace(-REACH, REACH, side, dtype=torch.float64)
    grid = torch.cartesian_prod(along, along)[None].to(spline.controls)
    few = max(1, 2 * CELLS // (len(spline) + spline.controls[..., 0].numel()))
    return torch.stack([determinant(spline._jacobian(where)).amin(1)
                        for where in (*grid.split(few, 1), spline.controls.detach())]).amin(0)


def _from_controls(u: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """u − c in x and in y, each (B,N,K): one array of both would be slower to sum."""
    return u[..., None, 0] - c[:, None, :, 0], u[..., None, 1] - c[:, None, :, 1]


def _log(r2: Tensor) -> Tensor:
    """log r², finite at 0, where what it is multiplied by is 0; so is its gradient."""
    return r2.clamp_min(torch.finfo(r2.dtype).tiny).log()
