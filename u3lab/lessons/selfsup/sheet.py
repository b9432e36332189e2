"""The figures of notebook 02b: three toys beside each other; their kinds, or the truth, L2 and four cures below."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from u3lab.figures import COLOURS, Figure, canvas
from u3lab.lessons.selfsup import cures
from u3lab.lessons.selfsup.panels import CELL, FAINT, bars, font, image, outcome, strobe, waves
from u3lab.lessons.selfsup.toys import Toy

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

GAP, BETWEEN, LABEL, HEAD, LINE = 12, 26, 238, 46, 108  # pixels: panels, toys, labels, the top, a row
NAMES = 96  # pixels of the labels of a table
HEADS = {"sound": "sound: pressure over time"}  # what a toy is called on top, if not by its name
ROWS = (
    ("truth", "x, and y with its chances", ""),
    ("L2", "‖ŷ − y‖²", "the mean of what can happen does not happen"),
    ("1 · a distribution", "−log p(y | x);  P: black 0, white 1", "of this family: each pixel for itself, so a sample "
     "mixes outcomes; a Gaussian has one bump"),
    ("2 · a constrained task", "a question with one answer", "has to be found; here the half is copied, "
     "and for a steady ball or tone there is none"),
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
        rows = [_truth(toy, kind, p), *(PANELS[cure](toy, of[cure], kind, seed) for cure in cures.CURES)]
        for line, number in enumerate(chosen):
            for place, (panel, words) in enumerate(rows[number]):
                corner = left + place * (CELL + GAP), HEAD + line * LINE
                page.paste(panel, corner)
                pen.rectangle((corner[0] - 1, corner[1] - 1, corner[0] + CELL, corner[1] + CELL), outline=FAINT)
                pen.text((corner[0] + CELL / 2, corner[1] + CELL + 4), words, canvas.INK, font(11), "ma")
    return np.asarray(page)


def figure(answers: list[Answers], p: float, *, kind: int = 0, seed: int = 0, alt: str) -> Figure:
    """The sheet as a figure that stays."""
    return Figure(canvas.png(draw(answers, p, kind=kind, seed=seed), alt), alt)


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
    return [(image(toy.x[kind]), "x"), (outcome(toy, toy.y[kind, 0]), f"y₀: {1 - p:.2f}"),
            (outcome(toy, toy.y[kind, 1]), f"y₁: {p:.2f}")]


def _prediction(toy: Toy, found: Tensor, kind: int, seed: int) -> list[Panel]:
    return [(outcome(toy, found[kind]), "ŷ")]


def _distribution(toy: Toy, found: Tensor, kind: int, seed: int) -> list[Panel]:
    generator = torch.Generator().manual_seed(seed)
    samples = [cures.FAMILIES[toy.name].sample(found[kind], generator) for _ in range(2)]
    if toy.name == "sound":
        mean, deviation = found[kind]
        shown = waves([mean - 2 * deviation, mean + 2 * deviation], band=True), "mean ± 2 s.d."
    else:
        chance = found[kind, 2] if toy.name == "colour" else found[kind, 0]
        shown = image(chance[None] if chance.ndim == 2 else chance), f"P({'blue' if toy.name == 'colour' else 'ball'})"
    return [shown, *((outcome(toy, sample), "a sample") for sample in samples)]


def _constrained(toy: Toy, found: Tensor, kind: int, seed: int) -> list[Panel]:
    if toy.name == "colour":
        return [(outcome(toy, toy.question[kind, 0, 0]), "question"), (outcome(toy, found[kind, 0, 0]), "answer")]
    asked = toy.question[kind, 1]
    draw = strobe if toy.name == "next frame" else lambda question: waves([question[0]])
    return [(draw(asked[which]), f"in order? {float(found[kind, 1, which]):.2f}") for which in
            (len(asked) // 2 - 1, len(asked) - 1)]


def _projection(toy: Toy, found: Tensor, kind: int, seed: int) -> list[Panel]:
    if toy.name == "sound":
        return [(bars(found[kind, 0]), "strength over pitch")]
    if toy.name == "next frame":
        return [(image(found[kind]), "off the middle")]
    return [(image(found[kind]), "colourfulness")]


def _marginalisation(toy: Toy, found: Tensor, kind: int, seed: int) -> list[Panel]:
    return [(outcome(toy, found[kind]), "ŷ"), (outcome(toy, toy.other(found[kind])), "f(ŷ, η)")]


def _correspondence(toy: Toy, found: Tensor, kind: int, seed: int) -> list[Panel]:
    other = (kind + 1) % len(toy.x)
    shown = [(kind, 0), (kind, 1), (other, 0)]
    return [(outcome(toy, toy.y[k, s]), f"same? {float(found[kind, k, s]):.2f}") for k, s in shown]


PANELS: dict[str, Callable[[Toy, Tensor, int, int], list[Panel]]] = {
    "L2": _prediction, "distribution": _distribution, "constrained": _constrained, "projection": _projection,
    "marginalisation": _marginalisation, "correspondence": _correspondence}
