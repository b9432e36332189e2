"""Transforms of a picture or a volume that move its pixels: flips, rotations, scalings.

    (g x)(u) = x(g⁻¹ u)

with u measured from the centre. All of these g are linear in u, so the same g that moves the pixels of a picture moves
the sites of a layer's grid, whatever the layer's stride, provided that the grid lies in the middle of the picture (see
:func:`u3lab.equivariance.centred_size`).

Where pixels are farther apart along one axis than along another, a turn of their numbers would shear what they show.
With S the distances, u in millimetres is S times u in pixels, and the turn is S⁻¹ g S (:meth:`Transform.in_cells`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from operator import mul

import torch
from torch import Tensor

from u3lab.checks import each, floats, listed, number, one_of, shown, wholes
from u3lab.errors import U3Error

SITES = 2**20  # that are moved at a time: each takes a hundred bytes
Matrix = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Transform:
    """A linear map g of the plane or of space about the centre, with a name.

    ``g(tensor)`` moves pictures and features alike. ``matrix`` acts on (y, x), y downwards, or on (z, y, x). One of the
    plane moves each slice of a volume. Make one with :func:`rotation` or :func:`scaling`, or take ``HFLIP`` or
    ``VFLIP``.
    """

    name: str
    matrix: Matrix

    def __post_init__(self) -> None:
        rows = [listed("a row of the matrix", row) for row in listed("matrix", self.matrix)]
        entries = [[number("an entry of the matrix", entry) for entry in row] for row in rows]
        if not 2 <= len(rows) <= 3 or any(len(row) != len(rows) for row in rows) or not torch.linalg.det(
                torch.tensor(entries, dtype=torch.float64)):
            raise U3Error(f"matrix = {shown(self.matrix)}; give ((a, b), (c, d)) with ad − bc other than 0, or such a "
                          "matrix of three rows")

    def __call__(self, x: Tensor) -> Tensor:
        """(g x)(u) = x(g⁻¹ u) for (B,C,h,w) or (B,C,d,h,w), linear between the sites, differentiable; what lies outside
        is mirrored at the border.

        Flips and rotations by quarter turns of a square only permute the sites: they are exact.
        """
        floats(self.name, x, volumes=True)  # or the features of a layer with a grid
        first, *others = x.shape[2:]
        rows = max(1, SITES // math.prod(others))
        parts = [self._rows(x, range(start, min(start + rows, first))) for start in range(0, first, rows)]
        return torch.cat(parts, 2).unflatten(2, x.shape[2:])

    def _rows(self, x: Tensor, rows: range) -> Tensor:
        """Some rows (of a volume, slices) of the result, (B,C,n)."""
        sizes, flat, moved = x.shape[2:], x.flatten(2), None
        for corner in product(*(_taps(c, n) for c, n in zip(self._source(sizes, rows), sizes, strict=True))):
            weight = reduce(mul, (share for _, share in corner)).to(x)
            if weight.any():
                site = reduce(lambda at, axis: at * axis[1] + axis[0][0], zip(corner, sizes, strict=True), 0)
                part = flat.index_select(2, site.to(x.device)) * weight
                moved = part if moved is None else moved + part
        return moved

    def inside(self, *sizes: int) -> Tensor:
        """Which sites (h,w) or (d,h,w) of the result show something that was in the picture: bool."""
        sizes = wholes("sizes", sizes)
        at, ends = self._source(sizes), torch.tensor(sizes)[:, None] - 0.5
        return ((-0.5 <= at) & (at <= ends)).all(0).view(sizes)

    @property
    def inverse(self) -> "Transform":
        """g⁻¹."""
        if len(self.matrix) == 2:
            (a, b), (c, d) = self.matrix
            det = a * d - b * c
            back = ((d / det, -b / det), (-c / det, a / det))
        else:
            back = tuple(map(tuple, torch.tensor(self.matrix, dtype=torch.float64).inverse().tolist()))
        return Transform(f"{self.name}, undone", back)

    def in_cells(self, spacing: Sequence[float]) -> "Transform":
        """The same g in cells that are so many millimetres apart along each axis: S⁻¹ g S."""
        s = self._moves(each("spacing", spacing, len(listed("spacing", spacing)), low=0, without_low=True))
        matrix = tuple(tuple(entry * (b / a) for entry, b in zip(row, s, strict=True))
                       for row, a in zip(self.matrix, s, strict=True))
        return Transform(self.name, matrix)

    def _moves(self, axes: Sequence) -> Sequence:
        """Those of the axes that are moved: the last two, or all three."""
        if len(axes) < len(self.matrix):
            raise U3Error(f"{self.name} moves volumes (B,C,D,H,W); for pictures take one of two axes")
        return axes[-len(self.matrix):]

    def _source(self, sizes: Sequence[int], rows: range | None = None) -> Tensor:
        """g⁻¹u in cells from the first for every site u: (2, h·w). Rounded, so that flips are exact.

        Or for the sites of some rows alone.
        """
        axes, back = len(self._moves(sizes)), self.inverse
        centre = (torch.tensor(sizes, dtype=torch.float64)[:, None] - 1) / 2
        u = torch.cartesian_prod(torch.tensor(rows or range(sizes[0])), *map(torch.arange, sizes[1:])).T - centre
        u[-axes:] = torch.tensor(back.matrix, dtype=torch.float64) @ u[-axes:]
        return (u + centre).round(decimals=9)


def _taps(coordinate: Tensor, n: int) -> list[tuple[Tensor, Tensor]]:
    """The two neighbours of each coordinate on a line of n sites, mirrored at the ends, with their bilinear weights."""
    inner = (n - 1 - (n - 1 - coordinate.abs()).abs()).clamp(0, n - 1)
    low = inner.floor()
    return [(low.long(), 1 - (inner - low)), ((low + 1).clamp(max=n - 1).long(), inner - low)]


HFLIP = Transform("horizontal flip", ((1.0, 0.0), (0.0, -1.0)))
VFLIP = Transform("vertical flip", ((-1.0, 0.0), (0.0, 1.0)))


def rotation(degrees: float, *, about: str | None = None) -> Transform:
    """Turn anticlockwise by an angle from −180 to 180 degrees; of a volume each slice, or ``about`` "z", "y" or "x".

    Anticlockwise as one sees it with the later of the two other axes to the right and the earlier one downwards. Where
    pixels are not squares, :meth:`Transform.in_cells` makes it a turn in millimetres.
    """
    degrees = number("degrees", degrees, -180, 180)
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    if about is None:
        return Transform(f"rotation by {degrees:g}°", ((c, -s), (s, c)))
    matrix = {"z": ((1.0, 0.0, 0.0), (0.0, c, -s), (0.0, s, c)), "y": ((c, 0.0, -s), (0.0, 1.0, 0.0), (s, 0.0, c)),
              "x": ((c, -s, 0.0), (s, c, 0.0), (0.0, 0.0, 1.0))}[one_of("about", about, ("z", "y", "x"))]
    return Transform(f"rotation by {degrees:g}° about {about}", matrix)


def scaling(factor: float) -> Transform:
    """Enlarge (factor > 1) or shrink (factor < 1) about the centre; from ½ to 2."""
    factor = number("factor", factor, 0.5, 2)
    return Transform(f"scaling by {factor:.3g}", ((factor, 0.0), (0.0, factor)))
