"""What a network is audited on: pictures, which of them are positive, and what else is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from u3lab.audit.grids import Grid
from u3lab.checks import booleans, shown, tensors, whole, words
from u3lab.errors import U3Error
from u3lab.nets import Classifier, ready

ASK = "make them with audit.Cases(images, labels == 1, …)"
AT_ONCE = 32  # pictures in one pass
AIR, PART = 0.1, 0.1  # of the brightest: what is darker is air; of the largest part: what is smaller is no patient


@dataclass(frozen=True)
class Cases:
    """Pictures or volumes with what is known of them; checked once, when they are made.

    Parameters
    ----------
    images
        (N,C,H,W) or (N,C,D,H,W) floats, as the network takes them before its normalisation.
    positive
        (N) bool: whether the finding is there, by the labels.
    outlines
        (N,1,H,W) or (N,1,D,H,W) bool: where it is. A picture without an outline has False everywhere.
    patients
        N names. Pictures of one patient are no independent evidence: intervals draw whole patients.
    grids
        Where each lies, if it was read from NIfTI or DICOM; None for one that was not.

    Raises
    ------
    U3Error
        Numbers of pictures, labels, outlines and patients that do not fit; NaN; pictures of one class alone.
    """

    images: Tensor
    positive: Tensor
    outlines: Tensor | None = None
    patients: Sequence[str] | None = None
    grids: Sequence[Grid | None] | None = None

    def __post_init__(self) -> None:
        axes = {4: "NCHW", 5: "NCDHW"}.get(getattr(self.images, "ndim", 0), "NCHW")
        tensors(images=(self.images, axes))
        booleans("give labels == 1", positive=(self.positive, "N"))
        if len(self.positive) != len(self.images):
            raise U3Error(f"{len(self.images)} pictures and {len(self.positive)} labels; give one label a picture")
        if self.positive.all() or not self.positive.any():
            raise U3Error(f"all {len(self.positive)} pictures are {'positive' if self.positive.any() else 'negative'}; "
                          "an audit compares the two, so give pictures of both")
        if self.outlines is not None:
            wanted = (len(self.images), 1, *self.images.shape[2:])
            if tuple(getattr(self.outlines, "shape", ())) != wanted or self.outlines.dtype != torch.bool:
                raise U3Error(f"outlines is {shown(self.outlines)}; give a bool tensor of the shape {wanted}, as large "
                              "as the pictures")
        if self.patients is not None and len(words("patients", self.patients)) != len(self.images):
            raise U3Error(f"{len(self.patients)} patients for {len(self.images)} pictures; name one for each picture")
        if self.grids is not None and len(self.grids) != len(self.images):
            raise U3Error(f"{len(self.grids)} grids for {len(self.images)} pictures; give one a picture, or none")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def groups(self) -> list[str] | list[int]:
        """To whom each picture belongs: its patient or, where none is named, itself."""
        return list(range(len(self))) if self.patients is None else list(self.patients)

    @property
    def spacing(self) -> tuple[float, ...] | None:
        """Millimetres from pixel to pixel along (y,x) or (z,y,x), the median of the scans; None if unknown."""
        known = [grid.spacing for grid in self.grids or () if grid is not None]
        return tuple(np.median(known, 0).tolist()) if known else None


def score(net: nn.Module, images: Tensor, positive: int | str) -> Tensor:
    """The log-odds of the positive class, (N): above 0 the network says that the finding is there.

    log p/(1 − p) for p, the class's softmax over K ≥ 2 scores; of a network with one score, the score itself.
    """
    net = ready(net)
    with torch.no_grad():
        scores = torch.cat([net(some).float().cpu() for some in images.split(AT_ONCE)])
    if scores.ndim != 2 or not scores.isfinite().all():
        raise U3Error(f"{net.name} answers {shown(scores)} for these pictures; finite scores (N,K) are wanted")
    if scores.shape[1] == 1:
        return scores[:, 0]
    k = number_of(net, positive, scores.shape[1])
    return scores[:, k] - scores.index_fill(1, torch.tensor(k), -torch.inf).logsumexp(1)


def number_of(net: Classifier, positive: int | str, count: int) -> int:
    """The positive class's place among the scores."""
    if isinstance(positive, str):
        if positive not in net.classes:
            raise U3Error(f"positive = {positive!r}; choose one of {', '.join(net.classes) or f'0 to {count - 1}'}")
        return net.classes.index(positive)
    return whole("positive", positive, 0, count - 1)


def body(images: Tensor) -> Tensor:
    """Where the patient is, (N,1,…) bool: what is bright and hangs together, its holes filled; letters are not."""
    bright = (images.mean(1) > AIR * images.amax()).cpu().numpy()
    return torch.stack([torch.from_numpy(_whole(one)) for one in bright])[:, None]


def _whole(bright: np.ndarray) -> np.ndarray:
    """The largest connected part, and those of at least a tenth of its size, with their holes filled."""
    from scipy import ndimage

    parts, count = ndimage.label(bright)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)[1:]
    large = 1 + np.flatnonzero(sizes >= PART * sizes.max(initial=0))
    return ndimage.binary_fill_holes(np.isin(parts, large))
