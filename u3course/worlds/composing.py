"""One picture of the pocket Broden: a photo, with pieces laid on it, and where each concept is in the result.

Everything comes from one generator, so a picture is the same whenever it is made. The name of each pixel's colour is
that of the nearest of eleven focal colours, those of Berlin & Kay, Basic color terms, 1969. Distance is measured in
CIELAB, where equal steps look about equal; where one colour ends and the next begins is a convention.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.worlds import pieces
from u3course.worlds.patterns import PATTERNS
from u3course.worlds.pieces import Piece, pick, uniform
from u3lab.datasets.taxonomy import ancestors

EDGE = 3  # pixels to either side of a pasted border that count as "pasted edge"
BRAINS, BARE = 0.06, 0.25  # shares of pictures that show a brain, or a photo with nothing pasted on it
FOCAL = {  # in sRGB levels: what most people would show for the word, dark and light ones too where one word has both
    "black": [(15, 15, 15)], "grey": [(128, 128, 128), (85, 85, 85), (170, 170, 170)], "white": [(240, 240, 240)],
    "red": [(190, 30, 40)], "orange": [(235, 125, 35)], "yellow": [(240, 215, 60)],
    "green": [(70, 140, 60), (30, 70, 40), (150, 195, 110)], "blue": [(45, 95, 180), (25, 40, 90), (95, 180, 215)],
    "purple": [(115, 55, 140)], "pink": [(240, 155, 180)], "brown": [(110, 70, 40), (160, 110, 70)]}
COLOURS = tuple(FOCAL)
STEPS = 32  # levels of red, of green and of blue in the table


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
        size, small = self.image.shape[1], self.small
        beyond = "border" if ground else "zeros"
        grid = F.affine_grid(matrix[None], [1, 1, size, size], align_corners=False)
        colour = F.grid_sample(piece.image[None], grid, padding_mode="border", align_corners=False)[0]
        alpha = F.grid_sample(piece.alpha[None, None], grid, padding_mode=beyond, align_corners=False)[0, 0]
        self.image = self.image + alpha * (colour.clamp(0, 1) - self.image)
        grid = F.affine_grid(matrix[None], [1, 1, small, small], align_corners=False)
        found = F.grid_sample(piece.masks[None].float(), grid, "nearest", beyond, align_corners=False)[0] > 0.5
        covered = F.interpolate(alpha[None, None], size=(small, small), mode="area")[0, 0] > 0.5
        self.masks = {name: mask & ~covered for name, mask in self.masks.items()}
        shown = list(zip(piece.labels, found & covered, strict=True))
        for label, mask in shown if ground else [*shown, ("pasted edge", _border(alpha, small))]:
            self.masks[label] = self.masks.get(label, False) | mask


def compose(size: int, split: str, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
    """A picture (3,size,size) in [0,1], and the concepts in it: name → mask (size//2,size//2) bool, never empty."""
    canvas, chance = Canvas(size), uniform(generator, 0, 1)
    if chance < BRAINS:
        piece, turned = pieces.brain(split, generator), _rotation(generator, 30) / uniform(generator, 1.0, 1.25)
        canvas.lay(piece, torch.cat([turned, torch.zeros(2, 1)], 1), ground=True)
    else:
        name = pick(pieces.photos(split), generator)
        _background(canvas, pieces.annotated(name), generator)
        if chance > BRAINS + BARE:
            for _ in range(int(uniform(generator, 1, 4))):
                _paste(canvas, split, generator)
        for scene, members in pieces.SCENES.items():
            if name in members:
                canvas.masks[scene] = torch.ones(canvas.small, canvas.small, dtype=torch.bool)
    number = colour_of(F.interpolate(canvas.image[None], size=(canvas.small,) * 2, mode="area"))[0]
    for k, colour in enumerate(COLOURS):
        canvas.masks[colour] = number == k
    return canvas.image, {name: mask for name, mask in canvas.masks.items() if mask.any()}


def general(masks: dict[str, Tensor], wanted: tuple[str, ...]) -> dict[str, Tensor]:
    """The masks, and for each wanted wider concept its own with the union of those below it in the is-a tree."""
    below = {name: [mask for one, mask in masks.items() if name in ancestors(one)] for name in wanted}
    return masks | {name: torch.stack(some).any(0) for name, some in below.items() if some}


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
        name = pick((*PATTERNS, *pieces.GREY), generator)
        piece, reach = pieces.texture(name, round(size * uniform(generator, 0.35, 0.9)), split, generator), None
    elif chance < 0.58:
        found = pieces.things(split)
        piece, reach = pick(found[pick(sorted(found), generator)], generator), uniform(generator, 0.3, 0.8)
    elif chance < 0.83:
        piece, reach = pieces.stamp(pick(pieces.stamps(split), generator)), uniform(generator, 0.3, 0.8)
    elif chance < 0.93:
        piece, reach = pieces.text(size, split, generator), None
    else:
        piece, reach = pieces.face(round(size * uniform(generator, 0.15, 0.4)), split, generator), None
    canvas.lay(piece, _placed(piece, size, reach, generator))


def _placed(piece: Piece, size: int, reach: float | None, generator: torch.Generator) -> Tensor:
    """The matrix that turns a piece a little, gives its longer side a share of the picture, and puts it somewhere."""
    height, width = piece.alpha.shape
    scale = 1.0 if reach is None else reach * size / max(height, width)
    rotation = _rotation(generator, 25)
    flip = 1 if "text" in piece.labels or uniform(generator, 0, 1) < 0.5 else -1
    x0, y0 = (uniform(generator, -0.7, 0.7) for _ in range(2))
    turned = rotation * size / scale / torch.tensor([[width * flip], [height]])
    return torch.cat([turned, -turned @ torch.tensor([[x0], [y0]])], 1)


def _rotation(generator: torch.Generator, degrees: float) -> Tensor:
    """By up to so many degrees, to either side, (2,2)."""
    turn = math.radians(uniform(generator, -degrees, degrees))
    return torch.tensor([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])


def _border(alpha: Tensor, small: int) -> Tensor:
    """Where a shape's border is at most EDGE pixels away, (small,small) bool."""
    inside = (alpha > 0.5).float()[None, None]
    width = 2 * EDGE + 1
    near = F.max_pool2d(inside, width, 1, EDGE) - (1 - F.max_pool2d(1 - inside, width, 1, EDGE))
    return F.interpolate(near, size=(small, small), mode="area")[0, 0] > 0.5


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
