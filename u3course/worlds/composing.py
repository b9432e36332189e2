"""Pictures of the pocket Broden: a photo, with pieces laid on it, and where each concept is in the result.

A piece is a small picture with an alpha channel and the masks of what is in it: a texture, words, a face, a brain, a
thing cut out of a photo. Each is taken from the photos, faces, fonts and slices of one split, so that what is learned
on one is judged on others. Everything comes from one generator, so a picture is the same whenever it is made.

The name of each pixel's colour is that of the nearest of eleven focal colours, those of Berlin & Kay, Basic color
terms, 1969. Distance is measured in CIELAB, where equal steps look about equal; where one colour ends and the next
begins is a convention.
"""

import math
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
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
EDGE = 3  # pixels to either side of a pasted border that count as "pasted edge"
BRAINS, BARE = 0.06, 0.25  # shares of pictures that show a brain, or a photo with nothing pasted on it
FOCAL = {  # in sRGB levels: what most people would show for the word, dark and light ones too where one word has both
    "black": [(15, 15, 15)], "grey": [(128, 128, 128), (85, 85, 85), (170, 170, 170)], "white": [(240, 240, 240)],
    "red": [(190, 30, 40)], "orange": [(235, 125, 35)], "yellow": [(240, 215, 60)],
    "green": [(70, 140, 60), (30, 70, 40), (150, 195, 110)], "blue": [(45, 95, 180), (25, 40, 90), (95, 180, 215)],
    "purple": [(115, 55, 140)], "pink": [(240, 155, 180)], "brown": [(110, 70, 40), (160, 110, 70)]}
COLOURS = tuple(FOCAL)
STEPS = 32  # levels of red, of green and of blue in the table


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
    image, masks = photo(name)[0], _by_label((one.labels, one.mask) for one in outlines(name))
    stacked = torch.from_numpy(np.array([*masks.values()], bool).reshape(-1, *image.shape[1:]))
    return Piece(image, torch.ones(image.shape[1:]), stacked, tuple(masks))


def _by_label(drawn: Iterable[tuple[tuple[str, ...], np.ndarray]]) -> dict[str, np.ndarray]:
    """Label → where anything with it is, of labels and masks."""
    masks: dict[str, np.ndarray] = {}
    for labels, mask in drawn:
        for label in labels:
            masks[label] = masks.get(label, False) | mask
    return masks


@cache
def things(split: str) -> dict[str, list[Piece]]:
    """Name → the things of that name cut out of the split's photos; what lies on a thing goes with it."""
    found: dict[str, list[Piece]] = {}
    for name in photos(split):
        for one in outlines(name):
            if one.labels[0] in CUT and one.mask.sum() > 500:
                found.setdefault(one.labels[0], []).append(_cut(photo(name)[0], one.mask, outlines(name)))
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
    labels = _by_label((other.labels, (other.mask & mask)[box]) for other in drawn
                       if (other.mask & mask).sum() > 0.8 * other.mask.sum())
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
    lines = (" ".join(pick(WORDS, generator) for _ in range(4)) for _ in range(int(uniform(generator, 3, 7))))
    block, font = "\n".join(lines), _font(pick(FONTS[split], generator), int(uniform(generator, 9, 24)))
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
    grey = _portraits()[pick(range(0 if split == "train" else 1, 100, 2), generator)][None, None]
    image = _images.resize(grey, max(25, size)).clamp(0, 1)[0].expand(3, -1, -1)
    y, x = torch.meshgrid(*(torch.linspace(-1, 1, image.shape[1]),) * 2, indexing="ij")
    alpha = ((1 - torch.hypot(x / 0.95, y)) * image.shape[1] / 3).clamp(0, 1)
    return Piece(image, alpha, alpha[None] > 0.5, ("face",))


@cache
def slices() -> tuple[Tensor, Tensor]:
    """Six slices of the brain MNI152 (6,233,197) in [0,1], and their tissues: 0, 80, 160, 240."""
    rows = torch.from_numpy(np.array(Image.open(paths.data("concepts", "brain.png")))).view(2, 233, 6, 197)
    t1, tissue = rows.movedim(2, 1)
    return t1.float() / 255, tissue


def brain(split: str, generator: torch.Generator) -> Piece:
    """A slice of the average brain: every third one is for validation."""
    chosen = pick((0, 1, 3, 4) if split == "train" else (2, 5), generator)
    grey, tissue = (stack[chosen] for stack in slices())
    masks = torch.stack([tissue == level for level in (80, 160, 0)])
    return Piece(grey.expand(3, -1, -1), torch.ones_like(grey), masks,
                 ("grey matter", "white matter", "outside of the brain"))


class Canvas:
    """A picture that grows: ``image`` (3,S,S) in [0,1], ``masks`` name → (s,s) bool with s = S // 2, as in Broden."""

    def __init__(self, size: int) -> None:
        self.image, self.small = torch.zeros(3, size, size), size // 2
        self.masks: dict[str, Tensor] = {}

    def lay(self, piece: Piece, matrix: Tensor, *, ground: bool = False) -> None:
        """Lay a piece on top; ``matrix`` (2,3) takes places on the canvas to places on the piece, both in [−1,1].

        The first piece, the ground, fills the canvas: beyond its border the nearest pixel goes on. Others leave a
        pasted edge.
        """
        size, small, beyond = self.image.shape[1], self.small, "border" if ground else "zeros"
        grid = F.affine_grid(matrix[None], [1, 1, size, size], align_corners=False)
        colour = F.grid_sample(piece.image[None], grid, padding_mode="border", align_corners=False)[0]
        alpha = F.grid_sample(piece.alpha[None, None], grid, padding_mode=beyond, align_corners=False)[0, 0]
        self.image = self.image + alpha * (colour.clamp(0, 1) - self.image)
        grid = F.affine_grid(matrix[None], [1, 1, small, small], align_corners=False)
        found = F.grid_sample(piece.masks[None].float(), grid, "nearest", beyond, align_corners=False)[0] > 0.5
        covered = F.interpolate(alpha[None, None], size=(small, small), mode="area")[0, 0] > 0.5
        self.masks = {name: mask & ~covered for name, mask in self.masks.items()}
        shown = list(zip(piece.labels, found & covered, strict=True))
        if not ground:  # where the border is at most EDGE pixels away
            inside, width = (alpha > 0.5).float()[None, None], 2 * EDGE + 1
            near = F.max_pool2d(inside, width, 1, EDGE) - (1 - F.max_pool2d(1 - inside, width, 1, EDGE))
            shown.append(("pasted edge", F.interpolate(near, size=(small, small), mode="area")[0, 0] > 0.5))
        for label, mask in shown:
            self.masks[label] = self.masks.get(label, False) | mask


