"""Pictures with a mask for each concept: what dissection reads, and the plain form of it that lies in memory.

    data = LabelledPictures(("cat", "grass"), images, masks)
    len(data), data.names                    # N, ("cat", "grass")
    data[[0, 5]].masks                       # (2,2,h,w) bool

:mod:`u3lab.datasets.concepts` makes such data, and ``broden`` reads them from a folder; a class of your own needs the
three attributes of :class:`ConceptData`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from u3lab import images as _images
from u3lab.errors import U3Error


class Labelled(NamedTuple):
    """Some pictures with dense labels.

    ``images`` are (B,3,H,W) in [0,1]; ``masks`` (B,C,h,w) bool, one for each concept, which may overlap; ``labelled``
    (B,C) bool says for which concepts a picture was looked at at all.
    """

    images: Tensor
    masks: Tensor
    labelled: Tensor


class ConceptData(Protocol):
    """A data set of labelled pictures: its concepts' names, its length, and some of its pictures by their numbers."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, which: Sequence[int]) -> Labelled: ...


def batches(data: ConceptData, *, batch_size: int = 8, which: Sequence[int] | None = None) -> Iterator[Labelled]:
    """The pictures in groups of ``batch_size``; all, or those with these numbers."""
    chosen = range(len(data)) if which is None else which
    for start in range(0, len(chosen), batch_size):
        yield check(data[list(chosen[start : start + batch_size])], data.names)


def check(batch: Labelled, names: tuple[str, ...]) -> Labelled:
    """The batch, if its parts fit each other and the names.

    Raises
    ------
    U3Error
        What is no picture, or masks and flags of another number, shape or type.
    """
    _images.check(batch.images)
    count, wanted = len(batch.images), (len(batch.images), len(names))
    if batch.masks.ndim != 4 or batch.masks.shape[:2] != wanted or batch.labelled.shape != wanted:
        raise U3Error(f"{count} pictures and {len(names)} concepts need masks ({count},{len(names)},h,w) and labelled "
                      f"({count},{len(names)}), not {tuple(batch.masks.shape)} and {tuple(batch.labelled.shape)}")
    if batch.masks.dtype != torch.bool or batch.labelled.dtype != torch.bool:
        raise U3Error(f"masks of {batch.masks.dtype}, labelled of {batch.labelled.dtype}: give bool, for example "
                      "masks > 0.5")
    return batch


@dataclass(frozen=True)
class LabelledPictures:
    """Labelled pictures in memory: ``images`` (N,3,H,W) in [0,1], ``masks`` (N,C,h,w) bool, ``labelled`` (N,C) bool.

    Without ``labelled`` every picture counts for every concept.
    """

    names: tuple[str, ...]
    images: Tensor
    masks: Tensor
    labelled: Tensor | None = None

    def __post_init__(self) -> None:
        parts = {"masks": self.masks, "labelled": self.labelled}
        if (wrong := [name for name, part in parts.items() if part is not None and len(part) != len(self.images)]):
            raise U3Error(f"{len(self.images)} pictures have {len(parts[wrong[0]])} {wrong[0]}; give one for each")

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, which: Sequence[int]) -> Labelled:
        labelled = self.labelled
        if labelled is None:
            labelled = torch.ones(len(self.images), len(self.names), dtype=torch.bool)
        return Labelled(self.images[which], self.masks[which], labelled[which])
