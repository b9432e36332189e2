"""Where a scan lies: from the axes of its file to a tensor, and back, so that a viewer lays a map over the scan.

    millimetres = A · T · C · (x,y,z,1)

(x,y,z) is a cell of the picture. C takes it to a voxel of the turned scan, T turns that back to the axes of the file,
and A is the file's affine (RAS+). If m cells stand in place of n voxels, the middle of cell x is at (x + ½) n/m − ½.
"""

import gzip
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from u3lab._system import paths
from u3lab.checks import is_a, place, shown
from u3lab.errors import U3Error

FIELDS = ("pixdim", "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y",
          "qoffset_z", "srow_x", "srow_y", "srow_z", "xyzt_units")
"""What the header of a NIfTI file says of its place; all else in it stays behind."""

UNITS = {1: 1000.0, 3: 0.001}  # a header's metres and micrometres, in millimetres
APART = 0.1  # of a voxel: how far a mask may lie from its scan


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the cells of one picture lie.

    Attributes:
        name: The scan's, without suffix.
        fields, affine: Of its file: what FIELDS names, and (4,4) from voxel to the file's unit, RAS+.
        axes, flipped: The file's axis that each axis of the turned scan is, and whether it runs the other way.
        full, sides: (x,y,z) of the turned scan and of the picture; 1 for the axis that a single slice does not have.
        cells: C, (4,4).
        low, high: The file's values that are 0 and 1 in the picture.
    """

    name: str
    fields: Mapping[str, Any]
    affine: np.ndarray
    axes: tuple[int, ...]
    flipped: tuple[bool, ...]
    full: tuple[int, ...]
    sides: tuple[int, ...]
    cells: np.ndarray
    low: float = 0.0
    high: float = 1.0

    @property
    def world(self) -> np.ndarray:
        """(4,4): cell (x,y,z) → the file's unit, RAS+."""
        return self.affine @ turning(self.axes, self.flipped, self.full) @ self.cells

    @property
    def spacing(self) -> tuple[float, ...]:
        """Millimetres from cell to cell along the picture's axes, (z,y,x) or, of a slice, two of them."""
        unit = UNITS.get(int(self.fields["xyzt_units"]) & 7, 1.0)
        along = unit * np.linalg.norm(self.world[:3, :3], axis=0)
        return tuple(float(along[axis]) for axis in self.along)

    @property
    def along(self) -> list[int]:
        """Which of x, y and z the axes of the picture are: 2, 1 and 0, or two of them."""
        return [axis for axis in (2, 1, 0) if self.full[axis] > 1]

    def resized(self, shape: Sequence[int], box: Sequence[slice]) -> "Grid":
        """The grid of a picture after a ``box`` of it, along its axes, was resized to ``shape``."""
        start, extent, sides = [0] * 3, [1] * 3, [1] * 3
        for axis, side, one in zip(self.along, shape, box, strict=True):
            start[axis], extent[axis], sides[axis] = one.start, one.stop - one.start, side
        cells = coarse(extent, sides)
        cells[:3, 3] += start
        return replace(self, sides=tuple(sides), cells=self.cells @ cells)

    def write(self, map: Tensor, file: str | os.PathLike[str]) -> Path:
        """Write a map of the picture as NIfTI (float32, .nii or .nii.gz) that lies over the scan; return its path.

        ``map`` is (1,D,H,W), of a slice (1,H,W). It may have fewer cells than the picture, as that of a layer has. Its
        axes, units and codes are those of the scan's file.

        Raises:
            U3Error: No such map, a file of another kind or that cannot be written, or no nibabel.
        """
        file, nibabel = place("file", file, "a file.nii.gz"), library(self.name)
        axes, map = len(self.along), is_a("map", map, Tensor, "give one (1,…)")
        if map.ndim != 1 + axes or len(map) != 1 or not map.numel():
            raise U3Error(f"the map is {shown(map)}; give one {'(1,H,W)' if axes == 2 else '(1,D,H,W)'} for "
                          f"{self.name}")
        values = map[0].detach().cpu().float().numpy().T
        values = np.expand_dims(values, self.full.index(1)) if axes == 2 else values
        turn, back = (turning(self.axes, self.flipped, sides) for sides in (self.full, values.shape))
        # From the map's voxel, in the axes of the file, to the file's: no more than a stretch of each axis
        stretch = turn @ self.cells @ coarse(self.sides, values.shape) @ np.linalg.inv(back)
        values = np.flip(values, [axis for axis in range(3) if self.flipped[axis]]).transpose(np.argsort(self.axes))
        image = nibabel.Nifti1Image(np.ascontiguousarray(values), None, self._header(nibabel, stretch))
        content = image.to_bytes()
        try:
            paths.write_atomically(file, gzip.compress(content, mtime=0) if file.suffix == ".gz" else content)
        except OSError as error:
            raise U3Error(f"{file} cannot be written ({error.strerror}); give another place") from None
        return file

    def _header(self, nibabel: Any, stretch: np.ndarray) -> Any:
        """The file's place with each axis stretched: angles, codes and units stay as they are, bit by bit."""
        header = nibabel.Nifti1Header()
        for name in FIELDS:
            header[name] = self.fields.get(name, header[name])
        header.set_data_dtype(np.float32)
        if header["qform_code"]:
            header["qoffset_x"], header["qoffset_y"], header["qoffset_z"] = (header.get_qform() @ stretch)[:3, 3]
        if header["sform_code"]:
            header["srow_x"], header["srow_y"], header["srow_z"] = (header.get_sform() @ stretch)[:3]
        header["pixdim"][1:4] *= stretch.diagonal()[:3]
        return header


