"""The figures: grids of pictures, curves, points, bars; tables and heat maps are in :mod:`u3lab.figures.matrices`."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from u3lab import checks
from u3lab.errors import U3Error
from u3lab.figures import canvas, collage, given
from u3lab.figures.canvas import BLACK, HATCHES, INK, LINES, MARKERS
from u3lab.figures.given import Numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCALES = ("linear", "log")
FRAMES = {True: [0.0, 0.45, 0.7], False: [0.84, 0.2, 0.0], None: [0.99, 0.99, 0.98]}  # right, wrong, not asked


@dataclass(frozen=True)
class Figure:
    """A picture for the notebook with the words that stand for it.

    Attributes:
        data: The picture: a grid of pictures as JPEG of high quality, what is drawn as PNG with at most 256 colours.
        alt: What it shows, in one sentence or two: for who cannot see it, and for terminals.
        line_art: Whether ink on paper is all there is, and no photograph: such a picture may be shown as light on dark.
    """

    data: bytes = field(repr=False)
    alt: str
    line_art: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "alt", given.required(self.alt))

    @property
    def format(self) -> str:
        """"png" or "jpeg"."""
        return "png" if self.data.startswith(canvas.PNG) else "jpeg"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[dict, dict]:
        """The picture once, its alt text as ``alt`` in its metadata (where viewers look) and as plain text."""
        kind = f"image/{self.format}"
        metadata = {"alt": self.alt, **({"line_art": True} if self.line_art else {})}
        return {kind: base64.b64encode(self.data).decode(), "text/plain": self.alt}, {kind: metadata}

    def captioned(self, words: str) -> Figure:
        """The same with words below it, for viewers that show nothing but the picture."""
        levels = np.asarray(Image.open(io.BytesIO(self.data)).convert("RGB"))
        with canvas.plain_style():
            levels = collage.captioned(levels, words)
        return replace(self, data=getattr(canvas, self.format)(levels, self.alt))


def grid(pictures: Sequence[Tensor], *, titles: Sequence[str] | None = None, columns: int | None = None,
         rows: Sequence[str] | None = None, alt: str = "", width: int | None = None) -> Figure:
    """Pictures side by side, row after row, each scaled to its cell.

    Args:
        pictures: Pictures in [0,1] in any layout of :mod:`u3lab.pixels`; colour maps with ``pixels.heat`` first.
        titles: One for each picture, or, where there are ``rows``, one for each column.
        columns: Pictures in a row; by default all of up to six, or what ``rows`` leaves.
        rows: Labels of the rows, for a table of pictures (methods × layers).
        alt: What the figure shows, in words. Required.
        width: Width of the figure in pixels; by default cells of up to 240 pixels in at most 900.

    Raises:
        U3Error: No pictures, no alt text, a picture out of range, numbers of titles, rows and pictures that do not fit.

    Examples:
        >>> x = images.load("coffee", size=64)
        >>> figures.grid([x, images.blur(x, 3)], titles=["x", "blurred"], alt="A cup, sharp and blurred.").alt
        'A cup, sharp and blurred.'
    """
    alt = given.required(alt)
    checks.is_a("pictures", pictures, Collection, "give a list of pictures")
    titles, rows = (None if value is None else checks.words(name, value, none=True)
                    for name, value in (("titles", titles), ("rows", rows)))
    columns, width = (None if value is None else checks.whole(name, value)
                      for name, value in (("columns", columns), ("width", width)))
    with canvas.plain_style():
        pixels = collage.draw(collage.Page(), pictures, titles, columns, rows, width)
    return Figure(canvas.jpeg(pixels, alt), alt)


def answered(pictures: Sequence[Tensor], right: Sequence[bool | None], words: Sequence[str] | None = None, *,
             columns: int | None = None, rows: Sequence[str] | None = None, width: int = 760,
             alt: str | None = None) -> Figure:
    """Pictures with a network's answers: right ones in a blue frame, wrong ones in a red frame with a ✗.

    Args:
        pictures: Pictures (3,H,W) in [0,1].
        right: Whether each answer is right; None for a picture that nothing was asked about, which gets no frame.
        words: What was answered; a ✓ or a ✗ is put before each. Without them the ✗ stands in a corner of the picture.
        columns, rows, width: As for :func:`grid`.
        alt: What the figure shows; without it, how many are right.
    """
    checks.is_a("pictures", pictures, Collection, "give a list of pictures")
    right = [None if one is None else bool(one)
             for one in checks.is_a("right", right, Collection, "give True, False or None for each picture")]
    words = [""] * len(right) if words is None else checks.words("words", words)
    if not len(pictures) == len(right) == len(words):
        raise U3Error(f"{len(pictures)} pictures, {len(right)} marks and {len(words)} words; give one for each")
    tiles = [framed(picture, ok, crossed=not any(words)) for picture, ok in zip(pictures, right, strict=True)]
    marks = {True: "✓ ", False: "✗ ", None: ""}
    titles = [marks[ok] + word for ok, word in zip(right, words, strict=True)] if any(words) else None
    asked = [ok for ok in right if ok is not None]
    return grid(tiles, titles=titles, columns=columns, rows=rows, width=width,
                alt=f"{sum(asked)} of {len(asked)} pictures have a right answer." if alt is None else alt)


def framed(picture: Tensor, right: bool | None, *, crossed: bool = True) -> Tensor:
    """A picture (3,H,W) in a frame of four pixels: blue for a right answer, red for a wrong one, and a ✗ in a corner.

    None is a picture that nothing was asked about; without ``crossed`` there is no ✗.
    """
    colour, stroke = torch.tensor(FRAMES[right]).view(3, 1, 1), torch.arange(3, 12)
    tile = (F.pad(picture.detach().cpu() - colour, [4] * 4) + colour).clamp(0, 1)
    if right is False and crossed:
        tile[:, :16, -16:] = colour
        for across in (stroke - 16, stroke - 15, -1 - stroke, -2 - stroke):
            tile[:, stroke, across] = 1.0
    return tile


def curves(lines: Mapping[str, Numbers | tuple], xlabel: str, ylabel: str, *, title: str = "", alt: str = "",
           xscale: str = "linear", yscale: str = "linear", ticks: Sequence[str] | None = None) -> Figure:
    """Named curves, told apart by colour, dash and marker.

    Args:
        lines: Name → y, (x, y), or (x, y, low, high) with a shaded interval. A tuple is always taken as parts. NaN
            leaves a gap.
        xlabel, ylabel: Names of the axes with units.
        xscale, yscale: "linear" or "log", for numbers above 0.
        ticks: Names for the places 0, 1, 2, … on the x axis, such as layers.
    """
    alt = given.required(alt)
    given.texts(xlabel=xlabel, ylabel=ylabel, title=title)
    ticks = None if ticks is None else checks.words("ticks", ticks)
    scales = {axis: checks.one_of(f"{axis}scale", scale, SCALES) for axis, scale in (("x", xscale), ("y", yscale))}
    if not checks.is_a("lines", lines, Mapping, "give a dict such as {'loss': losses}"):
        raise U3Error("there are no curves to draw; give a dict such as {'loss': losses}")
    with canvas.plot(7.6, 3.9, title) as (sheet, axes):
        drawn = {name: given.line(name, parts) for name, parts in lines.items()}
        for index, ((name, (x, y, *interval)), colour) in enumerate(zip(
                drawn.items(), canvas.colours(list(drawn)), strict=True)):
            axes.plot(x, y, LINES[index % len(LINES)], color=colour, label=name, linewidth=1.8,
                      marker=MARKERS[index % len(MARKERS)], markersize=5, markevery=max(1, -(-len(x) // 8)))
            if interval:
                axes.fill_between(x, *interval, color=colour, alpha=0.18, linewidth=0)
        axes.set(xlabel=xlabel, ylabel=ylabel)
        for axis, scale in scales.items():
            if scale == "log":
                axes.set(**{f"{axis}scale": scale})
                canvas.plain_ticks(getattr(axes, f"{axis}axis"))
        if ticks is not None:
            axes.set_xticks(range(len(ticks)), ticks)
        axes.margins(x=0.02)
        axes.grid(color="#dddddd", linewidth=0.6)
        if len(lines) > 1:
            sheet.legend(loc="outside right upper", frameon=False, handlelength=3.2)
        return Figure(canvas.png(canvas.levels(sheet), alt), alt, line_art=True)


def points(values: Mapping[str, tuple], xlabel: str, ylabel: str, *, title: str = "", alt: str = "",
           xscale: str = "linear") -> Figure:
    """Named points with their intervals, above and below a line at zero; each name stands beside its point.

    Args:
        values: Name → (x, y, low, high), or (x, y, low, high, left, right) where x has an interval, too.
        xlabel, ylabel: Names of the axes with units.
        xscale: "linear", or "log" for numbers above 0.
    """
    alt = given.required(alt)
    given.texts(xlabel=xlabel, ylabel=ylabel, title=title)
    xscale = checks.one_of("xscale", xscale, SCALES)
    if not checks.is_a("values", values, Mapping, "give a dict such as {'fine-tuning': (10, 0.7, 0.6, 0.8)}"):
        raise U3Error("there are no points to draw; give a dict such as {'fine-tuning': (10, 0.7, 0.6, 0.8)}")
    found = {name: given.point(name, part, above=0 if xscale == "log" else -math.inf) for name, part in values.items()}
    places = {name: math.log(x) if xscale == "log" else x for name, ((x, *_), _) in found.items()}
    span, tall = (max(some) - min(some) for some in (places.values(), [y for _, (y, *_) in found.values()]))
    with canvas.plot(7.2, 3.9, title) as (sheet, axes):
        axes.axhline(0, color=INK, linewidth=0.8)
        for index, ((name, ((x, *ends), (y, low, high))), colour) in enumerate(zip(
                found.items(), canvas.colours(list(found)), strict=True)):
            axes.errorbar(x, y, [[y - low], [high - y]], [[x - ends[0]], [ends[1] - x]] if ends[0] < ends[1] else None,
                          MARKERS[index % len(MARKERS)], capsize=3, linewidth=1.6, color=colour, markersize=7)
            after = [(places[other] - places[name], abs(up - y)) for other, (_, (up, *_)) in found.items()]
            near = [up for gap, up in after if 0 < gap < span / (5 if up < 0.05 * tall else 12)]
            side, away = ("left", 9) if max(after)[0] > 0 and min(near, default=tall) > 0.7 * tall else ("right", -9)
            axes.annotate(name, (x, y), (away, 9 if y >= 0 else -9), textcoords="offset points", va="center", ha=side)
        axes.set(xlabel=xlabel, ylabel=ylabel, xscale=xscale)
        if xscale == "log":
            canvas.plain_ticks(axes.xaxis)
        axes.margins(x=0.08)
        axes.grid(color="#dddddd", linewidth=0.6)
        return Figure(canvas.png(canvas.levels(sheet), alt), alt, line_art=True)


def bars(values: Mapping[str, float | tuple | Mapping], xlabel: str, *, title: str = "", alt: str = "",
         chance: float | None = None, decimals: int | None = None) -> Figure:
    """Horizontal bars from zero, the first on top, with their values written beside them.

    Args:
        values: Name → value or (value, low, high). For several groups (two networks): group → such a dict; groups share
            the names and differ by colour and hatching.
        xlabel: What is measured, with its unit.
        chance: Where to draw a dashed line for guessing.
        decimals: Of the values written beside the bars; by default three significant digits of the largest.
    """
    alt = given.required(alt)
    given.texts(xlabel=xlabel, title=title)
    checks.is_a("values", values, Mapping, "give a dict such as {'gradient': 0.6}")
    chance = None if chance is None else checks.number("chance", chance)
    grouped = bool(values) and all(isinstance(value, Mapping) for value in values.values())
    groups = {group: {name: given.bar(name, value) for name, value in members.items()}
              for group, members in (values if grouped else {"": values}).items()}
    names = list(dict.fromkeys(name for group in groups.values() for name in group))
    if not names or not all(groups.values()):
        raise U3Error("there are no bars to draw; give a dict such as {'gradient': 0.6}")
    largest = max(abs(bar[0]) for members in groups.values() for bar in members.values()) or 1.0
    decimals = max(0, (2 if largest >= 1 else 1) - math.floor(math.log10(largest))) if decimals is None else (
        checks.whole("decimals", decimals, 0, 6))
    with canvas.plot(7.2, 0.8 + len(names) * (0.3 if len(groups) == 1 else 0.25 * len(groups)), title) as (sheet, axes):
        for index, (label, colour) in enumerate(zip(groups, canvas.colours(list(groups)), strict=True)):
            _draw_bars(axes, names, groups, index, label, colour, decimals)
        axes.set_yticks(range(len(names)), names)
        axes.set(xlabel=xlabel, ylim=(len(names) - 0.5, -0.5))
        axes.margins(x=0.12 if all(bar[0] >= 0 for members in groups.values() for bar in members.values()) else 0.2)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.tick_params(axis="y", length=0)
        if chance is not None:
            axes.axvline(chance, color="white", linewidth=2.6)  # a halo, for the bars are dark
            axes.axvline(chance, color=INK, linestyle="--", linewidth=1.2, label=f"chance: {chance:.3g}")
            for number in axes.texts:  # the line does not strike a value through
                number.set_bbox({"facecolor": axes.get_facecolor(), "edgecolor": "none", "pad": 1})
        if grouped or chance is not None:
            sheet.legend(loc="outside lower right", ncols=3, frameon=False)
        return Figure(canvas.png(canvas.levels(sheet), alt), alt, line_art=True)


def classes(names: Sequence[str], logits: Tensor, *, top: int = 5, alt: str | None = None) -> Figure:
    """The ``top`` most probable classes of one picture, in per cent.

    ``logits`` (K,) or (1,K) are its scores before the softmax, ``names`` the K classes. Without ``alt`` the words are
    made from the result.
    """
    names = checks.words("names", names)
    scores = torch.as_tensor(given.numbers("the logits", logits))
    if scores.shape not in ((len(names),), (1, len(names))):
        raise U3Error(f"the logits have shape {tuple(scores.shape)}; give the scores of one picture for "
                      f"{len(names)} classes: net(image)")
    if not scores.isfinite().all():
        raise U3Error("the logits have NaN or infinite values; check the picture and the network's weights")
    best = scores.flatten().softmax(0).mul(100).topk(checks.whole("top", top, 1, len(names)))
    found: dict[str, float] = {}
    for share, k in zip(best.values.tolist(), best.indices.tolist(), strict=True):
        # ImageNet has two classes "crane" and two "maillot"
        found[names[k] if names[k] not in found else f"{names[k]} ({k})"] = share
    words = "Most probable classes: " + ", ".join(f"{name} {share:.0f} %" for name, share in found.items()) + "."
    return bars(found, "probability (%)", alt=words if alt is None else alt)


def _draw_bars(axes: Axes, names: Sequence[str], groups: Mapping[str, Mapping[str, tuple[float, float, float]]],
               index: int, label: str, colour: str, decimals: int) -> None:
    """The bars of one group with whiskers and values, each in its share of the row of its name.

    A row is shared by the groups that have its name: a bar alone stands beside its name, and leaves no gap.
    """
    members, thick = groups[label], 0.8 / len(groups)
    shared = {name: [group for group in groups if name in groups[group]] for name in members}
    rows = np.array([names.index(name) + (shared[name].index(label) - (len(shared[name]) - 1) / 2) * thick
                     for name in members])
    values, lows, highs = np.array(list(members.values())).T
    axes.barh(rows, values, 0.92 * thick, edgecolor="white", linewidth=0, label=label, color=colour,
              hatch=HATCHES[index % len(HATCHES)])
    uncertain = highs > lows
    _, caps, whiskers = axes.errorbar(values[uncertain], rows[uncertain], fmt="none", ecolor=INK, capsize=3,
                                      linewidth=1.2, xerr=np.array([values - lows, highs - values])[:, uncertain])
    if colour == BLACK:  # ink does not show on it
        from matplotlib.patheffects import withStroke

        for part in (*caps, *whiskers):
            part.set_path_effects([withStroke(linewidth=2.8, foreground="white")])
    for row, value, low, high in zip(rows, values, lows, highs, strict=True):
        end, shift, side = (low, -5, "right") if value < 0 else (high, 5, "left")
        axes.annotate(f"{value:z.{decimals}f}".replace("-", "−"), (end, row), (shift, 0), textcoords="offset points",
                      va="center", ha=side, fontsize=9)
