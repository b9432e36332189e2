"""The real Broden data set, read from the folder that its makers publish: pictures with masks of some 1200 concepts.

    data = broden("broden1_227", categories=("object", "part"), split="val")
    data.names[0], data.categories[0]        # a concept and its category
    data[[0, 5]].masks                       # (2,C,113,113) bool

Bau, Zhou, Khosla, Oliva & Torralba, Network dissection, CVPR 2017. Each row of ``index.csv`` is a picture. Its cell for
a category holds, separated by ";", segmentation files, whose pixels are label numbers as R + 256·G, and label numbers
that hold for the whole picture. Number 0 is no label, an empty cell a category nobody looked at. ``label.csv`` names
the numbers.
"""

from __future__ import annotations

import csv
import dataclasses
import os
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from u3lab import images
from u3lab.checks import SIDE, place, shown, whole, wholes, words
from u3lab.datasets.labelled import Labelled
from u3lab.errors import U3Error

NO_CATEGORIES = ("image", "split", "ih", "iw", "sh", "sw")  # the first columns of index.csv; the rest are categories
GET_IT = ("unpack broden1_227.zip (about 1 GB; script/dlbroden_227.sh of github.com/CSAILVision/NetDissect, or the "
          "project's page netdissect.csail.mit.edu, has it) and give the path of the folder with index.csv in it")
ANEW = "unpack the archive anew, it may not be complete"


class Concept(NamedTuple):
    """A label number within a category, and the name to show for the pair."""

    category: str
    number: int
    name: str


class Picture(NamedTuple):
    """A row of the index: the picture's file, its segmentations' size, and what its cells hold, by category."""

    file: str
    height: int
    width: int
    cells: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Broden:
    """Labelled pictures (see :class:`u3lab.datasets.labelled.ConceptData`) that stay on the disk until asked for.

    ``known`` has every (category, number) that a cell may hold, ``concepts`` those that get a mask.
    """

    root: Path
    size: int
    pictures: tuple[Picture, ...] = field(repr=False)
    concepts: tuple[Concept, ...] = field(repr=False)
    known: frozenset[tuple[str, int]] = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each concept, (C)."""
        return tuple(concept.name for concept in self.concepts)

    @property
    def categories(self) -> tuple[str, ...]:
        """The category of each concept, (C)."""
        return tuple(concept.category for concept in self.concepts)

    def without(self, names: Collection[str]) -> Broden:
        """The same pictures without some concepts, since a rare one may have no pixel left in a split."""
        if (unknown := sorted(set(names := words("names", names, none=True)) - set(self.names))):
            raise U3Error(f"{', '.join(map(repr, unknown))} is not among the concepts; look in .names, and give a list")
        return dataclasses.replace(self, concepts=tuple(c for c in self.concepts if c.name not in names))

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, numbers: Sequence[int]) -> Labelled:
        """Some pictures, read now: images (B,3,size,size) in [0,1], masks (B,C,sh,sw), labelled (B,C).

        A picture that is not square is squeezed, not cropped, since its masks cover all of it.

        Raises:
            U3Error: No numbers, segmentations of several sizes, a file that is missing, broken or not of the size that
                the index tells, a label number that label.csv does not have.
        """
        chosen = [self.pictures[n] for n in wholes("numbers", numbers, 0, len(self) - 1, none=True)]
        sizes = sorted({(picture.height, picture.width) for picture in chosen})
        if len(sizes) != 1:
            said = " and ".join(f"{height}×{width}" for height, width in sizes)
            raise U3Error(f"the segmentations of one batch are {said} pixels; take pictures of one release, or one at "
                          "a time" if sizes else "no pictures were asked for; give their numbers, for example [0, 1]")
        masks = torch.zeros(len(chosen), len(self.concepts), *sizes[0], dtype=torch.bool)
        column = {(concept.category, concept.number): n for n, concept in enumerate(self.concepts)}
        for picture, mask in zip(chosen, masks, strict=True):
            for category, cell in picture.cells.items():
                for item in cell:
                    self._draw(mask, picture, category, item, column)
        labelled = torch.tensor([[one in picture.cells for one in self.categories] for picture in chosen]).bool()
        return Labelled(torch.cat([self._image(picture) for picture in chosen]), masks, labelled)

    def _draw(self, masks: Tensor, picture: Picture, category: str, item: str,
              column: dict[tuple[str, int], int]) -> None:
        """Add one layer of a picture, a file or a number that holds everywhere, to its masks (C,sh,sw)."""
        whole = item.isdecimal()
        layer = np.full((picture.height, picture.width), int(item)) if whole else self._layer(picture, item)
        for number in np.unique(layer).tolist():
            if number and (category, number) not in self.known:
                where = f"the {category} cell of {picture.file}" if whole else item
                raise U3Error(f"{where} has label number {number}, but {self.root / 'label.csv'} has no such {category}"
                              f"; take both from one release, or {ANEW}")
            if (category, number) in column:
                masks[column[category, number]] |= torch.from_numpy(layer == number)

    def _layer(self, picture: Picture, name: str) -> np.ndarray:
        """The label numbers of a segmentation file, (sh,sw)."""
        file = self._file(name)
        try:
            with Image.open(file) as opened:
                mode, pixels = opened.mode, np.asarray(opened)
        except Exception:  # decoders raise nearly anything on a broken file
            raise U3Error(f"{file} cannot be read as a picture; {ANEW}") from None
        if mode != "RGB" or pixels.shape[:2] != (picture.height, picture.width):
            height, width = pixels.shape[:2]
            raise U3Error(f"{file} is a picture of mode {mode} with {height}×{width} pixels, but index.csv wants RGB "
                          f"and {picture.height}×{picture.width}; take both from one release, or {ANEW}")
        return pixels[..., 0] + 256 * pixels[..., 1].astype(np.int64)

    def _image(self, picture: Picture) -> Tensor:
        """The picture itself, (1,3,size,size) in [0,1]."""
        found, wanted = images.load(self._file(picture.file)), (self.size, self.size)
        if found.shape[-2:] == wanted:
            return found
        return F.interpolate(found, size=wanted, mode="bilinear", antialias=True, align_corners=False)

    def _file(self, name: str) -> Path:
        file = self.root / "images" / name
        if not file.is_file():
            raise U3Error(f"index.csv names {file}, but there is no such file; {ANEW}")
        return file


def broden(path: str | os.PathLike[str], *, categories: Collection[str] | None = None, split: str | None = None,
           size: int = 227) -> Broden:
    """The Broden data set in a folder; only its index is read.

    Args:
        path: The folder broden1_224, broden1_227 or broden1_384, as unpacked.
        categories: Of color, object, part, material, scene and texture; by default all. As in the paper's code,
            pictures that are labelled for none of them are left out.
        split: "train" or "val"; by default both.
        size: The pictures' height and width in pixels.
        A name that two categories use gets its category, as "wood (object)", whatever categories are chosen.

    Raises:
        U3Error: No such folder, or one of another format; an unknown category; no pictures in the split or of the
            categories.
    """
    size = whole("size", size, 1, SIDE)
    root = place("path", path, "Broden's folder")
    rows = _rows(root / "index.csv", NO_CATEGORIES)
    wanted = _wanted(categories, rows)
    chosen = [row for row in rows if split is None or row["split"] == split]
    if not chosen:
        splits = ", ".join(sorted({repr(row["split"]) for row in rows}))
        raise U3Error(f"index.csv has no pictures of the split {shown(split)}; choose among {splits}, or None for all")
    pictures = tuple(picture for row in chosen if (picture := _picture(row, wanted)).cells)
    if not pictures:
        raise U3Error(f"no picture is labelled for {', '.join(wanted) or 'no category'}; choose more categories")
    concepts = _concepts(root / "label.csv", wanted)
    return Broden(root, size, pictures, concepts, frozenset((c.category, c.number) for c in concepts))


def _wanted(categories: Collection[str] | None, rows: Sequence[dict[str, str]]) -> list[str]:
    """The categories that were chosen, in the index's order."""
    known = [column for column in rows[0] if column and column not in NO_CATEGORIES]
    given = known if categories is None else [categories] if isinstance(categories, str) else categories
    chosen = set(words("categories", given, none=True))
    if (unknown := sorted(chosen - set(known))):
        raise U3Error(f"there is no category {', '.join(map(repr, unknown))}; choose among {', '.join(known)}")
    return [category for category in known if category in chosen]


