"""The layout of a table of pictures, measured so that no title is cut off or meets another. Used by figures.grid."""

import textwrap
from collections.abc import Sequence

import numpy as np
from torch import Tensor

from u3lab.checks import room
from u3lab.errors import U3Error
from u3lab.figures.canvas import CARD, DPI, INK, PAGE, levels
from u3lab.pixels import eight_bit

_MARGIN, _GAP, _PAD = 14, 10, 4  # pixels: round the table, between cells, between a title and its picture
_CELL, _WIDTH, _LABEL = 240, 900, 130  # pixels, at most: a cell, the figure, a row label
_POINTS, _LEADING = 9.5, 1.25  # size of the type, distance of its lines
_COLUMNS = 6
_CAPTION = 480  # pixels that a line of words has at least

Cells = list[tuple[int, int, np.ndarray]]  # left, top, RGB levels
Words = list[tuple[float, float, str, str, str]]  # x and y of the anchor, text, its horizontal and vertical alignment


class Page:
    """A blank page that measures its type before its size is known."""

    def __init__(self) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.font_manager import FontProperties

        self._figure = Figure(dpi=DPI, facecolor=CARD)
        self._renderer = FigureCanvasAgg(self._figure).get_renderer()
        self._font = FontProperties(size=_POINTS)

    def width(self, text: str) -> int:
        """Pixels of the longest line."""
        return round(max(self._renderer.get_text_width_height_descent(line, self._font, False)[0]
                         for line in text.split("\n")))

    def height(self, text: str) -> int:
        """Pixels of all lines; nothing for no text."""
        return round((text.count("\n") + 1) * _LEADING * _POINTS / 72 * DPI) if text else 0

    def wrap(self, text: str, width: int) -> str:
        """The text in lines of at most ``width`` pixels; words are split only where one alone is too wide."""
        letters = min(len(text), width)  # a letter takes a pixel at least
        while letters > 0:
            wrapped = "\n".join(textwrap.fill(line, letters) for line in text.split("\n"))
            wide = self.width(wrapped)
            if wide <= width:
                return wrapped
            letters = min(letters - 1, letters * width // wide + 8)  # lines differ in width by a few letters
        return text

    def render(self, width: int, height: int, cells: Cells, words: Words) -> np.ndarray:
        """Everything in its place, as RGB levels (height, width, 3)."""
        figure = self._figure
        # a hundredth more, for matplotlib cuts 99.9999 pixels down to 99
        figure.set_size_inches((width + 0.01) / DPI, (height + 0.01) / DPI)
        for x, y, text, across, along in words:
            figure.text(x / width, 1 - y / height, text, ha=across, va=along, fontproperties=self._font, color=INK,
                        linespacing=_LEADING, multialignment="left" if across == "left" else "center", parse_math=False)
        page = levels(figure).copy()
        for left, top, picture in cells:
            page[top : top + len(picture), left : left + picture.shape[1]] = picture
        return page


def draw(page: Page, pictures: Sequence[Tensor], titles: Sequence[str] | None, columns: int | None,
         rows: Sequence[str] | None, width: int | None) -> np.ndarray:
    """The table as RGB levels (H,W,3); parameters as in figures.grid."""
    columns = _columns(len(pictures), columns, rows)
    titles = _titles(titles, len(pictures), columns, rows)
    labels = [page.wrap(row, _LABEL) for row in rows or ()]
    left = _MARGIN + max((page.width(label) + _GAP for label in labels), default=0)
    cell = ((width or _WIDTH) - left - _MARGIN + _GAP) // columns - _GAP
    cell = cell if width else min(cell, _CELL)
    if cell < 24:
        raise U3Error(f"{columns} columns leave {cell} pixels for a picture; give fewer columns or a larger width")
    levels = [_levels(index, picture) for index, picture in enumerate(pictures)]
    tall = [max(1, round(len(one) * cell / one.shape[1])) for one in levels]
    titles = [page.wrap(title, cell) for title in titles]
    places: list[tuple[int, int]] = []
    words: Words = []
    bottom = _MARGIN - _GAP
    for start in range(0, len(levels), columns):
        row = range(start, min(start + columns, len(levels)))
        heading = max(page.height(titles[index]) for index in row)
        top = bottom + _GAP + heading + (_PAD if heading else 0)
        bottom = top + max(tall[index] for index in row)
        for index in row:
            x = left + (index - start) * (cell + _GAP)
            places.append((x, top))
            words.append((x + cell / 2, top - _PAD, titles[index], "center", "bottom"))
        if rows:
            words.append((left - _GAP, (top + bottom) / 2, labels[start // columns], "right", "center"))
    width, height = width or left + columns * (cell + _GAP) - _GAP + _MARGIN, bottom + _MARGIN
    room("the grid", height, width, most=PAGE)
    cells = [(x, y, _scaled(one, cell, high)) for (x, y), one, high in zip(places, levels, tall, strict=True)]
    return page.render(width, height, cells, words)


def captioned(levels: np.ndarray, words: str) -> np.ndarray:
    """RGB levels (H,W,3) of a picture, with words below it, as RGB levels."""
    page = Page()
    high, wide = levels.shape[:2]
    width = max(wide, _CAPTION)
    words = page.wrap(words, width - 2 * _PAD)
    top = high + _GAP
    height = top + page.height(words) + _PAD
    return page.render(width, height, [(0, 0, levels)], [(_PAD, top, words, "left", "top")])


def _columns(count: int, columns: int | None, rows: Sequence[str] | None) -> int:
    if not count:
        raise U3Error("there are no pictures to show; give a list of at least one")
    if rows is not None and (not len(rows) or count % len(rows)):
        raise U3Error(f"{count} pictures do not fill {len(rows)} rows; give as many pictures for each row label")
    columns = columns or (count // len(rows) if rows is not None else min(count, _COLUMNS))
    if columns < 1 or (rows is not None and columns * len(rows) != count):
        raise U3Error(f"{count} pictures do not fit {columns} columns" + (f" and {len(rows)} rows" if rows else "")
                      + "; leave columns out")
    return columns


def _titles(titles: Sequence[str] | None, count: int, columns: int, rows: Sequence[str] | None) -> list[str]:
    """One title a picture; where only the columns are named, the titles stand over the first row."""
    if titles is None:
        return [""] * count
    if rows is not None and len(titles) == columns:
        return [*titles, *[""] * (count - columns)]
    if len(titles) != count:
        raise U3Error(f"there are {len(titles)} titles for {count} pictures; give one for each"
                      + (f", or {columns} for the columns" if rows is not None else ""))
    return list(titles)


def _levels(index: int, picture: Tensor) -> np.ndarray:
    try:
        levels = eight_bit(picture)
    except U3Error as error:
        raise U3Error(f"picture {index} of the grid: {error}") from None
    return levels if levels.ndim == 3 else np.repeat(levels[..., None], 3, axis=2)


def _scaled(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """The picture at its cell's size. Coarse maps keep their square pixels, so that their true resolution is seen."""
    from PIL import Image

    method = Image.Resampling.NEAREST if width >= 2 * picture.shape[1] else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(picture).resize((width, height), method))
