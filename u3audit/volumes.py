"""Scans of many slices: a NIfTI file, or a folder with a DICOM series.

A series is put in order along the normal of its slices. What has no place in space, such as an X-ray, is a picture; of
the header only what describes pixels and their place is read.
"""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from u3audit.grids import FIELDS, Grid, library, turned
from u3lab.checks import MAX_PIXELS
from u3lab.errors import U3Error
from u3lab.images import dicom

if TYPE_CHECKING:
    from pydicom import Dataset

ALIKE = {"Rows": "rows", "Columns": "columns", "PixelSpacing": "a pixel spacing of",
         "ImageOrientationPatient": "an orientation of"}
"""What all slices of a volume share, in words."""

ELEMENTS = ("SeriesInstanceUID", "ImagePositionPatient", "SliceThickness", "NumberOfFrames", *ALIKE)
EQUAL, UNEVEN = 1e-3, 0.05  # mm between slices at one place; of their distance: how far one may be off


VOLUMES = (".nii.gz", ".nii")
SUFFIXES = (*VOLUMES, ".png", ".jpg", ".jpeg", ".dcm")


def stem(name: str) -> str:
    """A file's name without the suffix of a picture or volume; one without such a suffix as it is."""
    return next((name[: -len(one)] for one in SUFFIXES if name.lower().endswith(one)), name)


def nifti(path: Path, like: Grid | None = None) -> tuple[Tensor, Grid]:
    """A NIfTI file as a tensor (1,1,D,H,W) or (1,1,H,W) of its nearest standard axes, and where it lies.

    A mask is taken to lie as ``like``, its scan, if one of the two does not say where it lies.
    """
    nibabel = library(path.name)
    try:
        image = nibabel.load(path)
        values, header, affine = image.get_fdata(dtype=np.float32), image.header, image.affine
        fields = {name: np.array(header[name]) for name in FIELDS}
    except Exception as error:  # the parser raises nearly anything on a broken file
        raise U3Error(f"{path.name} cannot be read as NIfTI ({type(error).__name__}); copy it again") from None
    if like is not None and not all(one["sform_code"] or one.get("qform_code") for one in (fields, like.fields)):
        affine = like.affine
    return turned(values, affine, fields, path.name)


def series(files: Iterable[Path], folder: Path) -> dict[str, Path | tuple[Path, ...]]:
    """Name → the slices of a DICOM series, or a DICOM file that is a picture by itself.

    A series is called as its folder (relative to ``folder``); if that holds several, as folder/SeriesInstanceUID. One
    of a single file is called as the file.
    """
    groups: dict[tuple[Path, str], list[Path]] = defaultdict(list)
    found: dict[str, Path | tuple[Path, ...]] = {}
    for path in files:
        head = header(path)
        if "Rows" not in head:
            continue  # a report, a plan, the list of a disc
        if "ImagePositionPatient" in head:
            groups[path.parent, str(head.get("SeriesInstanceUID", ""))].append(path)
        else:
            found[stem(path.relative_to(folder).as_posix())] = path
    several = Counter(where for (where, _), slices in groups.items() if len(slices) > 1)
    for (where, uid), slices in groups.items():
        near = where.relative_to(folder)
        of_folder = near.as_posix() if several[where] == 1 and near.name else (near / uid).as_posix()
        found[of_folder if len(slices) > 1 else stem(slices[0].relative_to(folder).as_posix())] = tuple(slices)
    return found


def header(path: Path) -> Dataset:
    """What a DICOM file says of the place of its pixels."""
    try:
        import pydicom
    except ImportError:
        raise U3Error(f"{path.name} is a DICOM file and pydicom, which reads them, is not installed; run "
                      "`pip install pydicom`") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on small faults of the file
            head = pydicom.dcmread(path, force=True, stop_before_pixels=True, specific_tags=list(ELEMENTS))
            for name in ELEMENTS:
                head.get(name)  # which is when it is understood
    except Exception:  # the parser raises nearly anything on a broken file
        raise U3Error(f"{path.name} is a damaged DICOM file or was cut off; copy or export it again") from None
    return head


