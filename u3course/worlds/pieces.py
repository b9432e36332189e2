"""What the pocket Broden is put together from: textures, words, faces, brains, and things cut out of photos.

A piece is a small picture with an alpha channel and the masks of what is in it. Each is taken from the photos, faces,
fonts and slices of one split, so that what is learned on one is judged on others.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from u3course.worlds.patterns import PATTERNS, paint, shape
from u3lab import images as _images
from u3lab._system import paths
from u3lab.datasets import cutouts
from u3lab.datasets.outlines import outlines, photo
from u3lab.images import cropping

SPLITS = ("train", "validation")
SCENES = {"pasture": ("sheep", "hens", "bison", "dog"), "night": ("rocket", "palace"),
          "monuments": ("china", "castle", "aqueduct", "arch", "taj_mahal", "stupa"),
          "tabletop": ("coffee", "hammer", "screwdriver", "coins")}
LONG = 140  # pixels of the longer side of a thing, at most: it is pasted at half this size to a little over it
GREY = ("brick", "gravel")  # textures that ship as grey photos
CUT = ("cat", "dog", "sheep", "bison", "panda", "koala", "polar bear", "lemur", "komodo dragon", "duck", "hen", "macaw",
       "goldfish", "clownfish", "person", "cup", "coin", "hammer", "screwdriver", "rocket", "tripod", "camera",
       "flower", "motorcycle", "wheel", "dome", "tower", "horse")  # things that can stand by themselves
RENAMED = {"bovine": "cattle", "cat": "big cat", "dog": "canine", "horse": "equine"}
LABELS = {kind: RENAMED.get(kind, kind) for kind in (  # kind of a cut-out (see datasets.cutouts) → its name here
    "bird", "fish", "insect", "reptile", "ape", "bear", "bovine", "antelope", "cat", "deer", "dog", "horse", "rabbit",
    "pig", "rodent", "mammal", "fruit", "vegetable", "flower", "tree", "mushroom", "tool", "instrument", "ball",
    "vehicle", "craft")}
WORDS = ("the light house retina signal image brain cell river doctor window small green letter night and then it was "
         "under water seven open look here map of scan dose left right lung heart bone skin nerve blood").split()
FONTS = {"train": ("DejaVuSans.ttf", "DejaVuSansMono-Bold.ttf", "DejaVuSans-Oblique.ttf"),
         "validation": ("DejaVuSerif.ttf", "DejaVuSerif-Bold.ttf")}


class Piece(NamedTuple):
    """``image`` (3,h,w) in [0,1], ``alpha`` (h,w) in [0,1], and for each of K ``labels`` a mask (K,h,w) bool."""

    image: Tensor
    alpha: Tensor
    masks: Tensor
    labels: tuple[str, ...]


def photos(split: str) -> list[str]:
    """The photos of a split; the motorcycle and the horse, which are single, are for training."""
    fit, held_out = cropping.sources()
    return [*fit, "motorcycle"] if split == "train" else held_out


def uniform(generator: torch.Generator, low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand((), generator=generator))


def pick(options: tuple | list, generator: torch.Generator):  # noqa: ANN201 — whatever the options are
    """One of them, each as likely."""
    return options[int(torch.randint(len(options), (), generator=generator))]


@cache
def annotated(name: str) -> Piece:
    """A whole photo with all its outlines, one mask for each label."""
    image = photo(name)[0]
    masks: dict[str, np.ndarray] = {}
    for one in outlines(name):
        for label in one.labels:
            masks[label] = masks.get(label, False) | one.mask
    stacked = np.array([*masks.values()], bool).reshape(-1, *image.shape[1:])
    return Piece(image, torch.ones(image.shape[1:]), torch.from_numpy(stacked), tuple(masks))


@cache
def things(split: str) -> dict[str, list[Piece]]:
    """Name → the things of that name cut out of the split's photos; what lies on a thing goes with it."""
    found: dict[str, list[Piece]] = {}
    for name in photos(split):
        drawn = outlines(name)
        for one in drawn:
            if one.labels[0] in CUT and one.mask.sum() > 500:
                found.setdefault(one.labels[0], []).append(_cut(photo(name)[0], one.mask, drawn))
    if split == "train":  # the horse of scikit-image: a dark shape, without a photo of it
        from skimage import data

        inside = torch.from_numpy(~np.asarray(data.horse(), bool))
        found["horse"] = [Piece(torch.full((3, *inside.shape), 0.08), inside.float(), inside[None], ("horse",))]
    return found


@cache
def stamps(split: str) -> list[str]:
    """The names of the split's cut-outs of a kind that has a label."""
    return [name for name in cutouts.names(split={"train": "train", "validation": "test"}[split])
            if cutouts.about(name).kind in LABELS]


@cache
def stamp(name: str) -> Piece:
    """A cut-out, which has one label."""
    label = LABELS[cutouts.about(name).kind]
    image, alpha = cutouts.load(name, size=LONG)
    colour = ((image - 1 + alpha) / alpha.clamp(min=1e-3)).clamp(0, 1)  # as it is without the white paper behind it
    return Piece(colour[0], alpha[0, 0], alpha[0] > 0.5, (label,))


