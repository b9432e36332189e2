"""The pocket Broden: pictures in which every pixel is labelled with what is there, made from what ships.

    data = load()                        # 1500 training pictures, made once and kept
    data.names, data.categories          # concept → its category
    data[[0, 1]].images                  # (2,3,227,227) in [0,1]
    data[[0, 1]].masks                   # (2,C,113,113) bool

Broden (Bau et al., Network dissection, CVPR 2017) is 63,000 photos labelled by people. Here the photos are the course's
own, with outlines drawn by hand, and textures, things, cut-outs, words and faces are pasted on them, so a concept's
surroundings say little about it. "pasted edge" is a control: a unit that likes it likes the paste.
"""

import difflib
import io
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from u3course.worlds import composing, keeping, patterns
from u3lab._system import memory
from u3lab.checks import is_a, one_of, whole, wholes, words
from u3lab.datasets import cutouts, outlines, packed, taxonomy
from u3lab.datasets.labelled import Labelled
from u3lab.errors import U3Error

WIDER = ("animal", "mammal", "carnivore", "canine", "bear", "bovid", "equine", "bird", "fish", "reptile", "flower",
         "tool", "vehicle")
CATEGORIES = {
    "texture": (*patterns.PATTERNS, *composing.GREY),
    "material": ("fur", "scales", "skin", "stone", "metal", "wood", "fabric", "ceramic"),
    "object": (*WIDER, "cat", "dog", "sheep", "bison", "panda", "koala", "polar bear", "lemur", "komodo dragon", "duck",
               "hen", "macaw", "goldfish", "clownfish", "horse", "person", "cup", "plate", "spoon", "table", "coin",
               "hammer", "screwdriver", "rocket", "camera", "tripod", "motorcycle", "flag", "building", "sky",
               "water", "grass", "tree", "ground", "rock", "text", *dict.fromkeys(
                   label for label in composing.LABELS.values() if label not in WIDER)),
    "part": ("eye", "nose", "ear", "beak", "leg", "tail", "wing", "fin", "head", "face", "hair", "hand", "wheel",
             "window", "dome", "arch", "tower", "handle"),
    "colour": composing.COLOURS,
    "scene": tuple(composing.SCENES),
    "medical": ("grey matter", "white matter", "outside of the brain"),
    "control": ("pasted edge",)}
CATEGORY = {name: category for category, names in CATEGORIES.items() for name in names}
PARTLY = ("scene", "medical")  # categories that some pictures only are labelled for
SIZE = 227


@dataclass(frozen=True)
class Concepts:
    """Labelled pictures that lie compressed in memory, about 30 kB each.

    ``names`` and ``categories`` are the concepts, each with its category; ``pixels`` (N,C) int32 says how many pixels
    of each a picture has, of 113².
    """

    names: tuple[str, ...]
    pixels: Tensor
    _pictures: tuple[bytes, ...]
    _masks: tuple[bytes, ...]
    _looked: dict[str, Tensor]  # category → (N) bool; other pictures were not looked at for it

    @property
    def categories(self) -> tuple[str, ...]:
        return tuple(CATEGORY[name] for name in self.names)

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, which: Sequence[int]) -> Labelled:
        """Some pictures by their numbers, in a list: images (B,3,227,227), masks (B,C,113,113), labelled (B,C)."""
        which = wholes("which", which, 0, len(self) - 1)
        images = [torch.from_numpy(np.array(Image.open(io.BytesIO(self._pictures[n])))) for n in which]
        columns = [_ALL.index(name) for name in self.names]
        masks = [_unpacked(self._masks[n], columns) for n in which]
        everywhere = torch.ones(len(self), dtype=torch.bool)
        labelled = torch.stack([self._looked.get(one, everywhere)[which] for one in self.categories], 1)
        return Labelled(torch.stack(images).permute(0, 3, 1, 2).float() / 255, torch.stack(masks), labelled)

    def masks(self, name: str, which: Sequence[int]) -> Tensor:
        """The masks of one concept alone, (len(which),113,113) bool; quicker than by ``self[which]``."""
        self.only([is_a("name", name, str, "give the name of a concept")])  # says so if there is none
        which = wholes("which", which, 0, len(self) - 1)
        return torch.cat([_unpacked(self._masks[n], [_ALL.index(name)]) for n in which])

    def only(self, names: Sequence[str]) -> "Concepts":
        """The same pictures with some of the concepts.

        Raises U3Error on a name that they do not have.
        """
        for name in (names := words("names", names)):
            if name not in self.names:
                near = difflib.get_close_matches(name[:80], self.names)
                raise U3Error(f"no picture has enough of {name[:80]!r}; "
                              + (f"near it: {', '.join(near)}; " if near else "") + "all concepts are in data.names")
        return replace(self, names=tuple(names), pixels=self.pixels[:, [self.names.index(name) for name in names]])

    def showing(self, name: str, *, least: int = 1) -> list[int]:
        """The numbers of the pictures that have at least so many pixels of a concept."""
        name, least = is_a("name", name, str, "give the name of a concept"), whole("least", least)
        return (self.only([name]).pixels[:, 0] >= least).nonzero()[:, 0].tolist()


