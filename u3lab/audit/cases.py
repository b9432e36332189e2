"""What a network is audited on: pictures, which of them are positive, and what else is known of them.

And the one score, which knows both kinds of network: those that answer for a picture, and those that answer for each
of its pixels (segmentation).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from u3lab.checks import booleans, shown, whole, words
from u3lab.errors import U3Error
from u3lab.images import check
from u3lab.nets import Classifier, Region, ready

ASK = "make them with audit.Cases(images, labels == 1, …)"
AT_ONCE, VALUES = 32, 2**19  # pictures in one pass, and their values: ten of 227×227, four volumes of 32×64×64
AIR, PART = 0.1, 0.1  # of the brightest: what is darker is air; of the largest part: what is smaller is no patient


@dataclass(frozen=True)
class Cases:
    """Pictures or volumes with what is known of them; checked once, when they are made.

    Args:
        images: (N,C,H,W) or (N,C,D,H,W) floats in [0,1], as the network takes them before its normalisation.
        positive: (N) bool: whether the finding is there, by the labels.
        outlines: (N,1,H,W) or (N,1,D,H,W) bool: where it is. A picture without an outline has False everywhere.
        patients: N names. Pictures of one patient are no independent evidence: intervals draw whole patients.
        grids: Where each lies, if it was read from NIfTI or DICOM, with its ``spacing`` in millimetres; None for one
            that was not.

    Raises:
        U3Error: Numbers of pictures, labels, outlines and patients that do not fit; NaN, or values outside [0,1];
            pictures of one class alone.
    """

    images: Tensor
    positive: Tensor
    outlines: Tensor | None = None
    patients: Sequence[str] | None = None
    grids: Sequence[Any] | None = None

    def __post_init__(self) -> None:
        check(self.images, None, 3 if getattr(self.images, "ndim", 0) == 5 else 2)
        if min(self.images.shape[2:]) < 2:
            told = "×".join(map(str, self.images.shape[2:]))
            raise U3Error(f"the pictures are of {told} pixels; an audit needs 2 or more along each side")
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


def score(net: nn.Module, images: Tensor, positive: int | str | Region) -> Tensor:
    """The log-odds of the finding, (N): above 0 the network says that it is there.

    Of a network for segmentation the largest of a picture; if ``positive`` is a Region, their mean over that.
    """
    found = odds(net, images, positive.label if isinstance(positive, Region) else positive)
    if found.ndim == 1:
        return found
    if not isinstance(positive, Region):
        return found.flatten(1).amax(1)
    inside = positive.mask.expand_as(found)
    return (found * inside).flatten(1).sum(1) / inside.flatten(1).sum(1)


def odds(net: nn.Module, images: Tensor, positive: int | str) -> Tensor:
    """The log-odds of the positive class, (N) or, of a network for segmentation, (N,H,W) or (N,D,H,W).

    log p/(1 − p) for p, the class's softmax over K ≥ 2 scores; of one score, or of classes with a sigmoid each, the
    score itself. Where pixels have K > 2 classes, it is against the best of the others, as the answer is the best.
    """
    ask = LogOdds(ready(net), positive)
    with torch.no_grad():
        return torch.cat([ask(some).float().cpu() for some in images.split(at_once(images))])[:, 0]


class LogOdds(nn.Module):
    """The network with the finding's log-odds for its only answer: what a map of the audit explains.

    (N,C,…) → (N,1) or, of a network for segmentation, (N,1,…) as large as the pictures; see :func:`odds`.
    """

    def __init__(self, net: Classifier, positive: int | str) -> None:
        super().__init__()
        self.net, self.positive = net, positive
        self.training = net.training

    def forward(self, images: Tensor) -> Tensor:
        scores = self.net(images)
        if scores.ndim not in (2, images.ndim) or not scores.isfinite().all():
            raise U3Error(f"{self.net.name} answers {shown(scores)} for these pictures; finite scores (N,K), or maps "
                          "of them, are wanted")
        found = log_odds(self.net, scores, self.positive)[:, None]
        if scores.ndim == 2 or scores.shape[2:] == images.shape[2:]:
            return found
        return nn.functional.interpolate(found, images.shape[2:], align_corners=False,
                                         mode="bilinear" if images.ndim == 4 else "trilinear")


def log_odds(net: Classifier, scores: Tensor, positive: int | str) -> Tensor:
    """Scores (B,K,…) → (B,…)."""
    if scores.shape[1] == 1:
        return scores[:, 0]
    k = number_of(net, positive, scores.shape[1])
    if net.sigmoid:
        return scores[:, k]
    others = scores.index_fill(1, torch.tensor(k, device=scores.device), -torch.inf)
    return scores[:, k] - (others.logsumexp(1) if scores.ndim == 2 else others.amax(1))


def target(net: nn.Module, images: Tensor, positive: int | str) -> int | str | Region:
    """What is asked about pictures with a finding: its class or, of a network for segmentation, where it sees it."""
    found = odds(net, images, positive)
    return positive if found.ndim == 1 else Region(positive, region_in(found))


def region_in(found: Tensor) -> Tensor:
    """Where log-odds (N,…) are above 0. It is never empty: in another batch, rounding may leave the highest at 0."""
    return (found > 0) | (found == found.amax(tuple(range(1, found.ndim)), keepdim=True))


def found(net: nn.Module, cases: Cases, positive: int | str) -> tuple[Tensor, int | str | Region]:
    """Which outlined positives the network finds, (n) numbers of pictures, and what is asked of each.

    Of a network for segmentation they are the connected parts of its answer that touch an outline: a picture has as
    many as were found in it, and each is a Region.
    """
    from scipy import ndimage

    marked = cases.positive & cases.outlines.flatten(1).any(1)
    seen = odds(net, cases.images, positive)
    if seen.ndim == 1:
        return (marked & (seen > 0)).nonzero()[:, 0], positive
    which, parts = [], [torch.zeros(0, *seen.shape[1:], dtype=torch.bool)]
    for n in marked.nonzero()[:, 0].tolist():
        numbers = torch.from_numpy(ndimage.label((seen[n] > 0).numpy())[0])
        touching = numbers[cases.outlines[n, 0]].unique()
        touching = touching[touching > 0]
        parts.append(numbers[None] == touching.view(-1, *[1] * numbers.ndim))
        which += [n] * len(touching)
    return torch.tensor(which, dtype=torch.long), Region(positive, torch.cat(parts))


def at_once(images: Tensor) -> int:
    """How many of these one pass takes: volumes are large, and so is what a network makes of them."""
    return min(AT_ONCE, max(1, VALUES // images[0].numel()))


def some_of(which: Tensor, most: int, seed: int) -> Tensor:
    """At most so many of these numbers, drawn, in their order."""
    order = torch.randperm(len(which), generator=torch.Generator().manual_seed(whole("seed", seed, 0)))
    return which[order[: whole("most", most)]].sort().values


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