def volume(files: Sequence[Path], name: str) -> tuple[Tensor, Grid]:
    """The slices of a series as a volume (1,1,D,H,W) in the modality's units, and where it lies.

    Raises:
        U3Error: Slices of different sizes or orientations, two at one place, one that is missing, or a file of many
            frames.
    """
    heads = [header(path) for path in files]
    at, normal = _geometry(heads, files, name)
    order = np.argsort(at @ normal, kind="stable")
    files, at = [files[k] for k in order], at[order]
    _gaps(at @ normal, files, name)
    first = heads[0]
    row, column = np.array(first.ImageOrientationPatient, float).reshape(2, 3)
    down, right = map(float, first.PixelSpacing)
    affine = np.eye(4)
    # From the first slice to the last: with a tilted gantry, slices are not stacked along their normal
    thick = float(first.get("SliceThickness") or 1)
    affine[:3, 2] = (at[-1] - at[0]) / (len(at) - 1) if len(at) > 1 else normal * thick
    affine[:3, 0], affine[:3, 1], affine[:3, 3] = row * right, column * down, at[0]
    affine[:2] *= -1  # x and y run to the left and to the back in DICOM, to the right and to the front in RAS+
    values = np.stack([dicom.measured(path, path.name, MAX_PIXELS) for path in files]).T
    fields = {"sform_code": 1, "xyzt_units": 2, "pixdim": [1, *np.linalg.norm(affine[:3, :3], axis=0), 1, 1, 1, 1],
              "srow_x": affine[0], "srow_y": affine[1], "srow_z": affine[2]}
    return turned(values, affine, fields, name)


def _geometry(heads: Sequence[Dataset], files: Sequence[Path], name: str) -> tuple[np.ndarray, np.ndarray]:
    """The position of each slice, (n,3) in mm, and their normal; refused unless all slices are alike."""
    for head, path in zip(heads, files, strict=True):
        if int(head.get("NumberOfFrames") or 1) > 1:
            raise U3Error(f"{name}: {path.name} holds many frames; convert it to NIfTI, as dcm2niix does")
        for key, words in ALIKE.items():
            if not (mine := np.ravel(head.get(key) or ())).size:
                raise U3Error(f"{name}: {path.name} does not say its {key}; export the series again")
            if mine.shape != (other := np.ravel(heads[0].get(key))).shape or not np.allclose(
                    mine.astype(float), other.astype(float), atol=EQUAL):
                raise U3Error(f"{name} mixes {files[0].name}, with {words} {_short(other)}, and {path.name}, with "
                              f"{words} {_short(mine)}; leave one kind out")
    row, column = np.array(heads[0].ImageOrientationPatient, float).reshape(2, 3)
    return np.array([head.ImagePositionPatient for head in heads], float), np.cross(row, column)


def _gaps(along: np.ndarray, files: Sequence[Path], name: str) -> None:
    """Refuse slices, in order, that do not follow each other at one distance in mm."""
    steps = np.diff(along)
    usual = float(np.quantile(steps[steps > EQUAL], 0.5, method="lower")) if (steps > EQUAL).any() else 1.0
    for step, one, next in zip(steps, files[:-1], files[1:], strict=True):
        if step <= EQUAL:
            raise U3Error(f"{name}: {one.name} and {next.name} lie at the same place; keep one of the two")
        if abs(step - usual) > UNEVEN * usual:
            raise U3Error(f"{name}: {one.name} and {next.name} are {step:.4g} mm apart and the others {usual:.4g} mm; "
                          "a slice is missing or from another series")


def _short(values: np.ndarray) -> str:
    return ", ".join(f"{float(one):.4g}" for one in values)
