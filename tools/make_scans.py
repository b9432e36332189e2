"""Make data/scans/ and its rows in data/README.md: slices of four patients with their lesions outlined.

    python tools/make_scans.py pyradiomics-3.0.1.tar.gz      # the source package, as PyPI has it; needs pynrrd

Each patient becomes one picture of 16 bits, the slices one below the other from the feet upwards, and one of the masks.
A stored value is the scan's own plus an offset that the index tells: Hounsfield units for CT, the scanner's own units
for MR. The slices are cropped to the body. Below the brain nothing is kept, and of the lowest slice not the orbits, so
that no face is there.
"""

import io
import sys
import tarfile

import numpy as np
from packing import DATA, write_index, write_rows
from PIL import Image
from scipy import ndimage

from u3lab._system.paths import write_atomically

# patient → modality, what the outline is, which slices. Those without outline are not known to be healthy.
PATIENTS = {"brain1": ("MR", "tumour", range(11, 21)), "brain2": ("MR", "tumour", range(8, 18)),
            "lung1": ("CT", "nodule", range(29, 38)), "lung2": ("CT", "tumour", range(15, 29))}
ORBITS = {("brain2", 8): 56}  # rows at the front of a slice that are blackened
BODY = {"CT": -300, "MR": 60}  # what is above it is body
AIR = {"CT": -1024, "MR": 0}  # what is written outside of it, where there is only noise, the table and clothes
MARGIN = 4  # pixels around the body that are kept


def volume(archive: tarfile.TarFile, name: str) -> tuple[np.ndarray, list[float]]:
    """The values as (slices, rows, columns), front up and the patient's left on the right, with their spacing in mm."""
    import nrrd

    file = archive.extractfile(f"pyradiomics-3.0.1/data/{name}.nrrd")
    header = nrrd.read_header(file)
    if header["space"] != "left-posterior-superior":
        raise SystemExit(f"{name}: axes to {header['space']}")
    values = nrrd.read_data(header, file).transpose(2, 1, 0)
    steps = np.asarray(header["space directions"])
    if steps[1, 1] < 0:  # rows go to the front
        values = values[:, ::-1]
    return values, np.round(np.abs(np.diag(steps))[::-1], 4).tolist()


def body(values: np.ndarray, modality: str) -> np.ndarray:
    """Where the body is, (slices, rows, columns) bool: the largest thing that is not air, with what it encloses."""
    inside = ndimage.binary_opening(values > BODY[modality], np.ones((1, 5, 5)))
    labels, _ = ndimage.label(inside)
    largest = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
    near = ndimage.binary_dilation(largest, np.ones((1, 2 * MARGIN + 1, 2 * MARGIN + 1)))
    return np.stack([ndimage.binary_fill_holes(one) for one in near])


def encoded(values: np.ndarray) -> bytes:
    """The slices one below the other, without loss: a value is 256 red + green. A quarter less than PNG of 16 bits."""
    high, low = np.divmod(values.reshape(-1, values.shape[-1]), 256)
    file = io.BytesIO()
    pixels = np.stack([high, low, np.zeros_like(low)], -1).astype(np.uint8)
    Image.fromarray(pixels).save(file, "WEBP", lossless=True, quality=100, method=6)
    return file.getvalue()


def outlined(mask: np.ndarray) -> bytes:
    """The masks one below the other, in black and white."""
    file = io.BytesIO()
    Image.fromarray(mask.reshape(-1, mask.shape[-1])).convert("1").save(file, "PNG", optimize=True)
    return file.getvalue()


def main(package: str) -> None:
    folder = DATA / "scans"
    folder.mkdir(exist_ok=True)
    index, rows = {}, []
    with tarfile.open(package) as archive:
        for name, (modality, lesion, chosen) in PATIENTS.items():
            values, spacing = volume(archive, f"{name}_image")
            outline, _ = volume(archive, f"{name}_label")
            values, outline = values[list(chosen)].copy(), outline[list(chosen)] > 0
            for n, number in enumerate(chosen):
                if (front := ORBITS.get((name, number))):
                    values[n, :front] = 0
            where = body(values, modality)
            values[~where] = AIR[modality]
            box = (slice(None), *(slice(at.min(), at.max() + 1) for at in np.nonzero(where)[1:]))
            values, outline = values[box], outline[box]
            offset = -int(values.min())
            write_atomically(folder / f"{name}.webp", encoded(values.astype(np.int32) + offset))
            write_atomically(folder / f"{name}-mask.png", outlined(outline))
            index[name] = {"modality": modality, "lesion": lesion, "slices": list(chosen), "spacing": spacing,
                           "offset": offset}
            what = f"{len(chosen)} slices of a patient's {modality} of the {name[:-1]}"
            source = f"PyPI source package pyradiomics 3.0.1, `data/{name}"
            licence = "BSD-3-Clause, Copyright 2017 Harvard Medical School"
            rows += [(folder / f"{name}.webp", f"{what}, 16 bits", f"{source}_image.nrrd`", licence),
                     (folder / f"{name}-mask.png", f"the outline of the {lesion} in them", f"{source}_label.nrrd`",
                      licence)]
        text = archive.extractfile("pyradiomics-3.0.1/LICENSE.txt").read()
    write_atomically(folder / "LICENSE", text)
    write_index(folder / "index.json", index)
    rows += [(folder / "index.json", "modality, lesion, slice numbers, spacing in mm and offset of each scan",
              "our own, from the headers of the scans", "MIT"),
             (folder / "LICENSE", "the licence of the scans, with its notice", "PyPI source package pyradiomics 3.0.1",
              "BSD-3-Clause")]
    write_rows("scans", rows, "python tools/make_scans.py")


if __name__ == "__main__":
    main(*sys.argv[1:])
