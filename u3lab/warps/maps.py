"""What a warp is: for each place of the new picture, where in the old one it comes from.

    w(u) = g⁻¹ u          (g x)(u) = x(g⁻¹ u)

g moves the points of a picture, and a picture is moved by looking up, for each pixel, where it comes from. So a warp is
kept as the map w = g⁻¹, which is what sampling needs; g itself is ``w.inverse()``. Places are (x, y), x to the right
and y down, in units of half a picture: its borders, not the centres of its outermost pixels, are at ±1 (torch's
``align_corners=False``).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.checks import FLOATS, floats, is_a, one_of, room, shown, tensors, whole
from u3lab.errors import U3Error

CELLS = 2**20  # pairs of a place and a control point that are computed at a time: some 30 bytes each
STEPS = 60  # of Newton's method; of these a warp that does not fold takes three to six
TOLERANCE = 1e-4  # of half a picture: a hundredth of a pixel in pictures of 200; float32 rounds to a tenth of it
FAR = 10  # half pictures from the middle: what is further away was given in pixels
HOW = "give a warp, from thin_plate_spline(…) or affine(…)"
PADDINGS = ("reflection", "border", "zeros")


class Warp(ABC):
    """A batch of B warps; ``w(u)`` says where the places u (B,N,2) of the warped pictures come from, (B,N,2).

    A batch of one goes with any number of places' batches, and the other way round. Places are float32 or float64, on
    any device, and the answer is like them. It is differentiable by the places and by what the warp was made from.
    """

    @abstractmethod
    def __len__(self) -> int:
        """B."""

    @abstractmethod
    def _at(self, u: Tensor) -> Tensor:
        """w(u), of few places."""

    @abstractmethod
    def _jacobian(self, u: Tensor) -> Tensor:
        """∂w/∂u, of few places."""

    @property
    def _cells(self) -> int:
        """How many numbers are at work for each place."""
        return 4

    def __call__(self, points: Tensor) -> Tensor:
        places("points", points)
        batch = common("warps and the batch of points", len(self), len(points))
        parts = points.split(max(1, CELLS // (batch * self._cells)), 1)  # so memory does not grow with their number
        return torch.cat([self._at(part) for part in parts], 1)

    def after(self, first: "Warp") -> "Warp":
        """The warp that moves by ``first`` and then by this one: g = g₂ g₁, hence w = w₁ ∘ w₂."""
        is_a("first", first, Warp, HOW)
        common("the first warps and the second", len(first), len(self))
        return Chain(first, self)

    def inverse(self) -> "Warp":
        """The warp that undoes this one; called, it says where the places of the old picture go: g u.

        Of an affine map it is exact. Else u = w⁻¹(p) is found by Newton's method, so that |w(u) − p| ≤ 10⁻⁴ in x and y
        (of two warps one after the other: each part). That there is no such u is a U3Error when it is called.
        """
        return Inverse(self)


@dataclass(frozen=True, eq=False)
class Affine(Warp):
    """w(u) = A u + b, with ``matrix`` = [A b] (B,2,3) as torch's ``affine_grid`` has it. A may be a mirror's."""

    matrix: Tensor

    def __post_init__(self) -> None:
        tensors(matrix=(self.matrix, "B23"))
        if self.matrix.dtype not in FLOATS or (determinant(self.matrix[..., :2]).abs() < 1e-6).any():
            raise U3Error(f"matrix is {shown(self.matrix)} of {self.matrix.dtype}; give floats [A b] with a "
                          "determinant of A other than 0")

    def __len__(self) -> int:
        return len(self.matrix)

    def _at(self, u: Tensor) -> Tensor:
        A_b = like(self.matrix, u)
        return u @ A_b[..., :2].mT + A_b[:, None, :, 2]

    def _jacobian(self, u: Tensor) -> Tensor:
        A = like(self.matrix, u)[:, None, :, :2]
        return A.expand(max(len(A), len(u)), u.shape[1], 2, 2)

    def inverse(self) -> "Affine":
        """A⁻¹ (u − b)."""
        A, b = self.matrix.split((2, 1), -1)
        inverse = torch.linalg.inv(A)
        return Affine(torch.cat([inverse, -inverse @ b], -1))


@dataclass(frozen=True, eq=False)
class Chain(Warp):
    """Moves by ``first``, ``then`` by the other. What is looked up goes the other way round."""

    first: Warp
    then: Warp

    def __len__(self) -> int:
        return max(len(self.first), len(self.then))

    @property
    def _cells(self) -> int:
        return max(self.first._cells, self.then._cells)

    def _at(self, u: Tensor) -> Tensor:
        return self.first._at(self.then._at(u))

    def _jacobian(self, u: Tensor) -> Tensor:
        return self.first._jacobian(self.then._at(u)) @ self.then._jacobian(u)

    def inverse(self) -> "Chain":
        """What came last is undone first."""
        return Chain(self.then.inverse(), self.first.inverse())


@dataclass(frozen=True, eq=False)
class Inverse(Warp):
    """w⁻¹, found anew for each place that is asked for."""

    warp: Warp

    def __len__(self) -> int:
        return len(self.warp)

    @property
    def _cells(self) -> int:
        return self.warp._cells

    def _at(self, p: Tensor) -> Tensor:
        """One more step of Newton's method carries the gradient: du = J⁻¹ (dp − dw), of first order."""
        with torch.no_grad():
            u = self._solve(p.detach())
            J_inverse = inverted(self.warp._jacobian(u))
        return u - _times(J_inverse, self.warp._at(u) - p)

    def _jacobian(self, p: Tensor) -> Tensor:
        return inverted(self.warp._jacobian(self._at(p)))

    def _solve(self, p: Tensor) -> Tensor:
        """u ← u − t J⁻¹ (w(u) − p); a step that does not help is taken again, half as long."""
        u, r = p, self.warp._at(p) - p
        t = torch.ones_like(r[..., :1])
        for _ in range(STEPS):
            far = r.abs().amax(-1) > TOLERANCE
            if not far.any():
                return u
            tried = u - t * _times(inverted(self.warp._jacobian(u)), r)
            left = self.warp._at(tried) - p
            better = left.norm(dim=-1, keepdim=True) < r.norm(dim=-1, keepdim=True)
            u, r, t = torch.where(better, tried, u), torch.where(better, left, r), torch.where(better, 1.0, t / 2)
        raise U3Error(f"{int(far.sum())} of {far.numel()} points have no way back within {TOLERANCE:g}: the warp "
                      "folds there, or rounds; give it less strength, or points of float64")

    def inverse(self) -> Warp:
        """The warp itself."""
        return self.warp