def _rows(file: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows, at least one, of a table that must have some columns; a cell that a row lacks is empty."""
    if not file.is_file():
        raise U3Error(f"{file.parent} is no Broden folder, it has no {file.name}; {GET_IT}")
    try:
        with open(file, newline="", encoding="utf-8") as opened:
            table = csv.DictReader(opened, restval="")
            found, rows = table.fieldnames or (), list(table)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise U3Error(f"{file} cannot be read as a table ({error}); {ANEW}") from None
    if (missing := [column for column in columns if column not in found]):
        raise U3Error(f"{file} has no column {', '.join(missing)}, so it is not Broden's; {GET_IT}")
    if not rows:
        raise U3Error(f"{file} has no rows; {ANEW}")
    return rows


def _whole(row: dict[str, str], column: str, table: str) -> int:
    if not row[column].isdecimal():
        raise U3Error(f"{table} has {row[column]!r} as {column}, where a whole number is wanted; {ANEW}")
    return int(row[column])


def _picture(row: dict[str, str], categories: Sequence[str]) -> Picture:
    """A row of the index, with its cells for some categories that are not empty."""
    cells = {}
    for category in categories:
        items = [item.strip() for item in row[category].split(";")]
        # A label too rare for label.csv became a 0: the paper wants at least one labelled concept, so that is empty.
        if (kept := tuple(item for item in items if item.strip("0"))):
            cells[category] = kept
    return Picture(row["image"], _whole(row, "sh", "index.csv"), _whole(row, "sw", "index.csv"), cells)


def _concepts(file: Path, categories: Sequence[str]) -> tuple[Concept, ...]:
    """The concepts of some categories, in their order, then by number."""
    pairs = []
    for row in _rows(file, ("number", "name", "category")):
        number = _whole(row, "number", file.name)
        for said in row["category"].split(";"):  # as in "object(12);part(3)", with the pictures that have it
            pairs.append(Concept(said.partition("(")[0].strip(), number, row["name"]))
    uses = Counter(pair.name for pair in pairs)
    named = [pair._replace(name=f"{pair.name} ({pair.category})") if uses[pair.name] > 1 else pair for pair in pairs]
    kept = [pair for pair in named if pair.category in categories]
    return tuple(sorted(kept, key=lambda pair: (categories.index(pair.category), pair.number)))
