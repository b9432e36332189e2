"""The figures of notebook 02b: three toys beside each other; their kinds, or the truth, L2 and four cures below.

Small pictures, each of CELL × CELL pixels, are drawn with Pillow alone, so that a sheet of them follows a slider.
"""

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from u3course.lessons.selfsup import cures
from u3course.lessons.selfsup.toys import SIDE, Toy
from u3lab import images
from u3lab.figures import COLOURS, Figure, canvas
from u3lab.pixels import eight_bit

ZOOM = 3
CELL = ZOOM * SIDE
FAINT = "#c9c9c4"


@cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """The type of all words."""
    from matplotlib.font_manager import FontProperties, findfont

    return ImageFont.truetype(findfont(FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")), size)


def outcome(y: Tensor) -> Image.Image:
    """What a toy asks for: a picture (1 or 3,H,W) or a sound (1,S)."""
    return image(y) if y.ndim == 3 else waves([y[0]])


def image(levels: Tensor) -> Image.Image:
    """A picture (1 or 3,H,W), its pixels as squares; a narrow one is the right half, and the left is hatched."""
    small = Image.fromarray(eight_bit(levels.detach().clamp(0, 1).expand(3, -1, -1)[None]))
    small = small.resize((small.width * ZOOM, small.height * ZOOM), Image.Resampling.NEAREST)
    panel = Image.new("RGB", (CELL, CELL), canvas.CARD)
    if small.width < CELL:
        pen = ImageDraw.Draw(panel)
        for start in range(-CELL, CELL, 8):
            pen.line((start, CELL, start + CELL, 0), FAINT)
    panel.paste(small, (CELL - small.width, 0))
    return panel


def never() -> Image.Image:
    """A grey panel, in place of an outcome that does not occur."""
    return Image.new("RGB", (CELL, CELL), FAINT)


def strobe(frames: Tensor) -> Image.Image:
    """Three frames in one: the ball is numbered in the order of the frames, and darker in the earlier ones."""
    panel = image((frames * torch.linspace(0.45, 0.8, len(frames))[:, None, None]).amax(0, keepdim=True))
    pen = ImageDraw.Draw(panel)
    for number, one in enumerate(frames, 1):
        rows, columns = one.nonzero().float().mean(0).tolist()
        above = -1 if number % 2 else 1  # balls of one height overlap
        pen.text(((columns + 0.5) * ZOOM, (rows + 0.5 + above * 4.4) * ZOOM), str(number), "white", font(11), "mm")
    return panel


def waves(lines: list[Tensor]) -> Image.Image:
    """A curve of numbers in [−1.2, 1.2] over the time, filled up to zero; or the band between two.

    Air that is pressed has one colour, air that is drawn another, so that a sound and its negative can be told apart.
    """
    big = 4 * CELL  # drawn larger, for smooth lines
    panel = Image.new("RGB", (big, big), "white")
    pen = ImageDraw.Draw(panel)
    across = np.linspace(0, big, len(lines[0]))
    path, *other = (list(zip(across, big / 2 * (1 - line.clamp(-1.2, 1.2).numpy() / 1.2), strict=True))
                    for line in lines)
    if other:
        pen.polygon([*path, *other[0][::-1]], "#8a8a85")
    else:
        for colour, keep in ((COLOURS[0], min), (COLOURS[1], max)):
            half = [(x, keep(y, big / 2)) for x, y in path]
            pen.polygon([(0, big / 2), *half, (big, big / 2)], colour)
            pen.line(half, colour, 5, "curve")
    pen.line((0, big // 2, big, big // 2), FAINT, 4)
    return panel.resize((CELL, CELL), Image.Resampling.BOX)


def bars(heights: Tensor) -> Image.Image:
    """The low half of a spectrum, each frequency a bar; full height is an amplitude of 0.4."""
    panel = Image.new("RGB", (CELL, CELL), "white")
    pen = ImageDraw.Draw(panel)
    for place, height in enumerate(heights[:CELL // 3].clamp(0, 0.4).tolist()):
        pen.rectangle((3 * place, CELL - 1 - round(height / 0.4 * (CELL - 4)), 3 * place + 1, CELL), COLOURS[0])
    return panel


GAP, BETWEEN, LABEL, HEAD, LINE = 12, 26, 238, 46, 108  # pixels: panels, toys, labels, the top, a row
NAMES = 96  # pixels of the labels of a table
HEADS = {"sound": "sound: pressure over time"}  # what a toy is called on top, if not by its name
ROWS = (
    ("truth", "x, and y with its chances", ""),
    ("L2", "‖ŷ − y‖²", "the mean of what can\noccur need not occur"),
    ("1 · a distribution", "−log P(y | x);  P: black 0, white 1",
     "of this family: each pixel\nfor itself, so a sample mixes\noutcomes; a Gaussian has one bump"),
    ("2 · a constrained task", "a question with one answer",
     "has to be found; here half\nis copied, and a steady ball or tone\nhas none"),
    ("3a · predict less", "‖ŷ − π(y)‖²", "π is made by hand; what\nit drops is gone"),
    ("3b · predict less", "min over η ‖y − f(ŷ, η)‖²",
     "f is made by hand; which\noutcome, and how probable, is not\ntold"),
    ("4 · correspondence", "the switch: P(same | x, y)", "makes no y; learns only\nwhat x and y share"))
ALL = "all"  # in place of the name of a row
Panel = tuple[Image.Image, str]  # a picture of CELL × CELL pixels and the words below it
Answers = tuple[Toy, dict[str, Tensor]]  # of one toy an answer of each cure


def closed(toys: list[Toy], p: float) -> list[Answers]:
    """The best answers of all cures."""
    return [(toy, {cure: cures.closed(toy, cure, p) for cure in cures.CURES}) for toy in toys]


def picture(answers: list[Answers], p: float, *, kind: int = 0, row: str = ALL) -> Tensor:
    """The sheet for one kind of each toy, with all ``ROWS`` or with the truth and one, (1,3,H,W) in [0,1]."""
    across = 3 * CELL + 2 * GAP + BETWEEN
    chosen = [(number, *words) for number, words in enumerate(ROWS) if row in (ALL, words[0]) or not number]
    page = Image.new("RGB", (LABEL + len(answers) * across, HEAD + len(chosen) * LINE), canvas.CARD)
    pen = ImageDraw.Draw(page)
    for column, (toy, _) in enumerate(answers):
        pen.text((LABEL + column * across, 14), HEADS.get(toy.name, toy.name), canvas.INK, font(15, bold=True))
    for line, (number, name, formula, drawback) in enumerate(chosen):
        top = HEAD + line * LINE
        pen.line((14, top - 7, page.width - 14, top - 7), fill=FAINT)
        pen.text((14, top - 1), name, canvas.INK, font(13, bold=True))
        pen.text((14, top + 17), formula, canvas.INK, font(12))
        if drawback:
            pen.multiline_text((14, top + 36), f"drawback: {drawback}", COLOURS[1], font(11), spacing=2)
        for column, (toy, of) in enumerate(answers):
            panels = cure_panels(toy, cures.CURES[number - 1], of, kind, p) if number else truth_panels(toy, kind, p)
            for place, (panel, words) in enumerate(panels):
                left = LABEL + column * across + place * (CELL + GAP)
                _paste(page, pen, panel, left, top)
                pen.text((left + CELL / 2, top + CELL + 4), words, canvas.INK, font(11), "ma")
    return images.load(page)


def table(toys: Sequence[Toy], rows: Mapping[str, Sequence[Tensor]], *, alt: str) -> Figure:
    """A row of some y or x for each toy, (N,…) each, below the same of the other rows; ``rows`` has their names."""
    step, across = CELL + 6, max(len(shown) for row in rows.values() for shown in row) * (CELL + 6) + BETWEEN - 6
    page = Image.new("RGB", (NAMES + len(toys) * across, HEAD + len(rows) * step), canvas.CARD)
    pen = ImageDraw.Draw(page)
    for row, (name, shown) in enumerate(rows.items()):
        pen.multiline_text((14, HEAD + row * step + CELL / 2), name, canvas.INK, font(12), "lm")
        for column, (toy, some) in enumerate(zip(toys, shown, strict=True)):
            left = NAMES + column * across
            pen.text((left, 14), HEADS.get(toy.name, toy.name), canvas.INK, font(15, bold=True))
            for place, one in enumerate(some):
                _paste(page, pen, outcome(one), left + place * step, HEAD + row * step)
    return Figure(canvas.png(np.asarray(page), alt), alt)


def _paste(page: Image.Image, pen: ImageDraw.ImageDraw, panel: Image.Image, left: int, top: int) -> None:
    page.paste(panel, (left, top))
    pen.rectangle((left - 1, top - 1, left + CELL, top + CELL), outline=FAINT)


def truth_panels(toy: Toy, kind: int, p: float) -> list[Panel]:
    """The x of a kind, and both of its outcomes."""
    outcomes = zip(("y₀", "y₁"), (1 - p, p), toy.y[kind], strict=True)
    return [(image(toy.x[kind]), "x"), *((outcome(y), f"{name}: {chance:.2f}") if chance else
                                         (never(), f"{name}: never") for name, chance, y in outcomes)]


def cure_panels(toy: Toy, cure: str, answers: Mapping[str, Tensor], kind: int, p: float) -> list[Panel]:
    """What a cure answers for one kind."""
    found, one = answers[cure][kind], int(p == 1)  # of the two outcomes, one that occurs
    match cure, toy.name:
        case "L2", _:
            return [(outcome(found), "ŷ")]
        case "distribution", name:
            draw = torch.Generator().manual_seed(0)
            samples = [(outcome(cures.FAMILIES[name].sample(found, draw)), "a sample") for _ in range(2)]
            if name == "sound":
                mean, deviation = found
                return [(waves([mean - 2 * deviation, mean + 2 * deviation]), "mean ± 2 s.d."), *samples]
            chance, of = (found[2][None], "blue") if name == "colour" else (found, "ball")
            return [(image(chance), f"P({of})"), *samples]
        case "constrained", "colour":
            return [(outcome(toy.question[kind, one, 0]), "question"), (outcome(found[one, 0]), "answer")]
        case "constrained", name:
            asked = toy.question[kind, 1]
            draw = strobe if name == "next frame" else outcome
            return [(draw(asked[which]), f"in order? {float(found[1, which]):.2f}")
                    for which in (len(asked) // 2 - 1, len(asked) - 1)]
        case "projection", "sound":
            return [(bars(found[0]), "strength over pitch")]
        case "projection", name:
            return [(image(found), "off the middle" if name == "next frame" else "colourfulness")]
        case "marginalisation", _:
            return [(outcome(found), "ŷ"), (outcome(toy.other(found)), "f(ŷ, η)")]
    return [(never(), "") if found[k, s].isnan() else  # correspondence; there is no PMI of what never occurs
            (outcome(toy.y[k, s]), f"same? {float(found[k, s]):.2f}")
            for k, s in ((kind, 0), (kind, 1), ((kind + 1) % len(toy.x), one))]
