"""The paper that figures are drawn on: one style whatever the notebook has set, no pyplot, small files."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from u3lab.checks import room

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure as Canvas

CARD, INK, DPI = "#fcfcfa", "#222222", 110
PNG = b"\x89PNG"  # how such a file begins
QUALITY = 92  # of a JPEG, from 1 to 95
PAGE = 6_000_000  # pixels of a figure at most, five screens full: drawn, they take 700 MB
BLACK = "#000000"
GREY, BROWN, OCHRE = "#767676", "#9c6454", "#a6761d"
COLOURS = BLUE, RED, GREEN, PINK, *_ = "#0072b2", "#d55e00", "#009e73", "#c0699a", BLACK, "#e69f00", "#56b4e9"
# The colour of what is compared in more than one chart. Those that meet in a chart differ.
METHODS = {name: colour for colour, names in {
    GREY: ("chance", "guessing", "floor", "random", "edges (no network)"),  # what knows nothing
    BLACK: ("pixels", "serial", "LRP z⁺"),
    PINK: ("random weights", "untrained", "not trained", "network, not trained", "low rank", "Grad-CAM"),
    GREEN: ("features", "frozen features", "trained", "network, trained", "supervised", "guided"),
    BROWN: ("scratch", "mask"),
    OCHRE: ("last block",),
    RED: ("fine-tuning", "deconvnet", "efficientnet_lite0", "EfficientNet-Lite0", "Lite0"),
    BLUE: ("parallel", "gradient", "squeezenet1_1", "SqueezeNet", "SqueezeNet 1.1"),
}.items() for name in names}
YOURS = " (yours)"  # what is added to the name of a series for the same from the user's own results
LINES, MARKERS, HATCHES = ("-", "--", "-.", ":"), "osD^vPX", ("", "///", "...", "xxx")


def colours(names: Sequence[str]) -> list[str]:
    """Choose a colour for each series: its method's, in every chart the same, or the next that is free.

    The method is the whole name, or what stands before its first comma or bracket: "random weights (3)". A second
    series of one method takes a free colour; the user's own results have the colour of what they are shown beside.
    """
    names, found = [str(name) for name in names], {}
    for name in names:
        colour = METHODS.get(name, METHODS.get(re.split(r"[,(]", name)[0].strip(), ""))
        if colour and colour not in found.values() and not name.endswith(YOURS):
            found[name] = colour
    free = itertools.cycle([colour for colour in COLOURS if colour not in found.values()] or COLOURS)
    for name in names:
        if name not in found and not (name.endswith(YOURS) and name.removesuffix(YOURS) in names):
            found[name] = next(free)
    return [found.get(name) or found[name.removesuffix(YOURS)] for name in names]


@contextmanager
def plain_style() -> Iterator[None]:
    """matplotlib's defaults with our type, whatever style the notebook has set; the notebook's is put back."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({
            "font.size": 10, "xtick.labelsize": 9, "legend.fontsize": 9.5, "hatch.linewidth": 0.8,
            "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True, "axes.facecolor": CARD,
            **{f"{part}color": INK for part in ("text.", "axes.label", "axes.edge", "xtick.", "ytick.", "axes.title")}})
        yield


@contextmanager
def plot(width: float, height: float, title: str) -> Iterator[tuple[Canvas, Axes]]:
    """An empty plot of width × height inches; U3Error if it would be larger than a page."""
    room("the figure", round(height * DPI), round(width * DPI), most=PAGE)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    with plain_style():
        canvas = Canvas((width, height), dpi=DPI, facecolor=CARD, layout="constrained")
        canvas.get_layout_engine().set(w_pad=0.12, h_pad=0.1)
        FigureCanvasAgg(canvas)
        axes = canvas.add_subplot()
        axes.set_title(title, loc="left", fontsize=11, wrap=True)
        yield canvas, axes


def plain_ticks(axis: Axis) -> None:
    """1, 2, 5, 10, 20 … on a logarithmic axis, not powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def levels(canvas: Canvas) -> np.ndarray:
    """What is drawn on the canvas, as RGB levels (H,W,3)."""
    canvas.canvas.draw()
    return np.asarray(canvas.canvas.buffer_rgba())[..., :3]


def png(pixels: np.ndarray, alt: str) -> bytes:
    """RGB levels (H,W,3) of what is drawn → a PNG with a palette of 256 colours, a third of the bytes."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    image = Image.fromarray(np.ascontiguousarray(pixels))
    # Maximum coverage keeps rare colours (a thin line) that median cut gives away.
    image = image.quantize(colors=256, method=Image.Quantize.MAXCOVERAGE, kmeans=1)
    info = PngInfo()
    info.add_itxt("Description", alt)  # the words stay with the file when it is saved from the page
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True, pnginfo=info)
    return file.getvalue()


def jpeg(pixels: np.ndarray, alt: str) -> bytes:
    """RGB levels (H,W,3) of photographs → a JPEG in full colour, with no channel coarser than another."""
    from PIL import Image, ImageFile

    file, kept = io.BytesIO(), ImageFile.MAXBLOCK
    ImageFile.MAXBLOCK = max(kept, pixels.size)  # an optimised JPEG is held as a whole, and noise takes this much
    try:
        Image.fromarray(np.ascontiguousarray(pixels)).save(file, "JPEG", quality=QUALITY, subsampling=0, optimize=True,
                                                           comment=alt.encode())
    finally:
        ImageFile.MAXBLOCK = kept
    return file.getvalue()