def places(name: str, points: object) -> None:
    """Finite places (B,N,2) of float32 or float64, not further away than FAR."""
    tensors(**{name: (points, "BN2")})
    if points.dtype not in FLOATS:
        raise U3Error(f"{name} is of {points.dtype}; give (x, y) in float32 or float64")
    if (most := float(points.detach().abs().max())) > FAR:
        raise U3Error(f"{name} reach to {most:.3g}; give (x, y) not in pixels but in units of half a picture, whose "
                      "borders are at ±1")


def common(what: str, one: int, other: int) -> int:
    """The length of both batches, which are as long as each other, or one of them has one for all."""
    if one != other and 1 not in (one, other):
        raise U3Error(f"{what} are {one} and {other}; give as many of both, or one for all")
    return max(one, other)


def like(value: Tensor, u: Tensor) -> Tensor:
    """A warp's own numbers for places of a kind: first of their precision, since not every device has float64."""
    return value.to(u.dtype).to(u.device)


def determinant(J: Tensor) -> Tensor:
    """Of each of many 2×2 matrices (…,2,2); by hand, many times faster than one LAPACK call for each."""
    return J[..., 0, 0] * J[..., 1, 1] - J[..., 0, 1] * J[..., 1, 0]


def inverted(J: Tensor) -> Tensor:
    """The inverse of each of many 2×2 matrices (…,2,2), by hand as well."""
    (a, b), (c, d) = (row.unbind(-1) for row in J.unbind(-2))
    return torch.stack([d, -b, -c, a], -1).unflatten(-1, (2, 2)) / determinant(J)[..., None, None]


def _times(J: Tensor, r: Tensor) -> Tensor:
    return (J @ r[..., None])[..., 0]


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


def warp_points(points: Tensor, w: Warp) -> Tensor:
    """g u: where points (B,N,2) of the pictures lie in the warped ones, (B,N,2).

    (x, y) in units of half a picture; what lies beyond ±1 has left it. See :meth:`Warp.inverse` for how exact they are,
    and for the errors.
    """
    is_a("w", w, Warp, HOW)
    return w.inverse()(points)


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
