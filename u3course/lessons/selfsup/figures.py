"""The figures of notebook 02b: three toys beside each other; their kinds, or the truth, L2 and four cures below.

Small pictures, each of CELL × CELL pixels, are drawn with Pillow alone, so that a sheet of them follows a slider.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from u3course.lessons.selfsup import cures
from u3course.lessons.selfsup.toys import SIDE, Toy
from u3lab.figures import COLOURS, Figure, canvas

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

ZOOM = 3
CELL = ZOOM * SIDE
PRESSED, DRAWN = COLOURS[:2]  # air of more and of less than its usual pressure
FAINT = "#c9c9c4"


@cache
def font(size: int, bold: bool = False) -> FreeTypeFont:
    """The type of all words."""
    from matplotlib.font_manager import FontProperties, findfont
    from PIL import ImageFont

    return ImageFont.truetype(findfont(FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")), size)


def outcome(toy: Toy, y: Tensor) -> Image:
    """What a toy asks for: a picture or a sound (1,S)."""
    return waves([y[0]]) if toy.name == "sound" else image(y)


def image(levels: Tensor) -> Image:
    """A picture (1 or 3,H,W), its pixels as squares; a narrow one is the right half, and the left is hatched."""
    from PIL import Image as images
    from PIL import ImageDraw

    rgb = levels.detach().clamp(0, 1).expand(3, -1, -1).permute(1, 2, 0).mul(255).round().byte().numpy()
    small = images.fromarray(np.ascontiguousarray(rgb)).resize((rgb.shape[1] * ZOOM, rgb.shape[0] * ZOOM), 0)
    panel = images.new("RGB", (CELL, CELL), canvas.CARD)
    if small.width < CELL:
        pen = ImageDraw.Draw(panel)
        for start in range(-CELL, CELL, 8):
            pen.line((start, CELL, start + CELL, 0), FAINT)
    panel.paste(small, (CELL - small.width, 0))
    return panel


def never() -> Image:
    """A grey panel, in place of an outcome that does not occur."""
    from PIL import Image as images

    return images.new("RGB", (CELL, CELL), FAINT)


def strobe(frames: Tensor) -> Image:
    """Three frames in one: the ball is numbered in the order of the frames, and darker in the earlier ones."""
    from PIL import ImageDraw

    panel = image((frames * torch.linspace(0.45, 0.8, len(frames))[:, None, None]).amax(0, keepdim=True))
    pen = ImageDraw.Draw(panel)
    for number, one in enumerate(frames, 1):
        rows, columns = one.nonzero().float().mean(0).tolist()
        above = -1 if number % 2 else 1  # balls of one height overlap
        pen.text(((columns + 0.5) * ZOOM, (rows + 0.5 + above * 4.4) * ZOOM), str(number), "white", font(11), "mm")
    return panel


def waves(lines: list[Tensor], band: bool = False) -> Image:
    """A curve of numbers in [−1.2, 1.2] over the time, filled up to zero; or the band between two.

    Air that is pressed has one colour, air that is drawn another, so that a sound and its negative can be told apart.
    """
    from PIL import Image as images
    from PIL import ImageDraw

    big = 4 * CELL  # drawn larger, for smooth lines
    panel = images.new("RGB", (big, big), "white")
    pen = ImageDraw.Draw(panel)
    across = np.linspace(0, big, len(lines[0]))
    paths = [list(zip(across, big / 2 * (1 - line.clamp(-1.2, 1.2).numpy() / 1.2), strict=True)) for line in lines]
    if band:
        pen.polygon([*paths[0], *paths[1][::-1]], "#8a8a85")
    else:
        for colour, keep in ((PRESSED, min), (DRAWN, max)):
            path = [(x, keep(y, big / 2)) for x, y in paths[0]]
            pen.polygon([(0, big / 2), *path, (big, big / 2)], colour)
            pen.line(path, colour, 5, "curve")
    pen.line((0, big // 2, big, big // 2), FAINT, 4)
    return panel.resize((CELL, CELL), images.Resampling.BOX)


def bars(heights: Tensor) -> Image:
    """The low half of a spectrum, each frequency a bar; full height is an amplitude of 0.4."""
    from PIL import Image as images
    from PIL import ImageDraw

    panel = images.new("RGB", (CELL, CELL), "white")
    pen = ImageDraw.Draw(panel)
    for place, height in enumerate(heights[:CELL // 3].clamp(0, 0.4).tolist()):
        pen.rectangle((3 * place, CELL - 1 - round(height / 0.4 * (CELL - 4)), 3 * place + 1, CELL), COLOURS[0])
    return panel


GAP, BETWEEN, LABEL, HEAD, LINE = 12, 26, 238, 46, 108  # pixels: panels, toys, labels, the top, a row
NAMES = 96  # pixels of the labels of a table
HEADS = {"sound": "sound: pressure over time"}  # what a toy is called on top, if not by its name
ROWS = (
    ("truth", "x, and y with its chances", ""),
    ("L2", "‖ŷ − y‖²", "the mean of what can occur need not occur"),
    ("1 · a distribution", "−log P(y | x);  P: black 0, white 1", "of this family: each pixel for itself, so a sample "
     "mixes outcomes; a Gaussian has one bump"),
    ("2 · a constrained task", "a question with one answer", "has to be found; here half is "
     "copied, and a steady ball or tone has none"),
    ("3a · predict less", "‖ŷ − π(y)‖²", "π is made by hand; what it drops is gone"),
    ("3b · predict less", "min over η ‖y − f(ŷ, η)‖²", "f is made by hand; which outcome, and how "
     "probable, is not told"),
    ("4 · correspondence", "the switch: P(same | x, y)", "makes no y; learns only what x and y share"),
)
ALL = "all"  # in place of the name of a row
Panel = tuple["Image", str]  # a picture of CELL × CELL pixels and the words below it


class Answers(NamedTuple):
    """What is shown of one toy: an answer of each cure for its kind."""

    toy: Toy
    of: Mapping[str, Tensor]


def closed(toys: list[Toy], p: float) -> list[Answers]:
    """The best answers of all cures."""
    return [Answers(toy, {cure: cures.closed(toy, cure, p) for cure in cures.CURES}) for toy in toys]


def draw(answers: list[Answers], p: float, *, kind: int = 0, seed: int = 0, row: str = ALL) -> np.ndarray:
    """The sheet for one kind of each toy, with all ``ROWS`` or with the truth and one, as RGB levels (H,W,3)."""
    from PIL import Image as images
    from PIL import ImageDraw

    across = 3 * CELL + 2 * GAP
    chosen = [number for number, (name, *_) in enumerate(ROWS) if row in (ALL, name) or not number]
    width, height = LABEL + len(answers) * (across + BETWEEN), HEAD + len(chosen) * LINE
    page = images.new("RGB", (width, height), canvas.CARD)
    pen = ImageDraw.Draw(page)
    for line, number in enumerate(chosen):
        top = HEAD + line * LINE
        pen.line((14, top - 7, width - 14, top - 7), fill=FAINT)
        _label(pen, top, *ROWS[number])
    for column, (toy, of) in enumerate(answers):
        left = LABEL + column * (across + BETWEEN)
        pen.text((left, 14), HEADS.get(toy.name, toy.name), canvas.INK, font(15, bold=True))
        rows = [_truth(toy, kind, p), *(PANELS[cure](toy, of[cure], kind, seed, p) for cure in cures.CURES)]
        for line, number in enumerate(chosen):
            for place, (panel, words) in enumerate(rows[number]):
                corner = left + place * (CELL + GAP), HEAD + line * LINE
                page.paste(panel, corner)
                pen.rectangle((corner[0] - 1, corner[1] - 1, corner[0] + CELL, corner[1] + CELL), outline=FAINT)
                pen.text((corner[0] + CELL / 2, corner[1] + CELL + 4), words, canvas.INK, font(11), "ma")
    return np.asarray(page)


def picture(answers: list[Answers], p: float, *, kind: int = 0, seed: int = 0, row: str = ALL) -> Tensor:
    """The sheet as a picture (1,3,H,W) in [0,1], for a live figure."""
    return torch.from_numpy(draw(answers, p, kind=kind, seed=seed, row=row).copy()).permute(2, 0, 1)[None].float() / 255


def table(toys: Sequence[Toy], rows: Mapping[str, Sequence[Tensor]], *, alt: str) -> Figure:
    """A row of some y or x for each toy, (N,…) each, below the same of the other rows; ``rows`` has their names."""
    from PIL import Image as images
    from PIL import ImageDraw

    count = max(len(shown) for row in rows.values() for shown in row)
    step, across = CELL + 6, count * (CELL + 6) + BETWEEN - 6
    page = images.new("RGB", (NAMES + len(toys) * across, HEAD + len(rows) * step), canvas.CARD)
    pen = ImageDraw.Draw(page)
    for row, (name, shown) in enumerate(rows.items()):
        pen.multiline_text((14, HEAD + row * step + CELL / 2), name, canvas.INK, font(12), "lm")
        for column, (toy, some) in enumerate(zip(toys, shown, strict=True)):
            left = NAMES + column * across
            pen.text((left, 14), HEADS.get(toy.name, toy.name), canvas.INK, font(15, bold=True))
            for place, one in enumerate(some):
                corner = left + place * step, HEAD + row * step
                page.paste(image(one) if one.ndim == 3 else outcome(toy, one), corner)
                pen.rectangle((corner[0] - 1, corner[1] - 1, corner[0] + CELL, corner[1] + CELL), outline=FAINT)
    return Figure(canvas.png(np.asarray(page), alt), alt)


def _label(pen: ImageDraw, top: int, name: str, formula: str, drawback: str) -> None:
    pen.text((14, top - 1), name, canvas.INK, font(13, bold=True))
    pen.text((14, top + 17), formula, canvas.INK, font(12))
    if drawback:
        pen.multiline_text((14, top + 36), _wrapped(f"drawback: {drawback}", LABEL - 34), COLOURS[1], font(11),
                           spacing=2)


def _wrapped(text: str, width: int) -> str:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font(11).getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)


def _truth(toy: Toy, kind: int, p: float) -> list[Panel]:
    outcomes = zip(("y₀", "y₁"), (1 - p, p), toy.y[kind], strict=True)
    return [(image(toy.x[kind]), "x"), *((outcome(toy, y), f"{name}: {chance:.2f}") if chance else
                                         (never(), f"{name}: never") for name, chance, y in outcomes)]


def _prediction(toy: Toy, found: Tensor, kind: int, seed: int, p: float) -> list[Panel]:
    return [(outcome(toy, found[kind]), "ŷ")]


def _distribution(toy: Toy, found: Tensor, kind: int, seed: int, p: float) -> list[Panel]:
    generator = torch.Generator().manual_seed(seed)
    samples = [cures.FAMILIES[toy.name].sample(found[kind], generator) for _ in range(2)]
    if toy.name == "sound":
        mean, deviation = found[kind]
        shown = waves([mean - 2 * deviation, mean + 2 * deviation], band=True), "mean ± 2 s.d."
    else:
        chance = found[kind, 2] if toy.name == "colour" else found[kind, 0]
        shown = image(chance[None] if chance.ndim == 2 else chance), f"P({'blue' if toy.name == 'colour' else 'ball'})"
    return [shown, *((outcome(toy, sample), "a sample") for sample in samples)]


def _constrained(toy: Toy, found: Tensor, kind: int, seed: int, p: float) -> list[Panel]:
    if toy.name == "colour":
        which = int(p == 1)  # of the two outcomes, one that occurs
        return [(outcome(toy, toy.question[kind, which, 0]), "question"),
                (outcome(toy, found[kind, which, 0]), "answer")]
    asked = toy.question[kind, 1]
    draw = strobe if toy.name == "next frame" else lambda question: waves([question[0]])
    return [(draw(asked[which]), f"in order? {float(found[kind, 1, which]):.2f}") for which in
            (len(asked) // 2 - 1, len(asked) - 1)]


def _projection(toy: Toy, found: Tensor, kind: int, seed: int, p: float) -> list[Panel]:
    if toy.name == "sound":
        return [(bars(found[kind, 0]), "strength over pitch")]
    if toy.name == "next frame":
        return [(image(found[kind]), "off the middle")]
    return [(image(found[kind]), "colourfulness")]


def _marginalisation(toy: Toy, found: Tensor, kind: int, seed: int, p: float) -> list[Panel]:
    return [(outcome(toy, found[kind]), "ŷ"), (outcome(toy, toy.other(found[kind])), "f(ŷ, η)")]


def _correspondence(toy: Toy, found: Tensor, kind: int, seed: int, p: float) -> list[Panel]:
    other = (kind + 1) % len(toy.x)
    shown = [(kind, 0), (kind, 1), (other, int(p == 1))]
    return [(never(), "") if found[kind, k, s].isnan() else  # no PMI of what never occurs
            (outcome(toy, toy.y[k, s]), f"same? {float(found[kind, k, s]):.2f}") for k, s in shown]


PANELS: dict[str, Callable[[Toy, Tensor, int, int, float], list[Panel]]] = {
    "L2": _prediction, "distribution": _distribution, "constrained": _constrained, "projection": _projection,
    "marginalisation": _marginalisation, "correspondence": _correspondence}
