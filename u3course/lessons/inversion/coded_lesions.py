"""Three patients' slices, with the lesion and with it painted over, and their shipped inversions."""

from functools import cache
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from u3lab import images
from u3lab._system import paths
from u3lab.datasets import scans

PATIENTS, SIDE = ("brain1", "brain2", "lung2"), 128
LAYERS = ("fire3", "fire5", "fire7", "fire9")
MARGIN = 7  # pixels of the square by which the outlined lesion is widened before it is painted over


class Pair(NamedTuple):
    """A square with its lesion, the same with the lesion painted over, (1,3,128,128), and where, (1,1,128,128)."""

    ill: Tensor
    painted: Tensor
    where: Tensor


@cache
def pair(patient: str) -> Pair:
    """The slice with the largest lesion of a patient, and the same with a dark grey of the ring around over it."""
    scan = scans.load(patient)
    n, box = scan.largest, _about(scan.masks[scan.largest, 0])
    slice_ = images.resize(scan.images[n : n + 1][box], SIDE)
    outlined = F.interpolate(scan.masks[n : n + 1][box].float(), size=(SIDE, SIDE), mode="area")
    where, wide = (F.max_pool2d((outlined > 0.5).float(), by, 1, by // 2) for by in (MARGIN, 3 * MARGIN))
    around = slice_[((wide - where) > 0).expand_as(slice_)].quantile(0.25)
    return Pair(slice_, slice_.lerp(around.expand_as(slice_), images.blur(where, 1.0)), where)


def _about(mask: Tensor) -> tuple[slice, ...]:
    """The square about a lesion (H,W) whose side is three quarters of the shorter side, as a box of (B,C,H,W)."""
    side = 3 * min(mask.shape) // 4
    corner = [min(max(0, round(float(at.float().mean())) - side // 2), whole - side)
              for at, whole in zip(mask.nonzero(as_tuple=True), mask.shape, strict=True)]
    return (slice(None), slice(None), *(slice(low, low + side) for low in corner))


def pictures() -> dict[tuple[str, str, str], Tensor]:
    """The shipped inversions from the first seed, (1,1,128,128): (patient, layer, "ill" or "painted") → picture."""
    strips = images.load(paths.data("results", "lesions.jpg")).mean(1, keepdim=True).split(SIDE, 2)
    keys = [(patient, kind) for patient in PATIENTS for kind in ("ill", "painted")]
    return {(patient, layer, kind): x for (patient, kind), strip in zip(keys, strips, strict=True)
            for layer, x in zip(LAYERS, strip.split(SIDE, 3), strict=True)}