def compose(size: int, split: str, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
    """A picture (3,size,size) in [0,1], and the concepts in it: name → mask (size//2,size//2) bool, never empty."""
    canvas, chance = Canvas(size), uniform(generator, 0, 1)
    if chance < BRAINS:
        piece, turned = brain(split, generator), _rotation(generator, 30) / uniform(generator, 1.0, 1.25)
        canvas.lay(piece, torch.cat([turned, torch.zeros(2, 1)], 1), ground=True)
    else:
        name = pick(photos(split), generator)
        _background(canvas, annotated(name), generator)
        if chance > BRAINS + BARE:
            for _ in range(int(uniform(generator, 1, 4))):
                _paste(canvas, split, generator)
        everywhere = torch.ones(canvas.small, canvas.small, dtype=torch.bool)
        canvas.masks |= {scene: everywhere for scene, members in SCENES.items() if name in members}
    number = colour_of(F.interpolate(canvas.image[None], size=(canvas.small,) * 2, mode="area"))[0]
    canvas.masks |= {colour: number == k for k, colour in enumerate(COLOURS)}
    return canvas.image, {name: mask for name, mask in canvas.masks.items() if mask.any()}


def _background(canvas: Canvas, whole: Piece, generator: torch.Generator) -> None:
    """A random square of a photo, half of them mirrored."""
    height, width = whole.image.shape[1:]
    side = min(height, width) * uniform(generator, 0.6, 1.0)
    across, down = (uniform(generator, -1, 1) * (1 - side / n) for n in (width, height))
    flip = 1 if uniform(generator, 0, 1) < 0.5 else -1
    canvas.lay(whole, torch.tensor([[flip * side / width, 0, across], [0, side / height, down]]), ground=True)


def _paste(canvas: Canvas, split: str, generator: torch.Generator) -> None:
    """One piece of a random kind: a texture, a thing cut out of a photo, a cut-out, words or a face."""
    size, chance = canvas.image.shape[1], uniform(generator, 0, 1)
    if chance < 0.35:
        name = pick((*PATTERNS, *GREY), generator)
        piece, reach = texture(name, round(size * uniform(generator, 0.35, 0.9)), split, generator), None
    elif chance < 0.58:
        found = things(split)
        piece, reach = pick(found[pick(sorted(found), generator)], generator), uniform(generator, 0.3, 0.8)
    elif chance < 0.83:
        piece, reach = stamp(pick(stamps(split), generator)), uniform(generator, 0.3, 0.8)
    elif chance < 0.93:
        piece, reach = text(size, split, generator), None
    else:
        piece, reach = face(round(size * uniform(generator, 0.15, 0.4)), split, generator), None
    canvas.lay(piece, _placed(piece, size, reach, generator))


def _placed(piece: Piece, size: int, reach: float | None, generator: torch.Generator) -> Tensor:
    """The matrix that turns a piece a little, gives its longer side a share of the picture, and puts it somewhere."""
    height, width = piece.alpha.shape
    scale, rotation = 1.0 if reach is None else reach * size / max(height, width), _rotation(generator, 25)
    flip = 1 if "text" in piece.labels or uniform(generator, 0, 1) < 0.5 else -1
    x0, y0 = (uniform(generator, -0.7, 0.7) for _ in range(2))
    turned = rotation * size / scale / torch.tensor([[width * flip], [height]])
    return torch.cat([turned, -turned @ torch.tensor([[x0], [y0]])], 1)


def _rotation(generator: torch.Generator, degrees: float) -> Tensor:
    """By up to so many degrees, to either side, (2,2)."""
    turn = math.radians(uniform(generator, -degrees, degrees))
    return torch.tensor([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])


@cache
def _focal() -> Tensor:
    """The number of the nearest focal colour for each of 32³ colours, (32768,) uint8."""
    from skimage.color import rgb2lab

    level = (np.arange(STEPS) + 0.5) / STEPS
    colours = rgb2lab(np.stack(np.meshgrid(level, level, level, indexing="ij"), -1).reshape(1, -1, 3))[0]
    number, levels = zip(*((k, one) for k, name in enumerate(COLOURS) for one in FOCAL[name]), strict=True)
    distance = np.linalg.norm(colours[:, None] - rgb2lab(np.array([levels]) / 255)[0], axis=2)
    return torch.from_numpy(np.array(number, np.uint8)[distance.argmin(1)])


def colour_of(images: Tensor) -> Tensor:
    """Pictures (B,3,H,W) in [0,1] → numbers in ``COLOURS`` (B,H,W)."""
    red, green, blue = (images * STEPS).long().clamp_(0, STEPS - 1).unbind(1)
    return _focal()[(red * STEPS + green) * STEPS + blue]
