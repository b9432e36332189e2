"""Pictures with a mask for each concept: what dissection reads, and the plain form of it that lies in memory.

    data = LabelledPictures(("cat", "grass"), images, masks)
    len(data), data.names                    # N, ("cat", "grass")
    data[[0, 5]].masks                       # (2,2,h,w) bool

:mod:`u3course.worlds.concepts` makes such data; a class of your own, such as a reader of the real Broden, needs
the three attributes of :class:`ConceptData`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from u3lab import images as _images
from u3lab.checks import booleans, is_a, shown, whole, wholes, words
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
    """The pictures in groups of ``batch_size``; all, or those with these numbers.

    Raises:
        U3Error: At the call if the data are none; at a batch if its pictures and masks do not fit.
    """
    data, batch_size = known(data), whole("batch_size", batch_size)
    chosen = range(len(data)) if which is None else wholes("which", which, 0, len(data) - 1, none=True)
    return (some(data, chosen[start : start + batch_size]) for start in range(0, len(chosen), batch_size))


def known(data: ConceptData) -> ConceptData:
    """The data, if they have what every :class:`ConceptData` has, and some pictures and concepts."""
    names = getattr(data, "names", None)
    if not isinstance(names, (tuple, list)) or not (hasattr(data, "__len__") and hasattr(data, "__getitem__")):
        raise U3Error(f"data is {shown(data)}; give labelled pictures such as concepts.load(), or make them with "
                      "LabelledPictures(names, images, masks)")
    if not all(isinstance(name, str) for name in names) or not names:
        raise U3Error(f"data.names is {shown(names)}; give the names of the concepts, at least one, as texts")
    if not len(data):
        raise U3Error("there are no pictures in the data; give at least one")
    return data


def some(data: ConceptData, which: Sequence[int]) -> Labelled:
    """The pictures with these numbers, checked."""
    batch = check(data[list(which)], data.names)
    if len(batch.images) != len(which):
        raise U3Error(f"data[[…]] gave {len(batch.images)} pictures for {len(which)} numbers; let it give one for each")
    return batch


def check(batch: Labelled, names: tuple[str, ...]) -> Labelled:
    """The batch, if its parts fit each other and the names.

    Raises:
        U3Error: What is no picture, or masks and flags of another number, shape or type.
    """
    is_a("a batch of the data", batch, Labelled, "their __getitem__ has to return Labelled(images, masks, labelled)")
    _images.check(batch.images)
    booleans("give bool, for example masks > 0.5", masks=(batch.masks, "BChw"))
    booleans("give bool, for example torch.ones(B, C, dtype=torch.bool)", labelled=(batch.labelled, "BC"))
    count, wanted = len(batch.images), (len(batch.images), len(names))
    if batch.masks.shape[:2] != wanted or batch.labelled.shape != wanted:
        raise U3Error(f"{count} pictures and {len(names)} concepts need masks ({count},{len(names)},h,w) and labelled "
                      f"({count},{len(names)}), not {tuple(batch.masks.shape)} and {tuple(batch.labelled.shape)}")
    return batch


@dataclass(frozen=True)
class LabelledPictures:
    """Labelled pictures in memory: ``images`` (N,3,H,W) in [0,1], ``masks`` (N,C,h,w) bool, ``labelled`` (N,C) bool.

    Without ``labelled`` every picture counts for every concept. What does not fit is refused with U3Error.
    """

    names: tuple[str, ...]
    images: Tensor
    masks: Tensor
    labelled: Tensor | None = None

    def __post_init__(self) -> None:
        is_a("images", self.images, Tensor, "give pictures (N,3,H,W) in [0,1]")
        words("names", is_a("names", self.names, (tuple, list), "give the concepts' names, such as ('cat', 'grass')"))
        known(self)
        parts = {"masks": self.masks, "labelled": self._labelled}
        for name, part in parts.items():
            if len(is_a(name, part, Tensor, "give a bool tensor")) != len(self.images):
                raise U3Error(f"{len(self.images)} pictures have {len(part)} {name}; give one for each")
        check(Labelled(self.images, **parts), self.names)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, which: Sequence[int]) -> Labelled:
        which = wholes("which", which, 0, len(self) - 1)
        return Labelled(self.images[which], self.masks[which], self._labelled[which])

    @property
    def _labelled(self) -> Tensor:
        if self.labelled is None:
            return torch.ones(len(self.images), len(self.names), dtype=torch.bool)
        return self.labelled