def turned(values: np.ndarray, affine: np.ndarray, fields: Mapping[str, Any], name: str) -> tuple[Tensor, Grid]:
    """A file's values (i,j,k) as a tensor (1,1,z,y,x) of its nearest standard axes, RAS+, and where that lies.

    What has one voxel along an axis is a picture, (1,1,H,W).

    Raises:
        U3Error: Other than three axes, two of them longer than 1; or an affine that is none.
    """
    values = values.reshape(*values.shape, *[1] * (3 - values.ndim)) if values.ndim < 3 else values
    while values.ndim > 3 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim != 3 or not values.size or values.shape.count(1) > 1:
        raise U3Error(f"{name} holds {values.shape} values; one volume of three axes is wanted")
    axes, flipped = nearest(affine, name)
    values = np.flip(values.transpose(axes), [axis for axis in range(3) if flipped[axis]])
    grid = Grid(name, fields, affine, axes, flipped, values.shape, values.shape, np.eye(4))
    flat = [side for side in values.T.shape if side > 1]
    return torch.from_numpy(np.ascontiguousarray(values.T)).reshape(1, 1, *flat), grid


def nearest(affine: np.ndarray, name: str) -> tuple[tuple[int, ...], tuple[bool, ...]]:
    """Which axis of a file is the nearest to x, y and z, and whether it runs the other way.

    The rotation nearest to the affine tells, the clearest axis first.
    """
    if not (np.isfinite(affine).all() and abs(np.linalg.det(affine[:3, :3])) > 0):
        raise U3Error(f"the affine of {name} takes its voxels to no place in space; mend its header")
    u, _, v = np.linalg.svd(affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0))
    rotation, axes, flipped = u @ v, [0, 0, 0], [False] * 3
    for own in np.argsort(-np.abs(rotation).max(0)):
        world = int(np.abs(rotation[:, own]).argmax())
        axes[world], flipped[world] = int(own), bool(rotation[world, own] < 0)
        rotation[world] = 0
    return tuple(axes), tuple(flipped)


def turning(axes: Sequence[int], flipped: Sequence[bool], sides: Sequence[int]) -> np.ndarray:
    """T (4,4): a voxel of the turned scan, ``sides`` (x,y,z), → the same one in the axes of the file."""
    turn = np.zeros((4, 4))
    for axis, own in enumerate(axes):
        turn[own, axis] = -1 if flipped[axis] else 1
        turn[own, 3] = sides[axis] - 1 if flipped[axis] else 0
    turn[3, 3] = 1
    return turn


def coarse(sides: Sequence[int], cells: Sequence[int]) -> np.ndarray:
    """(4,4): cell x of a coarse grid → (x + ½) n/m − ½, the place of its middle among n voxels."""
    scale = np.array(sides) / np.array(cells)
    matrix = np.diag([*scale, 1.0])
    matrix[:3, 3] = (scale - 1) / 2
    return matrix


def apart(one: Grid, other: Grid) -> float:
    """How far two grids of the same sides lie apart at their corners, in voxels of the first."""
    corners = np.stack([*np.meshgrid(*[(0, side - 1) for side in one.full]), np.ones((2, 2, 2))]).reshape(4, -1)
    return float(np.abs(np.linalg.solve(one.world, other.world @ corners) - corners).max())


def library(name: str) -> Any:
    """nibabel, which NIfTI needs."""
    try:
        import nibabel
    except ImportError:
        raise U3Error(f"{name} asks for NIfTI and nibabel, which reads and writes it, is not installed; run "
                      "`pip install nibabel`") from None
    return nibabel
