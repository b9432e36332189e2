"""The figure of notebook 02b: three toys beside each other, the truth, L2 and four cures below each other.

It is drawn with Pillow alone, so that it follows a slider.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from u3lab.figures import COLOURS, Figure, canvas
from u3lab.lessons.selfsup import cures
from u3lab.lessons.selfsup.toys import Toy
from u3lab.pixels import heat

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

ZOOM = 3
CELL = 72  # pixels of a panel
GAP, BETWEEN, LABEL, HEAD, LINE = 12, 26, 238, 46, 108  # pixels: panels, toys, labels, the top, a row
WAVE, FAINT = "#0072b2", "#c9c9c4"
ROWS = (
    ("truth", "x, and y with its chances", ""),
    ("L2", "‖ŷ − y‖²", "the mean of what can happen does not happen"),
    ("1 · a distribution", "−log p(y | x)", "each pixel for itself: a sample mixes outcomes; "
     "a Gaussian has one bump"),
    ("2 · a constrained task", "a question with one answer", "has to be found; here the half is copied, "
     "and for a steady ball or tone there is none"),
    ("3a · predict less", "‖ŷ − π(y)‖²", "π is made by hand; what it drops is gone"),
    ("3b · predict less", "min over η ‖y − f(ŷ, η)‖²", "f is made by hand; which outcome, and how "
     "probable, is not told"),
    ("4 · correspondence", "the switch: P(same | x, y)", "makes no y; learns only what x and y share"),
)
Panel = tuple["Image", str]  # a picture of CELL × CELL pixels and the words below it


class Answers(NamedTuple):
    """What is shown of one toy: an answer of each cure for its kind."""

    toy: Toy
    of: Mapping[str, Tensor]


def closed(toys: list[Toy], p: float) -> list[Answers]:
    """The best answers of all cures."""
    return [Answers(toy, {cure: cures.closed(toy, cure, p) for cure in cures.CURES}) for toy in toys]


def draw(answers: list[Answers], p: float, *, kind: int = 0, seed: int = 0) -> np.ndarray:
    """The sheet for one kind of each toy, as RGB levels (H,W,3)."""
    from PIL import Image as images
    from PIL import ImageDraw

    across = 3 * CELL + 2 * GAP
    width, height = LABEL + len(answers) * (across + BETWEEN), HEAD + len(ROWS) * LINE
    page = images.new("RGB", (width, height), canvas.CARD)
    pen = ImageDraw.Draw(page)
    for row, words in enumerate(ROWS):
        top = HEAD + row * LINE
        pen.line((14, top - 7, width - 14, top - 7), fill=FAINT)
        _label(pen, top, *words)
    for column, (toy, of) in enumerate(answers):
        left = LABEL + column * (across + BETWEEN)
        pen.text((left, 14), toy.name, canvas.INK, _font(15, bold=True))
        rows = [_truth(toy, kind, p), *(PANELS[cure](toy, of[cure], kind, seed) for cure in cures.CURES)]
        for row, panels in enumerate(rows):
            for place, (panel, words) in enumerate(panels):
                corner = left + place * (CELL + GAP), HEAD + row * LINE
                page.paste(panel, corner)
                pen.rectangle((corner[0] - 1, corner[1] - 1, corner[0] + CELL, corner[1] + CELL), outline=FAINT)
                pen.text((corner[0] + CELL / 2, corner[1] + CELL + 4), words, canvas.INK, _font(11), "ma")
    return np.asarray(page)


def figure(answers: list[Answers], p: float, *, kind: int = 0, seed: int = 0, alt: str) -> Figure:
    """The sheet as a figure that stays."""
    return Figure(canvas.png(draw(answers, p, kind=kind, seed=seed), alt), alt)


def picture(answers: list[Answers], p: float, *, kind: int = 0, seed: int = 0) -> Tensor:
    """The sheet as a picture (1,3,H,W) in [0,1], for a live figure."""
    return torch.from_numpy(draw(answers, p, kind=kind, seed=seed).copy()).permute(2, 0, 1)[None].float() / 255


def _label(pen: ImageDraw, top: int, name: str, formula: str, drawback: str) -> None:
    pen.text((14, top - 1), name, canvas.INK, _font(13, bold=True))
    pen.text((14, top + 17), formula, canvas.INK, _font(12))
    if drawback:
        pen.multiline_text((14, top + 36), _wrapped(f"drawback: {drawback}", LABEL - 34), COLOURS[1], _font(11),
                           spacing=2)


def _wrapped(text: str, width: int) -> str:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if _font(11).getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)


@cache
def _font(size: int, bold: bool = False) -> FreeTypeFont:
    from matplotlib.font_manager import FontProperties, findfont
    from PIL import ImageFont

    return ImageFont.truetype(findfont(FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")), size)


def _truth(toy: Toy, kind: int, p: float) -> list[Panel]:
    return [(_image(toy.x[kind]), "x"), (_panel(toy, toy.y[kind, 0]), f"y₀: {1 - p:.2f}"),
            (_panel(toy, toy.y[kind, 1]), f"y₁: {p:.2f}")]


def _prediction(toy: Toy, found: Tensor, kind: int, seed: int) -> list[Panel]:
    return [(_panel(toy, found[kind]), "ŷ")]


def _distribution(toy: Toy, found: Tensor, kind: int, seed: int) -> list[Panel]:
    generator = torch.Generator().manual_seed(seed)
    samples = [cures.FAMILIES[toy.name].sample(found[kind], generator) for _ in range(2)]
    if toy.name == "sound":
        mean, deviation = found[kind]
        shown = _waves([mean - 2 * deviation, mean + 2 * deviation], band=True), "mean ± 2 s.d."
    else:
        chance = found[kind, 2] if toy.name == "colour" else found[kind, 0]
        shown = _image(heat(chance, scale=1.0)[0]), "P(blue)" if toy.name == "colour" else "P(ball)"
    return [shown, *((_panel(toy, sample), "a sample") for sample in samples)]


def _constrained(toy: Toy, found: Tensor, kind: int, seed: int) -> list[Panel]:
    if toy.name == "colour":
        return [(_panel(toy, toy.question[kind, 0, 0]), "question"), (_panel(toy, found[kind, 0, 0]), "answer")]
    asked = toy.question[kind, 1]
    draw = _strobe if toy.name == "next frame" else lambda question: _waves([question[0]])
    return [(draw(asked[which]), f"in order? {float(found[kind, 1, which]):.2f}") for which in
            (len(asked) // 2 - 1, len(asked) - 1)]


def _projection(toy: Toy, found: Tensor, kind: int, seed: int) -> list[Panel]:
    if toy.name == "sound":
        return [(_bars(found[kind, 0]), "spectrum")]
    if toy.name == "next frame":
        return [(_image(found[kind]), "how far off")]
    return [(_image(found[kind]), "colourfulness")]


def _marginalisation(toy: Toy, found: Tensor, kind: int, seed: int) -> list[Panel]:
    return [(_panel(toy, found[kind]), "ŷ"), (_panel(toy, toy.other(found[kind])), "f(ŷ, η)")]


def _correspondence(toy: Toy, found: Tensor, kind: int, seed: int) -> list[Panel]:
    other = (kind + 1) % len(toy.x)
    shown = [(kind, 0), (kind, 1), (other, 0)]
    return [(_panel(toy, toy.y[k, s]), f"same? {float(found[kind, k, s]):.2f}") for k, s in shown]


PANELS: dict[str, Callable[[Toy, Tensor, int, int], list[Panel]]] = {
    "L2": _prediction, "distribution": _distribution, "constrained": _constrained, "projection": _projection,
    "marginalisation": _marginalisation, "correspondence": _correspondence}


def _panel(toy: Toy, y: Tensor) -> Image:
    return _waves([y[0]]) if toy.name == "sound" else _image(y)


def _image(levels: Tensor) -> Image:
    """A picture (1 or 3,H,W), its pixels as squares; a narrow one stands in the middle of its panel."""
    from PIL import Image as images

    rgb = levels.detach().clamp(0, 1).expand(3, -1, -1).permute(1, 2, 0).mul(255).round().byte().numpy()
    small = images.fromarray(np.ascontiguousarray(rgb)).resize((rgb.shape[1] * ZOOM, rgb.shape[0] * ZOOM), 0)
    panel = images.new("RGB", (CELL, CELL), canvas.CARD)
    panel.paste(small, ((CELL - small.width) // 2, (CELL - small.height) // 2))
    return panel


def _strobe(frames: Tensor) -> Image:
    """Three frames in one: the ball is numbered in the order of the frames, and darker in the earlier ones."""
    from PIL import ImageDraw

    panel = _image((frames * torch.linspace(0.45, 0.8, len(frames))[:, None, None]).amax(0, keepdim=True))
    pen = ImageDraw.Draw(panel)
    for number, one in enumerate(frames, 1):
        rows, columns = one.nonzero().float().mean(0).tolist()
        above = -1 if number % 2 else 1  # balls of one height overlap
        pen.text(((columns + 0.5) * ZOOM, (rows + 0.5 + above * 4.4) * ZOOM), str(number), "white", _font(11), "mm")
    return panel


def _waves(lines: list[Tensor], band: bool = False) -> Image:
    """Curves of numbers in [−1.2, 1.2] over the time, or the band between two; drawn larger, for smooth lines."""
    from PIL import Image as images
    from PIL import ImageDraw

    big = 4 * CELL
    panel = images.new("RGB", (big, big), "white")
    pen = ImageDraw.Draw(panel)
    pen.line((0, big // 2, big, big // 2), FAINT, 4)
    across = np.linspace(0, big, len(lines[0]))
    paths = [list(zip(across, big / 2 * (1 - line.clamp(-1.2, 1.2).numpy() / 1.2), strict=True)) for line in lines]
    if band:
        pen.polygon([*paths[0], *paths[1][::-1]], WAVE)
    else:
        for path in paths:
            pen.line(path, WAVE, 6, "curve")
    return panel.resize((CELL, CELL), images.Resampling.BOX)


def _bars(heights: Tensor) -> Image:
    """The low half of a spectrum, each frequency a bar; full height is an amplitude of 0.4."""
    from PIL import Image as images
    from PIL import ImageDraw

    panel = images.new("RGB", (CELL, CELL), "white")
    pen = ImageDraw.Draw(panel)
    for place, height in enumerate(heights[:24].clamp(0, 0.4).tolist()):
        pen.rectangle((3 * place, CELL - 1 - round(height / 0.4 * (CELL - 4)), 3 * place + 1, CELL), WAVE)
    return panel


