"""Transforms of a picture that move its pixels: flips, rotations, scalings.

    (g x)(u) = x(g⁻¹ u)

with u measured from the centre. All of these g are linear in u, so the same g that moves the pixels of a picture moves
the sites of a layer's grid, whatever the layer's stride, provided that the grid lies in the middle of the picture (see
:func:`u3lab.equivariance.centred_size`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from u3lab.checks import floats, listed, number, shown, whole
from u3lab.errors import U3Error

SITES = 2**20  # that are moved at a time: each takes a hundred bytes
Matrix = tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True)
class Transform:
    """A linear map g of the plane about the centre, with a name; ``g(tensor)`` moves pictures and features alike.

    ``matrix`` acts on (y, x), y downwards. Make one with :func:`rotation` or :func:`scaling`, or take ``HFLIP`` or
    ``VFLIP``.
    """

    name: str
    matrix: Matrix

    def __post_init__(self) -> None:
        entries = [number("an entry of the matrix", entry) for row in listed("matrix", self.matrix)
                   for entry in listed("a row of the matrix", row)]
        if len(self.matrix) != 2 or len(entries) != 4 or entries[0] * entries[3] == entries[1] * entries[2]:
            raise U3Error(f"matrix = {shown(self.matrix)}; give ((a, b), (c, d)) with ad − bc other than 0")

    def __call__(self, x: Tensor) -> Tensor:
        """(g x)(u) = x(g⁻¹ u) for (B,C,h,w), bilinear, differentiable; what lies outside is mirrored at the border.

        Flips and rotations by quarter turns of a square only permute the sites: they are exact.
        """
        floats(self.name, x)  # or the features of a layer with a grid
        height, width = x.shape[-2:]
        rows = max(1, SITES // width)
        parts = [self._rows(x, range(start, min(start + rows, height))) for start in range(0, height, rows)]
        return torch.cat(parts, 2).unflatten(2, (height, width))

    def _rows(self, x: Tensor, rows: range) -> Tensor:
        """Some rows of the result, (B,C,n)."""
        height, width = x.shape[-2:]
        ys, xs = (_taps(c, n) for c, n in zip(self._source(height, width, rows), (height, width), strict=True))
        flat, moved = x.flatten(2), None
        for row, by_row in ys:
            for column, by_column in xs:
                weight = (by_row * by_column).to(x)
                if weight.any():
                    part = flat.index_select(2, (row * width + column).to(x.device)) * weight
                    moved = part if moved is None else moved + part
        return moved

    def inside(self, height: int, width: int) -> Tensor:
        """Which sites (h,w) of the result show something that was in the picture: bool."""
        ys, xs = self._source(whole("height", height), whole("width", width))
        return ((-0.5 <= ys) & (ys <= height - 0.5) & (-0.5 <= xs) & (xs <= width - 0.5)).view(height, width)

    @property
    def inverse(self) -> Transform:
        """g⁻¹."""
        (a, b), (c, d) = self.matrix
        det = a * d - b * c
        return Transform(f"{self.name}, undone", ((d / det, -b / det), (-c / det, a / det)))

    def _source(self, height: int, width: int, rows: range | None = None) -> Tensor:
        """g⁻¹u in rows and columns from the top left for every site u: (2, h·w). Rounded, so that flips are exact.

        Or for the sites of some rows alone.
        """
        centre = torch.tensor([height - 1, width - 1], dtype=torch.float64)[:, None] / 2
        u = torch.cartesian_prod(torch.tensor(rows or range(height)), torch.arange(width)).T - centre
        return (torch.tensor(self.inverse.matrix, dtype=torch.float64) @ u + centre).round(decimals=9)


def _taps(coordinate: Tensor, n: int) -> list[tuple[Tensor, Tensor]]:
    """The two neighbours of each coordinate on a line of n sites, mirrored at the ends, with their bilinear weights."""
    inner = (n - 1 - (n - 1 - coordinate.abs()).abs()).clamp(0, n - 1)
    low = inner.floor()
    return [(low.long(), 1 - (inner - low)), ((low + 1).clamp(max=n - 1).long(), inner - low)]


HFLIP = Transform("horizontal flip", ((1.0, 0.0), (0.0, -1.0)))
VFLIP = Transform("vertical flip", ((-1.0, 0.0), (0.0, 1.0)))


def rotation(degrees: float) -> Transform:
    """Turn anticlockwise by an angle from −180 to 180 degrees."""
    degrees = number("degrees", degrees, -180, 180)
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return Transform(f"rotation by {degrees:g}°", ((c, -s), (s, c)))


def scaling(factor: float) -> Transform:
    """Enlarge (factor > 1) or shrink (factor < 1) about the centre; from ½ to 2."""
    factor = number("factor", factor, 0.5, 2)
    return Transform(f"scaling by {factor:.3g}", ((factor, 0.0), (0.0, factor)))
