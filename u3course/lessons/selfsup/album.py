"""The figures of notebook 02 that put pictures beside each other: what is nearest to a crop, and who is like whom.

Drawn with Pillow alone, so that they follow a click, or a training while it runs.
"""

from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw
from torch import Tensor

from u3course.lessons.selfsup.figures import font
from u3lab import images
from u3lab.figures import COLOURS, Figure, answered, canvas
from u3lab.pixels import eight_bit
from u3lab.selfsup.scrambling import DIRECTIONS

PANEL, TILE, GAP, LINE = 480, 84, 6, 17  # pixels: a panel across, a crop, between crops, a line of words
HEIGHT = 3 * (LINE + TILE + 3 * GAP)  # of three rows of crops, and of the photo beside them
MARKS = {True: ("✓", COLOURS[0]), False: ("✗", COLOURS[1])}
CELL = 56  # pixels of a view, and of its similarity to another


def tile(levels: Tensor, side: int) -> Image.Image:
    """A picture (3,h,w) as a square of so many pixels."""
    return Image.fromarray(eight_bit(images.resize(levels[None], side).clamp(0, 1)))


def fitted(photo: Tensor) -> tuple[int, int]:
    """Width and height of a photo (1,3,H,W) in its panel, in pixels."""
    height, width = photo.shape[2:]
    scale = min((PANEL - 2 * GAP) / width, HEIGHT / height)
    return round(scale * width), round(scale * height)


def within(photo: Tensor, click: tuple[float, float]) -> tuple[float, float]:
    """Where on the photo a click on its panel was, (x, y) in [0,1]; beside it at the nearest edge."""
    width, height = fitted(photo)
    return min(click[0] * PANEL / width, 1.0), min(click[1] * HEIGHT / height, 1.0)


def neighbours(photo: Tensor, square: tuple[int, int, int], rows: Mapping[str, tuple[Sequence[Tensor], Sequence[bool]]]
               ) -> Tensor:
    """A photo (1,3,H,W) with a square in its right half, and beside it a row of crops for each of three names.

    Right ones have a blue frame and a ✓, wrong ones a red frame and a ✗. Two panels of equal width, (1,3,h,960).
    """
    page = Image.new("RGB", (2 * PANEL, HEIGHT), canvas.CARD)
    pen = ImageDraw.Draw(page)
    dimmed = photo.clone()
    dimmed[..., : photo.shape[3] - photo.shape[3] // 2] *= 0.35  # the half that is searched, and cannot be clicked
    page.paste(Image.fromarray(eight_bit(dimmed)).resize(fitted(photo)))
    (top, left, side), scale = square, fitted(photo)[0] / photo.shape[3]
    for inset, colour in ((0, "black"), (1, "white"), (2, "white"), (3, "black")):
        pen.rectangle((left * scale + inset, top * scale + inset, (left + side) * scale - 1 - inset,
                       (top + side) * scale - 1 - inset), outline=colour)
    for row, (name, (crops, right)) in enumerate(rows.items()):
        start = row * (LINE + TILE + 3 * GAP)
        pen.text((PANEL, start), name, canvas.INK, font(13, bold=True))
        for column, (crop, ok) in enumerate(zip(crops, right, strict=True)):
            mark, colour = MARKS[ok]
            corner = PANEL + column * (TILE + 2 * GAP), start + LINE + 3
            pen.rectangle((*corner, corner[0] + TILE + 5, corner[1] + TILE + 5), colour)
            page.paste(tile(crop, TILE), (corner[0] + 3, corner[1] + 3))
            pen.rectangle((*corner, corner[0] + 16, corner[1] + 18), colour)
            pen.text((corner[0] + 8, corner[1] + 9), mark, "white", font(13, bold=True), "mm")
    return images.load(page)


def similarity(a: Tensor, b: Tensor, cosines: Tensor) -> Tensor:
    """Views a (N,3,h,w) down the left, b (N,3,h,w) along the top, and each pair's cosine, from black, −1, to white, 1.

    The largest of each row has a dot: green on the diagonal, where it belongs, else red with a cross.
    """
    step = CELL + 4
    page = Image.new("RGB", ((len(b) + 1) * step + 4, (len(a) + 1) * step + 4), canvas.CARD)
    pen = ImageDraw.Draw(page)
    for n, (left, top) in enumerate(zip(a, b, strict=True), 1):
        page.paste(tile(left, CELL), (0, n * step + 4))
        page.paste(tile(top, CELL), (n * step + 4, 0))
    for row, values in enumerate(cosines):
        for column, value in enumerate(values.tolist()):
            corner = (column + 1) * step + 4, (row + 1) * step + 4
            level = round(255 * (min(max(value, -1), 1) + 1) / 2)
            pen.rectangle((*corner, corner[0] + CELL - 1, corner[1] + CELL - 1), (level, level, level))
            if column == int(values.argmax()):
                mark, colour = MARKS[column == row]
                pen.ellipse((corner[0] + 17, corner[1] + 17, corner[0] + 39, corner[1] + 39), colour)
                pen.text((corner[0] + 28, corner[1] + 28), mark, "white", font(15, bold=True), "mm")
    return images.load(page)


def laid(pair: Tensor, direction: int) -> Tensor:
    """Two tiles (2,3,S,S) on a grey sheet (3,3S,3S): the first in the middle, the second in one of eight directions."""
    sheet, (i, j) = pair.new_full((3, 3, *pair.shape[1:]), 0.9), DIRECTIONS[direction]
    sheet[1, 1], sheet[1 + i, 1 + j] = pair
    return sheet.permute(2, 0, 3, 1, 4).flatten(3).flatten(1, 2)


def framed(title: str, given: Sequence[Tensor], rows: Mapping[str, tuple[Sequence[Tensor], Tensor]], *, step: int = 1
           ) -> tuple[Figure, str]:
    """A row of pictures, and below it rows of a network's answers in frames; and each row's share of right ones.

    The first row has a ``title`` and the pictures ``given`` (3,H,W). ``rows``: name → pictures of answers, and which of
    all N answers are right; the pictures are those of every ``step``-th.
    """
    shown = [one for pictures, _ in rows.values() for one in pictures[: len(given)]]
    right = [ok for _, found in rows.values() for ok in found[::step][: len(given)].tolist()]
    shares = ", ".join(f"{name} {found.double().mean():.0%}" for name, (_, found) in rows.items())
    return answered([*given, *shown], [None] * len(given) + right, rows=[title, *rows], width=860), shares