def _cut(image: Tensor, mask: np.ndarray, drawn: tuple) -> Piece:
    """The part of a photo inside a mask, with the masks of whatever lies on it for four fifths."""
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    labels: dict[str, np.ndarray] = {}
    for other in drawn:
        inside = other.mask & mask
        if inside.sum() > 0.8 * other.mask.sum():
            for label in other.labels:
                labels[label] = labels.get(label, False) | inside[box]
    alpha = _images.blur(torch.from_numpy(mask[box]).float()[None, None], 0.7)
    masks = torch.from_numpy(np.stack(list(labels.values()))).float()
    layers = torch.cat([image[(slice(None), *box)], alpha[0], masks])
    short, long = sorted(layers.shape[1:])
    if long > LONG:
        layers = _images.resize(layers[None], max(1, round(short * LONG / long)))[0].clamp(0, 1)
    return Piece(layers[:3], layers[3], layers[4:] > 0.5, tuple(labels))


def texture(name: str, size: int, split: str, generator: torch.Generator) -> Piece:
    """A patch of a texture, seen through a box or a blob; brick and gravel are tinted, and each split has its half."""
    if name in PATTERNS:
        image = paint(name, size, generator)[0]
    else:
        whole = _images.load(name)[0]
        half = whole.shape[2] // 2
        part = whole[:, :, :half] if split == "train" else whole[:, :, half:]
        image = _images.resize(part[None], size)[0, :, :size, :size]
        tint = torch.tensor([1.0, 0.85, 0.75]) if name == "brick" else 1 + 0.1 * torch.randn(3, generator=generator)
        image = (image * tint.view(3, 1, 1)).clamp(0, 1)
    alpha = shape(size, generator, area=uniform(generator, 0.2, 0.6))[0, 0]
    return Piece(image, alpha, alpha[None] > 0.5, (name,))


@cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    import matplotlib

    return ImageFont.truetype(matplotlib.get_data_path() + "/fonts/ttf/" + name, size)


def text(size: int, split: str, generator: torch.Generator) -> Piece:
    """A block of three to six printed lines; its mask is the block, as in Broden."""
    lines = [" ".join(pick(WORDS, generator) for _ in range(4)) for _ in range(int(uniform(generator, 3, 7)))]
    font = _font(pick(FONTS[split], generator), int(uniform(generator, 9, 24)))
    block = "\n".join(lines)
    left, top, right, bottom = ImageDraw.Draw(Image.new("L", (1, 1))).multiline_textbbox((0, 0), block, font)
    sheet = Image.new("L", (min(size, int(right - left) + 12), min(size, int(bottom - top) + 12)))
    ImageDraw.Draw(sheet).multiline_text((6 - left, 6 - top), block, 255, font)
    ink = torch.from_numpy(np.array(sheet)).float() / 255
    dark, light = (torch.rand(3, 1, 1, generator=generator) * 0.35 for _ in range(2))
    paper, letters = (1 - light, dark) if uniform(generator, 0, 1) < 0.7 else (dark, 1 - light)
    return Piece(paper + ink * (letters - paper), torch.ones_like(ink), torch.ones_like(ink)[None] > 0, ("text",))


@cache
def _portraits() -> Tensor:
    """The hundred faces of scikit-image, cut from Labelled Faces in the Wild, (100,25,25)."""
    from skimage import data

    return torch.from_numpy(data.lfw_subset()[:100]).float()


def face(size: int, split: str, generator: torch.Generator) -> Piece:
    """One of a hundred people's faces in grey, enlarged from 25 pixels; people with even numbers are for training."""
    people = range(0 if split == "train" else 1, 100, 2)
    grey = _portraits()[pick(people, generator)][None, None]
    image = _images.resize(grey, max(25, size)).clamp(0, 1)[0].expand(3, -1, -1)
    y, x = torch.meshgrid(*(torch.linspace(-1, 1, image.shape[1]),) * 2, indexing="ij")
    alpha = ((1 - torch.hypot(x / 0.95, y)) * image.shape[1] / 3).clamp(0, 1)
    return Piece(image, alpha, alpha[None] > 0.5, ("face",))


@cache
def _slices() -> tuple[Tensor, Tensor]:
    """Six slices of the brain MNI152 (6,233,197) in [0,1], and their tissues: 0, 80, 160, 240."""
    rows = torch.from_numpy(np.array(Image.open(paths.data("concepts", "brain.png")))).view(2, 233, 6, 197)
    t1, tissue = rows.movedim(2, 1)
    return t1.float() / 255, tissue


def brain(split: str, generator: torch.Generator) -> Piece:
    """A slice of the average brain: every third one is for validation."""
    chosen = pick((0, 1, 3, 4) if split == "train" else (2, 5), generator)
    grey, tissue = (stack[chosen] for stack in _slices())
    masks = torch.stack([tissue == level for level in (80, 160, 0)])
    return Piece(grey.expand(3, -1, -1), torch.ones_like(grey), masks,
                 ("grey matter", "white matter", "outside of the brain"))
