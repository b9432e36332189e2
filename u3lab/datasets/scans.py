"""Slices of four patients with their lesions outlined: two MR scans of the brain, two CT scans of the lungs.

    scans.names()                            # ["brain1", "brain2", "lung1", "lung2"]
    lung = scans.load("lung2", window="soft")
    lung.images, lung.masks                  # (14,3,H,W) in [0,1] and (14,1,H,W) bool
    lung.values, lung.spacing                # (14,H,W) in Hounsfield units; mm between slices, rows, columns

The public test cases of pyradiomics (van Griethuysen et al., Computational radiomics system to decode the radiographic
phenotype, Cancer Research 2017), BSD-3, Copyright 2017 Harvard Medical School; data/scans has the licence. Slices go
from the feet upwards and are seen from there: the front is at the top, the patient's left is on the right. Faces are
not in them. A slice without an outline is not known to be healthy. Nothing here is fit for a diagnosis.
"""

from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from u3lab._system import paths
from u3lab.checks import one_of
from u3lab.datasets import packed
from u3lab.errors import U3Error

# Level and width in Hounsfield units, as they are preset on a CT console; what is below is black, what is above white.
WINDOWS = {"lung": (-600, 1500), "soft": (40, 400), "bone": (400, 1800)}
BRIGHTEST = 0.98  # MR has no units: black is 0, white the value that so many of the body's pixels stay under


class Scan(NamedTuple):
    """Slices of a patient.

    Attributes:
        images: (N,3,H,W) in [0,1], grey, seen through the window.
        masks: (N,1,H,W) bool: the lesion's outline, filled. Some slices have none.
        values: (N,H,W) float32: Hounsfield units of CT (air −1000, water 0), arbitrary ones of MR.
        spacing: Millimetres from slice to slice, from row to row, from column to column.
        slices: The slices' numbers in the whole scan.
        modality, lesion: "CT" or "MR"; "tumour" or "nodule".
    """

    images: Tensor
    masks: Tensor
    values: Tensor
    spacing: tuple[float, float, float]
    slices: tuple[int, ...]
    modality: str
    lesion: str

    @property
    def largest(self) -> int:
        """The number of the slice with the largest lesion."""
        return int(self.masks.flatten(1).sum(1).argmax())


def names() -> list[str]:
    """Names of the patients' scans."""
    return list(packed.index("scans"))


def load(name: str, *, window: str | None = None) -> Scan:
    """The slices of a patient through a window.

    Args:
        name: One of :func:`names`.
        window: A CT is seen through "lung" (level −600, width 1500 HU; the default), "soft" (40, 400) or "bone" (400,
            1800): level − width/2 becomes 0, level + width/2 becomes 1. An MR has no units and one look only, None.

    Raises:
        U3Error: No scan of that name, an unknown window, or one for an MR.
    """
    known = packed.index("scans")[one_of("name", name, names())]
    if window is not None and known["modality"] == "MR":
        raise U3Error(f"window = {window!r}, but {name} is an MR, whose values have no units; leave the window out")
    count = len(known["slices"])
    levels = np.array(Image.open(paths.data("scans", f"{name}.webp"))).astype(np.int32)
    values = torch.from_numpy(256 * levels[..., 0] + levels[..., 1]).float().unflatten(0, (count, -1)) - known["offset"]
    masks = np.array(Image.open(paths.data("scans", f"{name}-mask.png")))
    if known["modality"] == "MR":
        grey = values / torch.quantile(values[values > 0], BRIGHTEST)
    else:
        level, width = WINDOWS["lung" if window is None else one_of("window", window, WINDOWS)]
        grey = (values - level) / width + 0.5
    return Scan(grey.clamp(0, 1)[:, None].repeat(1, 3, 1, 1), torch.from_numpy(masks).view(count, 1, *values.shape[1:]),
                values, tuple(known["spacing"]), tuple(known["slices"]), known["modality"], known["lesion"])
