"""DICOM series: put in order, in the modality's units, in their place; and each fault of a series in one sentence."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import u3audit
from tests.helpers import one_sentence
from tests.u3lab.images.files import dicom
from u3audit import reading, volumes

pydicom = pytest.importorskip("pydicom")

ROWS, COLUMNS, SLICES = 6, 8, 5
AXIAL = (1.0, 0, 0, 0, 1, 0)
OBLIQUE = (0.8, 0.6, 0, -0.6, 0.8, 0)
SAGITTAL = (0, 1.0, 0, 0, 0, -1)
FIRST, SPACING, APART = (-20.5, 31.25, 7.0), (0.5, 0.75), 2.5  # mm; between rows, between columns; between slices


def values(seed: int = 0) -> np.ndarray:
    """HU of a small volume, (slices, rows, columns)."""
    return np.random.default_rng(seed).integers(-1000, 1500, (SLICES, ROWS, COLUMNS))


def write(folder: Path, hu: np.ndarray, orientation: tuple[float, ...] = AXIAL, uid: str = "1.2.3",
          step: tuple[float, ...] | None = None, change: dict[int, dict] | None = None, prefix: str = "i") -> None:
    """A slice a file, named in an order that is not theirs."""
    folder.mkdir(parents=True, exist_ok=True)
    normal = np.cross(orientation[:3], orientation[3:])
    step = APART * normal if step is None else np.array(step)
    for n, flat in enumerate(hu):
        elements = {"RescaleSlope": 2, "RescaleIntercept": -1024, "ImageOrientationPatient": list(orientation),
                    "ImagePositionPatient": list(FIRST + n * step), "PixelSpacing": list(SPACING),
                    "SeriesInstanceUID": uid, "PatientName": "Nobody^Known"} | (change or {}).get(n, {})
        stored = (flat - elements["RescaleIntercept"]) // elements["RescaleSlope"]
        (folder / f"{prefix}{n * 7 % 10}.dcm").write_bytes(dicom(stored.astype("u2"), **elements))


def read(folder: Path) -> tuple[torch.Tensor, volumes.Grid]:
    (name, files), = volumes.series(sorted(folder.rglob("*.dcm")), folder.parent).items()
    return volumes.volume(files, name)


@pytest.mark.parametrize("orientation", [AXIAL, OBLIQUE, SAGITTAL])
@pytest.mark.parametrize("tilt", [(0, 0, APART), (0.3, 0.1, APART), (0.2, -0.1, -APART)])
def test_each_voxel_has_its_units_and_its_place(orientation: tuple, tilt: tuple, tmp_path: Path):
    hu = values() // 2 * 2  # by a slope of 2
    stack = tilt @ np.array([orientation[:3], orientation[3:], np.cross(orientation[:3], orientation[3:])])
    write(tmp_path / "p01", hu, orientation, step=stack)
    x, grid = read(tmp_path / "p01")
    places = np.argwhere(np.ones(x.shape[2:]))[:, ::-1]  # (x,y,z)
    world = (grid.world @ np.c_[places, np.ones(len(places))].T)[:3].T * [-1, -1, 1]  # LPS again
    axes = np.stack([stack, SPACING[0] * np.array(orientation[3:]), SPACING[1] * np.array(orientation[:3])], 1)
    found = np.linalg.solve(axes, (world - FIRST).T).T  # slice, row, column, by the standard's equation C.7.6.2.1-1
    assert np.abs(found - found.round()).max() < 1e-6
    assert np.array_equal(x[0, 0].numpy().ravel(), hu[tuple(found.round().astype(int).T)])
    assert (np.abs(grid.world[:3, :3]).argmax(0) == [0, 1, 2]).all() and (grid.world.diagonal() > 0).all()


def test_nibabel_reads_a_map_of_a_series_where_the_series_lies(tmp_path: Path):
    nibabel = pytest.importorskip("nibabel")
    write(tmp_path / "p01", values(), OBLIQUE)
    x, grid = read(tmp_path / "p01")
    image = nibabel.load(grid.write(x[0], tmp_path / "map.nii.gz"))
    assert image.shape == (COLUMNS, ROWS, SLICES) and image.header.get_xyzt_units()[0] == "mm"
    top = image.affine @ [0, 0, 0, 1] * [-1, -1, 1, 1]
    assert np.abs(top[:3] - FIRST).max() < 1e-5
    assert image.header.get_zooms() == pytest.approx((SPACING[1], SPACING[0], APART))
    canonical = nibabel.as_closest_canonical(image)
    assert np.array_equal(canonical.get_fdata().T, x[0, 0].numpy())


def folder_of(tmp_path: Path) -> Path:
    """Four patients: one with a scout, one with two series, one whose slices lie deeper; and an X-ray."""
    scans = tmp_path / "scans"
    write(scans / "p01", values(1))
    write(scans / "p01", values(2)[:1], SAGITTAL, uid="9.9", prefix="scout")
    write(scans / "p02", values(3), uid="1.5")
    write(scans / "p02", values(4), uid="1.6", prefix="j")
    write(scans / "p03" / "study", values(5), uid="1.7")
    (scans / "xray.dcm").write_bytes(dicom(values(6)[0].astype("i2"), SeriesInstanceUID="1.8"))
    (scans / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM")
    return scans


def test_series_are_told_apart_and_called_as_their_folders(tmp_path: Path):
    found = reading.files(folder_of(tmp_path))
    assert {name: len(one) if isinstance(one, tuple) else 0 for name, one in found.items()} == {
        "p01": SLICES, "p01/scout0": 1, "p02/1.5": SLICES, "p02/1.6": SLICES, "p03/study": SLICES, "xray": 0}


def test_series_become_cases_with_spacing_and_patients(tmp_path: Path):
    scans, table = folder_of(tmp_path), tmp_path / "labels.csv"
    table.write_text("file,label,patient\np01/,1,a\np02/1.6,0,b\np03/study,0,c\n")
    with pytest.warns(UserWarning, match="3 of 6 pictures"):
        cases = u3audit.read(scans, table, channels=1, range=(-1000, 1000))
    assert cases.images.shape == (3, 1, SLICES, ROWS, COLUMNS) and cases.patients == ["a", "b", "c"]
    assert cases.spacing == pytest.approx((APART, *SPACING)) and [one.name for one in cases.grids] == [
        "p01", "p02/1.6", "p03/study"]
    hu = (values(4) // 2 * 2).clip(-1000, 1000)
    torch.testing.assert_close(cases.images[1, 0].numpy(), ((hu[:, ::-1, ::-1] + 1000) / 2000).astype("f4"))
    table.write_text("file,label\np01,1\np02,0\n")
    one_sentence("names p02, a folder with 2 pictures or series; name one of them: p02/1.5, p02/1.6", u3audit.read,
                 scans, table)


def spoilt(**given: object) -> Callable[[Path], None]:
    return lambda folder: write(folder, values(), **given)


def truncated(folder: Path) -> None:
    write(folder, values())
    file = folder / "i7.dcm"
    file.write_bytes(file.read_bytes()[:-40])


def sizes(folder: Path) -> None:
    write(folder, values())
    write(folder, values()[:1, :4], prefix="k", change=at(0, -APART))


def at(n: int, along: float) -> dict[int, dict]:
    return {n: {"ImagePositionPatient": [*FIRST[:2], FIRST[2] + along]}}


FAULTS = {
    # The slices are the files i0, i7, i4, i1, i8
    "p01: i4.dcm and i1.dcm are 5 mm apart and the others 2.5 mm": spoilt(change=at(3, 4 * APART) | at(4, 5 * APART)),
    "p01: i4.dcm and i7.dcm lie at the same place; keep one": spoilt(change=at(2, APART)),
    "p01: i0.dcm and i1.dcm lie at the same place": spoilt(step=(1, 0, 0)),
    "p01 mixes i0.dcm, with a pixel spacing of 0.5, 0.75, and i1.dcm, with a pixel spacing of 0.5, 0.8": spoilt(
        change={3: {"PixelSpacing": [0.5, 0.8]}}),
    "i4.dcm, with an orientation of 0, 1, 0, 0, 0, -1": spoilt(change={2: {"ImageOrientationPatient": list(SAGITTAL)}}),
    "i1.dcm does not say its PixelSpacing": spoilt(change={3: {"PixelSpacing": None}}),
    "i1.dcm holds many frames": spoilt(change={3: {"NumberOfFrames": 3}}),
    "i1.dcm holds MONOCHROME1": spoilt(change={3: {"PhotometricInterpretation": "MONOCHROME1"}}),
    "p01 mixes i0.dcm, with rows 6, and k0.dcm, with rows 4": sizes,
    "i7.dcm is a damaged DICOM file": truncated,
}


@pytest.mark.parametrize("says", FAULTS)
def test_a_fault_of_a_series_gets_one_sentence(says: str, tmp_path: Path):
    FAULTS[says](tmp_path / "p01")
    one_sentence(says, read, tmp_path / "p01")


def test_a_slope_may_change_from_slice_to_slice(tmp_path: Path):
    hu = values() // 6 * 6
    write(tmp_path / "p01", hu, change={2: {"RescaleSlope": 3, "RescaleIntercept": -1200}})
    assert np.array_equal(read(tmp_path / "p01")[0][0, 0].numpy(), hu[:, ::-1, ::-1])


def test_the_patient_is_not_read(tmp_path: Path):
    write(tmp_path / "p01", values())
    assert "PatientName" not in volumes.header(tmp_path / "p01" / "i0.dcm")


def test_without_pydicom_a_sentence_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path / "p01", values())
    monkeypatch.setitem(sys.modules, "pydicom", None)
    one_sentence("pip install pydicom", read, tmp_path / "p01")
