"""Read a folder of pictures or volumes with its list of labels, for an audit.

    cases = read("scans", "labels.csv", masks="masks", positive="lesion")

Pictures are PNG or JPEG, volumes NIfTI, which needs nibabel. ``labels.csv`` has the columns file and label, and perhaps
patient. A mask has the name of its picture; what is not 0 in it is the finding.
"""

from __future__ import annotations

import csv
import io
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab import images
from u3lab.audit.cases import Cases
from u3lab.checks import place, room, whole
from u3lab.errors import U3Error

VOLUMES = (".nii.gz", ".nii")
SUFFIXES = (*VOLUMES, ".png", ".jpg", ".jpeg")
MOST = 200_000_000  # pixels or voxels of a folder: 800 MB as floats, for each channel
LARGEST = 512  # of a volume's side, if it is resized


def read(folder: str | os.PathLike[str], labels: str | os.PathLike[str], *,
         masks: str | os.PathLike[str] | None = None, patients: str | os.PathLike[str] | None = None,
         positive: str | None = None, size: int | None = None, channels: int = 3) -> Cases:
    """Read pictures (N,C,H,W) or volumes (N,C,D,H,W) in [0,1] with their labels, outlines and patients.

    Parameters
    ----------
    folder
        PNG and JPEG, or NIfTI. A volume is turned to its nearest standard axes, (z,y,x) of RAS+, and scaled from its
        smallest to its largest value.
    labels
        A CSV file with the columns file and label, and perhaps patient. Pictures without a label are left out, with a
        warning.
    masks
        A folder of masks as large as their pictures. A picture without a mask has no outline.
    patients
        A CSV file with the columns file and patient, if ``labels`` does not name patients.
    positive
        The label of the finding. Without it labels are 0 and 1.
    size
        Resize the shorter side of pictures, and cut out the central square; volumes become cubes of that side.
    channels
        What the network takes: 1 is grey.

    Raises
    ------
    U3Error
        A file that is missing, unreadable or holds NaN; labels without a picture, or of one class; masks of another
        size; pictures of different sizes without ``size``.
    """
    folder, channels = place("the folder", folder, "a folder of pictures"), whole("channels", channels)
    size = None if size is None else whole("size", size)
    found = files(folder)
    table = rows(labels, ("file", "label"))
    paths, chosen = _matched(table, found, labels, folder)
    if left := len(found) - len(set(paths)):
        warnings.warn(f"{left} of {len(found)} pictures in {folder} have no label and are left out", stacklevel=2)
    named = _patients(table, chosen, patients, found, folder)
    drawn = None if masks is None else _masks(place("masks", masks, "a folder of masks"), chosen)
    pictures, outlines, sides = [], [], {}
    for name, path in zip(chosen, paths, strict=True):
        x = _grey(path, channels)
        outline = torch.zeros_like(x[:, :1]) if drawn is None or name not in drawn else _mask(drawn[name], path, x)
        x, outline = _sized(x, size), _sized(outline, size)
        sides.setdefault(tuple(x.shape[2:]), path.name)
        if len(sides) > 1:
            told = " and ".join(f"{'×'.join(map(str, side))} ({one})" for side, one in sides.items())
            raise U3Error(f"the pictures have different sizes, {told}; make them alike with size= (--size)")
        room(f"{folder}", x.shape[-2], x.shape[2:].numel() // x.shape[-2], len(paths), MOST)
        pictures.append(x)
        outlines.append(outline > outline.max() / 2)
    return Cases(torch.cat(pictures), _positive([row["label"] for row in table], positive, labels),
                 torch.cat(outlines) if drawn is not None else None, named)


def files(folder: Path) -> dict[str, Path]:
    """Name without suffix, relative to the folder → picture or volume."""
    if not folder.is_dir():
        raise U3Error(f"there is no folder {folder}; give the one that holds your pictures")
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if (stem := _stem(name)) != name and path.is_file() and not path.name.startswith("."):
            if stem in found:
                raise U3Error(f"{folder} holds {found[stem].name} and {path.name}; keep one of the two")
            found[stem] = path
    if not found:
        raise U3Error(f"{folder} holds no picture; PNG, JPEG and NIfTI are read")
    return found


def rows(file: str | os.PathLike[str], wanted: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV file, by column; those in ``wanted`` are filled in each row."""
    path = place("the list", file, f"a CSV file with the columns {', '.join(wanted)}")
    try:
        text = path.read_text(encoding="utf-8-sig")
        first = text.partition("\n")[0]
        reader = csv.DictReader(io.StringIO(text), delimiter=max(",;\t", key=first.count))
        columns = [(name or "").strip().lower() for name in reader.fieldnames or ()]
        reader.fieldnames = columns
        table = [{key: (value or "").strip() for key, value in row.items() if key in columns} for row in reader]
    except OSError as error:
        raise U3Error(f"{path} cannot be opened ({error.strerror}); give a CSV file with the columns "
                      f"{', '.join(wanted)}") from None
    except (UnicodeDecodeError, csv.Error):
        raise U3Error(f"{path} is no text with commas; save the table as CSV (UTF-8)") from None
    if missing := [name for name in wanted if name not in columns]:
        raise U3Error(f"{path} has no column {missing[0]!r} but {', '.join(columns)[:80] or 'nothing'}; its first line "
                      f"has to name the columns {', '.join(wanted)}")
    table = [row for row in table if any(row.values())]
    if not table:
        raise U3Error(f"{path} has no row below its first line; give one for each picture")
    for number, row in enumerate(table, 2):
        if empty := [name for name in wanted if not row[name]]:
            raise U3Error(f"row {number} of {path} has no {empty[0]}; fill it in, or delete the row")
    return table


def _stem(name: str) -> str:
    """A file's name without the suffix of a picture or volume; one without such a suffix as it is."""
    return next((name[: -len(one)] for one in SUFFIXES if name.lower().endswith(one)), name)


def _matched(table: list[dict[str, str]], found: Mapping[str, Path], file: object,
             folder: Path) -> tuple[list[Path], list[str]]:
    """The picture of each row, and its name without suffix."""
    names = [_stem(row["file"].replace("\\", "/").removeprefix("./")) for row in table]
    names = [name if name in found else name.removeprefix(f"{folder.resolve().name}/") for name in names]
    if missing := [row["file"] for row, name in zip(table, names, strict=True) if name not in found]:
        raise U3Error(f"{file} names {len(missing)} of {len(table)} files that are not in {folder}, such as "
                      f"{', '.join(missing[:3])}; correct the names")
    if len(set(names)) < len(names):
        twice = next(name for n, name in enumerate(names) if name in names[:n])
        raise U3Error(f"{file} names {twice} twice; keep one row for each picture")
    return [found[name] for name in names], names


def _patients(table: list[dict[str, str]], chosen: list[str], file: object, found: Mapping[str, Path],
              folder: Path) -> list[str] | None:
    """To whom each picture belongs, by the list of labels or by one of patients."""
    if file is None:
        whose = [row.get("patient", "") for row in table]
    else:
        listed = rows(file, ("file", "patient"))
        known = dict(zip(_matched(listed, found, file, folder)[1], (row["patient"] for row in listed), strict=True))
        whose = [known.get(name, "") for name in chosen]
    if not any(whose):
        return None
    if "" in whose:
        raise U3Error(f"{whose.count('')} of {len(whose)} pictures have no patient, such as "
                      f"{chosen[whose.index('')]}; name all patients or none")
    return whose


def _positive(labels: list[str], positive: str | None, file: object) -> Tensor:
    kinds = sorted(set(labels))
    if positive is None and set(kinds) <= {"0", "1"}:
        positive = "1"
    elif positive is None or str(positive) not in kinds:
        said = "does not say which label is the finding" if positive is None else f"has no label {positive!r}"
        raise U3Error(f"{file} {said}; choose it with positive= (--positive): {', '.join(kinds[:8])}")
    return torch.tensor([label == str(positive) for label in labels])


def _masks(folder: Path, chosen: list[str]) -> dict[str, Path]:
    found = files(folder)
    if not set(found) & set(chosen):
        raise U3Error(f"no mask in {folder} is called as its picture; wanted are {', '.join(chosen[:3])} …")
    return found


def _grey(path: Path, channels: int) -> Tensor:
    """A picture (1,C,H,W), or a volume (1,C,D,H,W), in [0,1]."""
    if not path.name.lower().endswith(VOLUMES):
        x = images.load(path)
        return x if channels == 3 else x.mean(1, keepdim=True).expand(-1, channels, -1, -1)
    x = _voxels(path)
    if not x.isfinite().all():
        raise U3Error(f"{path.name} has {int((~x.isfinite()).sum())} voxels that are NaN or infinite; fill them in, or "
                      "leave the file out")
    low, high = x.aminmax()
    x = (x - low) / (high - low if high > low else 1)
    return x.expand(-1, channels, *x.shape[2:])


def _mask(mask: Path, picture: Path, x: Tensor) -> Tensor:
    """A mask as large as its picture x, of zeros and ones."""
    name = mask.name.lower()
    values = _voxels(mask) if name.endswith(VOLUMES) else images.load(mask).amax(1, keepdim=True)
    lossless = not name.endswith((".jpg", ".jpeg"))
    if values.shape[2:] != x.shape[2:]:
        sides = ["×".join(map(str, one.shape[2:])) for one in (values, x)]
        raise U3Error(f"the mask {mask.name} is of {sides[0]} pixels and its picture {picture.name} of {sides[1]}; "
                      "masks have to be as large as their pictures")
    return (values > (0 if lossless else values.max() / 2)).float()


def _voxels(path: Path) -> Tensor:
    """The values of a NIfTI file, (1,1,D,H,W) or, of a single slice, (1,1,H,W)."""
    try:
        import nibabel
    except ImportError:
        raise U3Error(f"{path.name} is a NIfTI file and nibabel, which reads them, is not installed; run "
                      "`pip install nibabel`") from None
    try:
        values = nibabel.as_closest_canonical(nibabel.load(path)).get_fdata(dtype=np.float32)
    except Exception as error:  # the parser raises nearly anything on a broken file
        raise U3Error(f"{path.name} cannot be read as NIfTI ({type(error).__name__}); copy it again") from None
    while values.ndim > 2 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim not in (2, 3) or not values.size:
        raise U3Error(f"{path.name} holds {values.shape} values; one volume of three axes is wanted")
    return torch.from_numpy(np.ascontiguousarray(values.T))[None, None]


def _sized(x: Tensor, size: int | None) -> Tensor:
    if size is None:
        return x
    if x.ndim == 5:
        cube = [whole("size", size, 1, LARGEST)] * 3
        return F.interpolate(x, size=cube, mode="trilinear", align_corners=False)
    return torch.cat([images.load(one[None, None], size=size)[:, :1] for one in x[0]], 1)