_ALL = tuple(CATEGORY)
MOST = 20_000  # pictures: 20 kB each, which are kept in memory


def load(split: str = "train", *, count: int = 1500, seed: int = 0, least: int = 8) -> Concepts:
    """Labelled pictures at 227 px: made the first time (about 20 ms each), then read from the user's cache folder.

    Args:
        split: "train" or "validation": no photo, face, font or brain slice is in both; of the photos of brick and
            gravel, which are single, each has one half.
        least: Concepts that fewer pictures show are left out of ``names``.

    Raises:
        U3Error: An unknown split, or a count below 1 or over 20,000.
    """
    one_of("split", split, composing.SPLITS)
    whole("count", count, 1, MOST)
    return _load(split, count, whole("seed", seed, 0, 2**31 - 1), whole("least", least))


@cache
def _load(split: str, count: int, seed: int, least: int) -> Concepts:
    """Each once: the same pictures are the same object."""
    makers = (sys.modules[__name__], composing, cutouts, outlines, packed, patterns, taxonomy)
    file = keeping.file(f"concepts-{split}-{count}-{seed}", ".pt", makers, ("concepts",))
    content = io.BytesIO(keeping.once(file, lambda: _made(split, count, seed)))
    pictures, masks, pixels = torch.load(content, weights_only=True)
    names = tuple(name for name, shown in zip(_ALL, (pixels > 0).sum(0).tolist(), strict=True) if shown >= least)
    looked = {one: (pixels[:, [_ALL.index(name) for name in CATEGORIES[one]]] > 0).any(1) for one in PARTLY}
    return Concepts(names, pixels[:, [_ALL.index(name) for name in names]], tuple(pictures), tuple(masks), looked)


def sources(split: str) -> dict[str, int]:
    """From how many photos, or series of cut-outs, each concept comes that a photo can show, in one split.

    A label that rests on one photo may be that photo, and a number measured on it a number on that photo. Painted
    patterns, printed words, faces (50 people), colours and scenes are not counted.

    Raises U3Error on an unknown split.
    """
    one_of("split", split, composing.SPLITS)
    found: dict[str, set[str]] = {}
    for name in composing.photos(split):
        for one in outlines.outlines(name):
            for label in one.labels:
                found.setdefault(label, set()).add(name)
    for name in composing.stamps(split):
        found.setdefault(composing.LABELS[cutouts.about(name).kind], set()).add(cutouts.about(name).series)
    for wider in WIDER:
        found[wider] = set().union(*(some for name, some in found.items() if wider in taxonomy.ancestors(name)))
    return {name: len(some) for name, some in found.items() if CATEGORY.get(name) in ("object", "part", "material")}


def _made(split: str, count: int, seed: int) -> bytes:
    """The pictures, their masks and how many pixels each concept has, as a file."""
    from tqdm.auto import tqdm

    pictures, masked, pixels = [], [], torch.zeros(count, len(_ALL), dtype=torch.int32)
    for n in tqdm(range(count), desc=f"{split} pictures", disable=count < 100, leave=False):
        draw = torch.Generator().manual_seed(1_000_003 * seed + 2 * n + composing.SPLITS.index(split))
        image, found = composing.compose(SIZE, split, draw)
        masks = torch.zeros(len(_ALL), SIZE // 2, SIZE // 2, dtype=torch.bool)
        for name, mask in found.items():  # a wider concept is where anything is that is below it in the is-a tree
            for one in {name, *set(taxonomy.ancestors(name)) & set(WIDER)} & CATEGORY.keys():
                masks[_ALL.index(one)] |= mask
        written = io.BytesIO()
        Image.fromarray((image.permute(1, 2, 0) * 255).round().byte().numpy()).save(
            written, "JPEG", quality=95, subsampling=0)
        pictures.append(written.getvalue())
        masked.append(zlib.compress(np.packbits(masks.flatten(1).numpy(), axis=1).tobytes(), 6))
        pixels[n] = masks.sum((1, 2))
    for material in (outlines.outlines, composing.annotated, composing.things, composing.stamp):  # some 100 megabytes
        material.cache_clear()
    memory.give_back()
    content = io.BytesIO()
    torch.save((pictures, masked, pixels), content)
    return content.getvalue()


def _unpacked(packed: bytes, columns: list[int]) -> Tensor:
    """The masks of some of all concepts, (len(columns),113,113) bool."""
    side, rows = SIZE // 2, np.frombuffer(zlib.decompress(packed), np.uint8).reshape(len(_ALL), -1)[columns]
    return torch.from_numpy(np.unpackbits(rows, axis=1, count=side**2)).view(torch.bool).view(len(columns), side, side)
