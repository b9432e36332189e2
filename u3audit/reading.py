"""Read a folder of pictures or volumes with its list of labels, for an audit.

    cases = read("scans", "labels.csv", masks="masks", positive="lesion")

Pictures are PNG or JPEG, volumes NIfTI, which needs nibabel, or DICOM series, which need pydicom. ``labels.csv`` has
the columns file and label, and perhaps patient; a series is called as its folder. A mask has the name of its picture;
what is not 0 in it is the finding.
"""

import csv
import io
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from torch import Tensor

from u3audit.grids import APART, Grid, apart
from u3audit.volumes import VOLUMES, nifti, series, stem, volume
from u3lab import images
from u3lab.audit.cases import Cases
from u3lab.checks import listed, number, place, room, shown, whole, wholes
from u3lab.errors import U3Error
from u3lab.images import dicom

MOST = 200_000_000  # pixels or voxels of a folder: 800 MB as floats, for each channel
UNLIKE = 0.1  # how much of its size a voxel may differ from the others'
LARGEST = 512  # of a volume's side, if it is resized
Source = Path | tuple[Path, ...]  # a file, or the slices of a DICOM series


def read(folder: str | os.PathLike[str], labels: str | os.PathLike[str], *,
         masks: str | os.PathLike[str] | None = None, patients: str | os.PathLike[str] | None = None,
         positive: str | None = None, size: int | Sequence[int] | None = None, channels: int = 3,
         range: Sequence[float] | None = None) -> Cases:
    """Read pictures (N,C,H,W) or volumes (N,C,D,H,W) in [0,1] with their labels, outlines and patients.

    Args:
        folder: PNG and JPEG; or NIfTI, or a folder for each DICOM series. A volume is turned to its nearest standard
            axes, (z,y,x) of RAS+.
        labels: A CSV file with the columns file and label, and perhaps patient. Pictures without a label are left out,
            with a warning.
        masks: A folder of masks as large as their pictures. A picture without a mask has no outline.
        patients: A CSV file with the columns file and patient, if ``labels`` does not name patients.
        positive: The label of the finding. Without it labels are 0 and 1.
        size: Resize the shorter side of pictures, and cut out the central square; volumes become cubes of that side, or
            get one side an axis, (z,y,x).
        channels: What the network takes: 1 is grey.
        range: The values of NIfTI and DICOM that become 0 and 1, such as (−1000, 400) HU; what is beyond is cut off.
            Without it each scan goes from its smallest to its largest value.

    Raises:
        U3Error: A file that is missing, unreadable or holds NaN; labels without a picture, or of one class; masks of
            another size or place; pictures of different sizes without ``size``; a series with gaps or of several kinds.
    """
    from tqdm import tqdm

    folder, channels = place("the folder", folder, "a folder of pictures"), whole("channels", channels)
    size = size if size is None else wholes("size", size if isinstance(size, Sequence) else [size])
    range = _range(range)
    found = files(folder)
    table = rows(labels, ("file", "label"))
    paths, chosen = _matched(table, found, labels, folder)
    if left := len(found) - len(set(paths)):
        warnings.warn(f"{left} of {len(found)} pictures in {folder} have no label and are left out", stacklevel=2)
    named = _patients(table, chosen, patients, found, folder)
    drawn = None if masks is None else _masks(place("masks", masks, "a folder of masks"), chosen)
    pictures, outlines, grids, sides = [], [], [], {}
    with tqdm(chosen, "reading", unit="picture", delay=2) as bar:
        for name, source in zip(bar, paths, strict=True):
            called = source.name if isinstance(source, Path) else name
            x, grid = _scaled(*_values(source, name), called, channels, range)
            outline = torch.zeros_like(x[:, :1])
            if drawn is not None and name in drawn:
                outline = _mask(drawn[name], called, x, grid)
            (x, grid), (outline, _) = _sized(x, grid, size), _sized(outline, None, size)
            sides.setdefault(tuple(x.shape[2:]), called)
            if len(sides) > 1:
                told = " and ".join(f"{'×'.join(map(str, side))} ({one})" for side, one in sides.items())
                raise U3Error(f"the pictures have different sizes, {told}; make them alike with size= (--size)")
            room(f"{folder}", x.shape[-2], x.shape[2:].numel() // x.shape[-2], len(paths), MOST)
            pictures.append(x)
            outlines.append(outline > outline.max() / 2)
            grids.append(None if grid is None else replace(grid, name=name))
    cases = Cases(torch.cat(pictures), _positive([row["label"] for row in table], positive, labels),
                 torch.cat(outlines) if drawn is not None else None, named, grids if any(grids) else None)
    _tell_unlike(cases)
    return cases


def _tell_unlike(cases: Cases) -> None:
    """Warn of scans whose voxels are of another size than most."""
    far = [grid for grid in cases.grids or () if grid is not None and any(
        abs(mm / usual - 1) > UNLIKE for mm, usual in zip(grid.spacing, cases.spacing, strict=True))]
    if far:
        mm = [" × ".join(f"{one:.3g}" for one in spacing) for spacing in (far[0].spacing, cases.spacing)]
        warnings.warn(f"{len(far)} of {len(cases)} scans have voxels of another size, such as {far[0].name} of {mm[0]} "
                      f"mm beside {mm[1]} mm; windows in millimetres are right for the latter", stacklevel=3)


def files(folder: Path) -> dict[str, Source]:
    """Name without suffix, relative to the folder → picture, volume, or the slices of a series."""
    if not folder.is_dir():
        raise U3Error(f"there is no folder {folder}; give the one that holds your pictures")
    found: dict[str, Source] = {}
    slices = []
    for path in sorted(folder.rglob("*")):
        if path.name.startswith(".") or not path.is_file():
            continue
        if dicom.is_dicom(path):
            slices.append(path)
        elif (name := stem(path.relative_to(folder).as_posix())) != path.relative_to(folder).as_posix():
            _put(found, name, path, folder)
    for name, source in series(slices, folder).items():
        _put(found, name, source, folder)
    if not found:
        raise U3Error(f"{folder} holds no picture; PNG, JPEG, NIfTI and DICOM are read")
    return found


def _put(found: dict[str, Source], name: str, source: Source, folder: Path) -> None:
    if name in found:
        one, other = (source.name if isinstance(source, Path) else f"a series of {len(source)} slices"
                      for source in (found[name], source))
        raise U3Error(f"{folder} holds two pictures called {name}, {one} and {other}; keep one of the two")
    found[name] = source


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
    for line, row in enumerate(table, 2):
        if empty := [name for name in wanted if not row[name]]:
            raise U3Error(f"row {line} of {path} has no {empty[0]}; fill it in, or delete the row")
    return table


def _matched(table: list[dict[str, str]], found: Mapping[str, Source], file: object,
             folder: Path) -> tuple[list[Source], list[str]]:
    """The picture of each row, and its name without suffix."""
    names = [stem(row["file"].replace("\\", "/").removeprefix("./").rstrip("/")) for row in table]
    names = [name if name in found else name.removeprefix(f"{folder.resolve().name}/") for name in names]
    for name in names:
        if name not in found and (within := [one for one in found if one.startswith(f"{name}/")]):
            raise U3Error(f"{file} names {name}, a folder with {len(within)} pictures or series; name one of them: "
                          f"{', '.join(within[:4])}")
    if missing := [row["file"] for row, name in zip(table, names, strict=True) if name not in found]:
        raise U3Error(f"{file} names {len(missing)} of {len(table)} files that are not in {folder}, such as "
                      f"{', '.join(missing[:3])}; correct the names")
    if len(set(names)) < len(names):
        twice = next(name for n, name in enumerate(names) if name in names[:n])
        raise U3Error(f"{file} names {twice} twice; keep one row for each picture")
    return [found[name] for name in names], names


def _patients(table: list[dict[str, str]], chosen: list[str], file: object, found: Mapping[str, Source],
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
    kinds, positive = sorted(set(labels)), None if positive is None else str(positive)
    if positive is None and set(kinds) <= {"0", "1"}:
        positive = "1"
    elif positive not in kinds:
        said = "does not say which label is the finding" if positive is None else f"has no label {positive!r}"
        raise U3Error(f"{file} {said}; choose it with positive= (--positive): {', '.join(kinds[:8])}")
    if alike := [kind for kind in kinds if kind != positive and kind.casefold() == positive.casefold()]:
        raise U3Error(f"{file} has the labels {positive!r} and {alike[0]!r}, which differ in case alone; write one of "
                      "them throughout")
    if len(kinds) > 2:
        others = ", ".join(f"{kind} ({labels.count(kind)})" for kind in kinds if kind != positive)
        warnings.warn(f"label {positive} ({labels.count(positive)} pictures) is the finding, and all others count as "
                      f"negative: {others}", stacklevel=3)
    return torch.tensor([label == positive for label in labels])


def _masks(folder: Path, chosen: list[str]) -> dict[str, Source]:
    found = files(folder)
    if not set(found) & set(chosen):
        raise U3Error(f"no mask in {folder} is called as its picture; wanted are {', '.join(chosen[:3])} …")
    return found


def _range(range: Sequence[float] | None) -> tuple[float, float] | None:
    if range is None:
        return None
    low, high = (number(f"range[{n}]", one) for n, one in enumerate(listed("range", range, what="two numbers")[:2]))
    if len(range) != 2 or not low < high:
        raise U3Error(f"range = {shown(range)}; give two numbers, the smaller first, such as (-1000, 400)")
    return low, high


def _values(source: Source, name: str, like: Grid | None = None) -> tuple[Tensor, Grid | None]:
    """A picture (1,3,H,W) in [0,1]; or a scan (1,1,H,W) or (1,1,D,H,W) in its own units, and where it lies."""
    if isinstance(source, tuple):
        return volume(source, name)
    return nifti(source, like) if source.name.lower().endswith(VOLUMES) else (images.load(source), None)


def _scaled(x: Tensor, grid: Grid | None, called: str, channels: int,
            range: tuple[float, float] | None) -> tuple[Tensor, Grid | None]:
    """A picture (1,C,H,W) or (1,C,D,H,W) in [0,1]."""
    if grid is None:
        if range is not None:
            raise U3Error(f"range (--range) is for NIfTI and DICOM with values in units; {called} is a picture, so "
                          "leave it out")
        return x if channels == 3 else x.mean(1, keepdim=True).expand(-1, channels, -1, -1), None
    if not x.isfinite().all():
        raise U3Error(f"{called} has {int((~x.isfinite()).sum())} voxels that are NaN or infinite; fill them in, or "
                      "leave the file out")
    low, high = map(float, x.aminmax()) if range is None else range
    x = ((x - low) / (high - low if high > low else 1)).clamp(0, 1)
    return x.expand(-1, channels, *x.shape[2:]), replace(grid, low=low, high=high)


def _mask(source: Source, called: str, x: Tensor, grid: Grid | None) -> Tensor:
    """A mask as large as its picture x, of zeros and ones."""
    name = source.name if isinstance(source, Path) else f"for {called}"
    values, own = _values(source, f"the mask {name}", grid)
    values = values.amax(1, keepdim=True) if (drawn := _drawn(source)) is None else drawn
    if values.shape[2:] != x.shape[2:]:
        sides = ["×".join(map(str, one.shape[2:])) for one in (values, x)]
        raise U3Error(f"the mask {name} is of {sides[0]} pixels and its picture {called} of {sides[1]}; "
                      "masks have to be as large as their pictures")
    if grid is not None and own is not None and (far := apart(grid, own)) > APART:
        raise U3Error(f"the mask {name} lies up to {far:.3g} voxels beside its scan {called}; save it in the scan's "
                      "space")
    lossless = not name.lower().endswith((".jpg", ".jpeg"))
    return (values > (0 if lossless else values.max() / 2)).float()


def _drawn(source: Source) -> Tensor | None:
    """Of a PNG with transparency what is not transparent, (1,1,H,W); if nothing is, what is not black."""
    if not isinstance(source, Path) or source.suffix.lower() != ".png":
        return None
    with Image.open(source) as image:
        if not image.has_transparency_data:
            return None
        values = torch.from_numpy(np.array(ImageOps.exif_transpose(image).convert("RGBA")))
    colour, opaque = values[..., :3].any(-1), values[..., 3] > 0
    if not opaque.all() and colour[opaque].any() and not colour[opaque].all():
        raise U3Error(f"the mask {source.name} is transparent in some places and black in others; save it without "
                      "transparency, black where the finding is not")
    return (colour if opaque.all() else opaque)[None, None].float()


def _sized(x: Tensor, grid: Grid | None, size: list[int] | None) -> tuple[Tensor, Grid | None]:
    """The central square of a picture, or the whole of a volume, resized."""
    if size is None:
        return x, grid
    axes, box = x.ndim - 2, [slice(0, side) for side in x.shape[2:]]
    if len(size) not in {1, 2 * axes - 3}:
        raise U3Error(f"size = {size}; give one side{', or three, (z,y,x)' if axes == 3 else ''}")
    if axes == 3:
        sides = [whole("size", side, 1, LARGEST) for side in (size if len(size) == 3 else size * 3)]
        x = _lines(_lines(x[0], *sides[1:]).transpose(1, 2), sides[0], sides[2]).transpose(1, 2)[None]
    else:
        short = min(x.shape[2:])
        box = [slice((side - short) // 2, (side - short) // 2 + short) for side in x.shape[2:]]
        x = images.resize(x[..., box[0], box[1]], *size)
    return x, None if grid is None else grid.resized(x.shape[2:], box)


def _lines(x: Tensor, height: int, width: int) -> Tensor:
    """(C,D,H,W) with H and W resized as those of pictures are, antialiased, which PyTorch has for two axes only."""
    return F.interpolate(x, (height, width), mode="bilinear", antialias=True, align_corners=False)
