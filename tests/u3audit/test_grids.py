"""Where a scan lies: as nibabel says it, through reading, resizing and writing a map, for all kinds of affines."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import u3audit
from tests.helpers import one_sentence
from tests.u3lab.audit.test_battery import HONEST
from u3audit import grids, parts, running, volumes
from u3lab import audit, nets
from u3lab.__main__ import main

nibabel = pytest.importorskip("nibabel")

DEEP = """
import torch
from torch import nn

class make(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv3d(1, 1, 1)

    def forward(self, x):
        assert x.shape[2:] == (12, 10, 12)
        bright = x.flatten(1).amax(1)
        return {"logits": torch.stack([bright * 0 + 0.7, bright], 1), "mine": x}
"""

SIDES = 10, 12, 8  # of a file's own axes
VALUES = (100 * np.random.default_rng(0).random(SIDES)).astype("f4")
CODES = {"sform": (0, 2), "qform": (1, 0), "both": (1, 4)}


def rotation(*degrees: float) -> np.ndarray:
    from scipy.spatial.transform import Rotation

    return Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()


def affine(turn: np.ndarray, zooms: tuple[float, ...] = (0.78, 1.5, 6.5)) -> np.ndarray:
    found = np.eye(4)
    found[:3, :3], found[:3, 3] = turn * zooms, (-91.3, 40.7, 12.9)
    return found


AFFINES = {
    "RAS": affine(np.eye(3)), "LPS": affine(np.diag([-1.0, -1, 1])),
    "sagittal": affine(np.array([[0, 0, 1.0], [-1, 0, 0], [0, -1, 0]])), "oblique": affine(rotation(20, -15, 35)),
    "sheared": affine(rotation(5, 10, -20) @ np.array([[1, 0, 0], [0, 1, 0.2], [0, 0, 1.0]])),
    "mirrored": affine(rotation(-10, 25, 5) @ np.diag([1.0, 1, -1])),
}


def saved(file: Path, values: np.ndarray, where: np.ndarray, codes: tuple[int, int], unit: str = "mm") -> Path:
    """A file whose qform is another place than its sform, if it has both."""
    image = nibabel.Nifti1Image(values, None)
    image.header.set_xyzt_units(unit)
    image.header.set_data_dtype(np.int16)  # with a slope
    qcode, scode = codes
    if scode:
        image.set_sform(where, scode)
    if qcode:
        image.set_qform(where if not scode else np.diag([2.0, 3, 4, 1]), qcode)
    nibabel.save(image, file)
    return file


def cells(sides: tuple[int, ...]) -> np.ndarray:
    """The numbers of all cells, (…,3)."""
    return np.moveaxis(np.indices(sides), 0, -1)


every_scan = pytest.mark.parametrize("kind, codes", [(kind, codes) for kind in AFFINES for codes in CODES if (
    kind, codes) != ("sheared", "qform")])  # a qform has no shear


@every_scan
def test_a_scan_is_turned_as_nibabel_turns_it(kind: str, codes: str, tmp_path: Path):
    source = nibabel.load(saved(tmp_path / "scan.nii.gz", VALUES, AFFINES[kind], CODES[codes]))
    x, grid = volumes.nifti(tmp_path / "scan.nii.gz")
    canonical = nibabel.as_closest_canonical(source)
    assert np.array_equal(x[0, 0].numpy().T, canonical.get_fdata(dtype="f4"))
    assert np.abs(grid.world - canonical.affine).max() < 1e-6
    assert grid.spacing == pytest.approx(nibabel.affines.voxel_sizes(canonical.affine)[::-1], rel=1e-6)


@every_scan
@pytest.mark.parametrize("times", [1, 2])
def test_a_map_has_its_cells_where_their_voxels_are(kind: str, codes: str, times: int, tmp_path: Path):
    def pooled(values: np.ndarray | torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.avg_pool3d(torch.as_tensor(values)[None], times)[0]

    source = nibabel.load(saved(tmp_path / "scan.nii", VALUES, AFFINES[kind], CODES[codes]))
    x, grid = volumes.nifti(tmp_path / "scan.nii")
    back = nibabel.load(grid.write(pooled(x[0]), tmp_path / "maps" / "map.nii.gz"))
    assert back.get_data_dtype() == np.float32 and back.dataobj.slope == 1 and source.dataobj.slope != 1
    assert back.header.get_xyzt_units() == source.header.get_xyzt_units()
    assert back.header.get_zooms() == pytest.approx([times * mm for mm in source.header.get_zooms()])
    # In the axes of the file: the same cells, and each in the middle of its voxels
    np.testing.assert_allclose(back.get_fdata(), pooled(source.get_fdata()[None])[0].numpy(), rtol=1e-5)
    middles = pooled(np.indices(SIDES).astype(float)).permute(1, 2, 3, 0).numpy()
    for one in ("qform", "sform"):
        (ours, code), (theirs, other) = (getattr(image, f"get_{one}")(coded=True) for image in (back, source))
        assert code == other and (ours is None) == (theirs is None)
        if theirs is not None:
            found, wanted = (nibabel.affines.apply_affine(where, at) for where, at in (
                (ours, cells(back.shape)), (theirs, middles)))
            assert np.abs(found - wanted).max() < 2e-5  # of 100 mm, kept in single precision
            assert np.abs(nibabel.affines.voxel_sizes(ours) - times * nibabel.affines.voxel_sizes(theirs)).max() < 1e-5


@pytest.mark.parametrize("size", [5, (4, 15, 5)])
def test_resizing_keeps_each_middle_in_its_place(size: int | tuple[int, ...], tmp_path: Path):
    """A ramp of each coordinate, read as a scan and resized, says of each cell where it came from."""
    where = AFFINES["oblique"]
    world = nibabel.affines.apply_affine(where, cells(SIDES)).astype("f4")
    for n, name in enumerate("xyz"):
        nibabel.save(nibabel.Nifti1Image(world[..., n], where), tmp_path / f"{name}.nii")
    (tmp_path / "labels.csv").write_text("file,label\nx,1\ny,0\nz,0\n")
    cases = u3audit.read(tmp_path, tmp_path / "labels.csv", channels=1, size=size)
    for n, grid in enumerate(cases.grids):
        found = grid.low + cases.images[n, 0].numpy().T * (grid.high - grid.low)  # (x,y,z)
        wanted = nibabel.affines.apply_affine(grid.world, cells(found.shape))[..., n]
        inside = (slice(1, -1),) * 3  # antialiasing shortens a ramp at its ends, and bends it by 0.03 voxels of 6.5 mm
        assert np.abs(found - wanted)[inside].max() < 0.2  # mm; without the half cell it would be 0.39 and more
    assert cases.images.shape[2:] == (size if isinstance(size, tuple) else (5, 5, 5))
    assert cases.spacing == pytest.approx(np.linalg.norm(cases.grids[0].world[:3, :3], axis=0)[::-1], rel=1e-9)


@pytest.mark.parametrize("flat", [0, 1, 2])
def test_a_single_slice_is_a_picture_and_its_map_a_slice(flat: int, tmp_path: Path):
    sides = [12, 20, 8]
    sides[flat] = 1
    axes = [axis for axis in (2, 1, 0) if axis != flat]
    for n in axes:
        nibabel.save(nibabel.Nifti1Image(np.indices(sides)[n].astype("f4"), AFFINES["RAS"]), tmp_path / f"{n}.nii")
    (tmp_path / "labels.csv").write_text(f"file,label\n{axes[0]},1\n{axes[1]},0\n")
    cases = u3audit.read(tmp_path, tmp_path / "labels.csv", channels=1, size=4)
    assert cases.images.shape == (2, 1, 4, 4) and len(cases.spacing) == 2
    for n, axis in enumerate(axes):
        grid = cases.grids[n]
        values = grid.low + cases.images[n] * (grid.high - grid.low)
        back = nibabel.load(grid.write(values, tmp_path / "map.nii.gz"))
        assert back.shape == tuple(1 if axis == flat else 4 for axis in range(3))
        there = nibabel.affines.apply_affine(np.linalg.inv(AFFINES["RAS"]) @ back.affine, cells(back.shape))[..., axis]
        inside = (back.get_fdata() - there).squeeze(flat)[1:-1, 1:-1]  # antialiasing shortens a ramp at its ends
        assert np.abs(inside).max() < 0.05


def test_the_axes_are_those_that_nibabel_finds_the_nearest():
    draw = np.random.default_rng(0)
    for _ in range(200):
        where = affine(np.linalg.qr(draw.normal(size=(3, 3)))[0] @ (np.eye(3) + 0.1 * draw.normal(size=(3, 3))))
        wanted = nibabel.orientations.io_orientation(where)  # of each own axis: which it is in the world, and its sign
        axes, flipped = grids.nearest(where, "it")
        assert wanted[[*axes]].tolist() == [[axis, -1 if flip else 1] for axis, flip in enumerate(flipped)]


@pytest.mark.parametrize("unit, factor", [("mm", 1), ("micron", 1e-3), ("meter", 1e3), ("unknown", 1)])
def test_spacing_is_in_millimetres_whatever_the_files_unit(unit: str, factor: float, tmp_path: Path):
    _, grid = volumes.nifti(saved(tmp_path / "a.nii", VALUES, AFFINES["RAS"], (0, 1), unit))
    assert grid.spacing == pytest.approx((6.5 * factor, 1.5 * factor, 0.78 * factor), rel=1e-6)
    back = nibabel.load(grid.write(torch.zeros(1, 8, 12, 10), tmp_path / "b.nii"))
    assert back.header.get_xyzt_units()[0] == unit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve sagittal volumes, in every other one a bright cube; masks of those."""
    draw = np.random.default_rng(0)
    (tmp_path / "scans").mkdir(), (tmp_path / "masks").mkdir()
    lines = ["file,label"]
    for n in range(12):
        values = np.full((10, 24, 24), -1000.0, "f4")
        values[1:9, 3:21, 3:21] = 0
        if n % 2:
            at = tuple(slice(one, one + 4) for one in (3, *draw.integers(8, 13, 2)))
            values[at] = 900
            mask = np.zeros(values.shape, "u1")
            mask[at] = 1
            nibabel.save(nibabel.Nifti1Image(mask, AFFINES["sagittal"]), tmp_path / "masks" / f"s{n}.nii.gz")
        nibabel.save(nibabel.Nifti1Image(values, AFFINES["sagittal"]), tmp_path / "scans" / f"s{n}.nii.gz")
        lines.append(f"s{n},{n % 2}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    return tmp_path


def taken(folder: Path, **more: object) -> audit.Cases:
    return u3audit.read(folder / "scans", folder / "labels.csv", masks=folder / "masks", channels=1, **more)


def test_an_audit_writes_maps_that_lie_over_the_scans(folder: Path):
    cases = taken(folder, range=(-1000, 1000))
    assert cases.images.unique().tolist() == pytest.approx([0, 0.5, 0.95])
    where = folder / "report" / running.MAPS
    report = u3audit.run(HONEST, cases, out=folder / "report")
    found = report["parts"]
    assert found["where it looks"]["maps"][0] == "002_s1_occlusion.nii.gz" and found["flips"]["maps"] == []
    assert {path.name for path in where.iterdir()} == {name for part in found.values() for name in part["maps"]}
    peaks, means = [], []
    for file in where.iterdir():
        scan, map = nibabel.load(folder / f"scans/{file.name[4:6]}.nii.gz"), nibabel.load(file)
        assert np.array_equal(map.affine, scan.affine) and map.shape == scan.shape
        scan, map = scan.get_fdata(), map.get_fdata()
        if "occlusion" in file.name:
            peaks.append(map[scan == 900].mean()), means.append(map.mean())
        else:
            assert map[scan == 900].max() < 50 and np.abs((map - scan)[scan < -500]).max() < 1e-3
    assert np.mean(peaks) > 2 * np.mean(means)
    assert f"Maps: {len(list(where.iterdir()))} NIfTI files" in u3audit.write(report, folder / "report").read_text()
    (where / "002_s1_occlusion.nii.gz").unlink()
    u3audit.run(HONEST, cases, out=folder / "report")
    assert (where / "002_s1_occlusion.nii.gz").is_file()


class Segments(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([0 * x, x - 0.8], 1)


def test_what_a_network_for_segmentation_sees_lies_over_the_scan(folder: Path):
    two = folder / "scans" / "s1.nii.gz"  # a second lesion, which is outlined as well
    for path in (two, folder / "masks" / "s1.nii.gz"):
        values = np.asarray(nibabel.load(path).dataobj).copy()
        values[7:8, 18:20, 18:20] = values.max()
        nibabel.save(nibabel.Nifti1Image(values, AFFINES["sagittal"]), path)
    report = u3audit.run(Segments().eval(), taken(folder, range=(-1000, 1000)), out=folder / "report")
    names = report["parts"]["Dice by patient"]["maps"]
    assert names[0] == "002_s1_seen.nii.gz" and report["parts"]["lesion removed"]["maps"][:2] == [
        "002_s1_filled.nii.gz", "004_s3_filled.nii.gz"]
    for name in names:
        seen, mask = nibabel.load(folder / "report/maps" / name), nibabel.load(folder / f"masks/{name[4:6]}.nii.gz")
        assert np.array_equal(seen.affine, mask.affine) and np.array_equal(seen.get_fdata(), mask.get_fdata())


def test_the_spacing_of_the_scans_reaches_the_network(folder: Path, monkeypatch: pytest.MonkeyPatch):
    asked, cases = [], taken(folder)
    monkeypatch.setattr(parts, "flips", lambda net, *_, **__: asked.append(net.spacing) or {})
    bare = nets.Classifier(HONEST, pictures=False)
    for net in (bare, nets.Classifier(HONEST, pictures=False, spacing=(1, 1, 1)), HONEST):
        u3audit.run(net, cases, out=folder / str(len(asked)))
    assert cases.spacing == pytest.approx((1.5, 0.78, 6.5), rel=1e-6)
    assert asked == [cases.spacing, (1, 1, 1), cases.spacing] and bare.spacing is None


def test_without_nibabel_a_report_has_no_maps_and_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch):
    cases = taken(folder)  # as those of a DICOM series are
    monkeypatch.setitem(sys.modules, "nibabel", None)
    with pytest.warns(UserWarning, match="no maps are written"):
        report = u3audit.run(HONEST, cases, out=folder / "report")
    assert not any(part["maps"] for part in report["parts"].values()) and not (folder / "report/maps").exists()


def test_a_folder_of_nifti_is_audited_from_the_command_line(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    (folder / "deep_module.py").write_text(DEEP)
    monkeypatch.chdir(folder)
    arguments = ["audit", "--front", "deep_module:make", "-", "scans", "--labels", "labels.csv", "--masks", "masks",
                 "--out", "out", "--range", "-1000", "1000", "--size", "24", "10", "24", "--window", "12", "10", "12"]
    assert main(arguments) == 0
    report = json.loads((folder / "out" / "report.json").read_text())
    assert report["network"] == "deep_module:make" and report["sides"] == [1, 24, 10, 24]
    assert report["parts"]["accuracy by patient"]["value"][0] == 1
    name = report["parts"]["lesion removed"]["maps"][0]
    source, filled = nibabel.load(folder / "scans" / "s1.nii.gz"), nibabel.load(folder / "out" / "maps" / name)
    assert filled.shape == source.shape and np.array_equal(filled.affine, source.affine)
    assert main([*arguments[:-1], "--out", "another"]) == 1  # its weights are drawn anew: it is another network
    assert "window = (12, 10); " in capsys.readouterr().err


def test_scans_with_voxels_of_another_size_are_told(folder: Path):
    path = folder / "scans" / "s2.nii.gz"
    values = np.asarray(nibabel.load(path).dataobj)
    nibabel.save(nibabel.Nifti1Image(values, AFFINES["sagittal"] @ np.diag([1, 1, 0.5, 1])), path)
    with pytest.warns(UserWarning, match="1 of 12 scans have .* s2 of 1.5 × 0.78 × 3.25 mm beside 1.5 × 0.78 × 6.5 mm"):
        taken(folder)


def test_a_mask_of_another_place_is_refused_and_one_without_a_place_lies_as_its_scan(folder: Path):
    wanted = taken(folder).outlines
    for path in (folder / "masks").iterdir():
        nibabel.save(nibabel.Nifti1Image(np.asarray(nibabel.load(path).dataobj), None), path)
    assert torch.equal(taken(folder).outlines, wanted)
    moved = AFFINES["sagittal"].copy()
    moved[0, 3] += 10
    nibabel.save(nibabel.Nifti1Image(np.asarray(nibabel.load(path).dataobj), moved), path)
    one_sentence(f"the mask {path.name} lies up to 1.54 voxels beside its scan {path.name}", taken, folder)


def broken(to: Path, values: object) -> None:
    (to / "scans/s2.nii.gz").unlink()
    if isinstance(values, bytes):
        (to / "scans/s2.nii").write_bytes(values)
    else:
        nibabel.save(nibabel.Nifti1Image(np.asarray(values, "f4"), np.eye(4)), to / "scans/s2.nii")
    taken(to)


@pytest.mark.parametrize("says, values", {
    "s2.nii cannot be read as NIfTI": b"no scan", "s2.nii has 1 voxels that are NaN": [[[1, np.nan], [2, 3]]],
    "s2.nii holds (4, 4, 4, 2) values; one volume of three axes is wanted": np.zeros((4, 4, 4, 2)),
    "s2.nii holds (1, 1, 5) values": np.zeros((1, 1, 5))}.items())
def test_a_scan_that_is_none_gets_one_sentence(says: str, values: object, folder: Path):
    one_sentence(says, broken, folder, values)


@pytest.mark.parametrize("says, map, file", [
    ("the map is a Tensor of shape (1, 12, 10); give one (1,D,H,W)", torch.zeros(1, 12, 10), "map.nii"),
    ("map is None", None, "map.nii"), ("cannot be written", torch.zeros(1, 8, 12, 10), "scan.nii/map.nii")])
def test_a_slip_in_writing_gets_one_sentence(says: str, map: object, file: str, tmp_path: Path):
    _, grid = volumes.nifti(saved(tmp_path / "scan.nii", VALUES, AFFINES["RAS"], (0, 1)))
    one_sentence(says, grid.write, map, tmp_path / file)


def test_an_affine_that_is_none_is_refused(tmp_path: Path):
    image = nibabel.Nifti1Image(np.zeros((3, 4, 5), "f4"), None)
    image.header["sform_code"] = 1
    image.header["srow_x"], image.header["srow_y"], image.header["srow_z"] = np.zeros((3, 4))
    nibabel.save(image, tmp_path / "a.nii")
    one_sentence("no place in space", volumes.nifti, tmp_path / "a.nii")
