"""Domains of signs: handwritten digits, house numbers, letters of many scripts, traffic signs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from u3lab.worlds.decathlon.canvas import (
    SIDE,
    Draw,
    Recipe,
    colour,
    ground,
    index,
    pasted,
    share,
    tiles,
    tilted,
    weathered,
)

DIGITS = tuple("0123456789")
RED, BLUE, YELLOW, WHITE, BLACK = (190, 25, 35), (20, 75, 160), (245, 195, 30), (245, 245, 245), (20, 20, 20)
LARGE = 128  # signs are painted at this size


def digits(number: int, split: str, count: int, draw: Draw) -> Iterator[Image.Image]:
    """MNIST to learn and to choose with, digits of another hand and scanner for the test; white on black."""
    first = {"train": 0, "val": 100, "test": 0}[split]
    for tile in tiles("digits" if split == "test" else "mnist")[number, first : first + count]:
        yield Image.fromarray(tile).resize((SIDE, SIDE), Image.Resampling.BICUBIC).convert("RGB")


def numeral(digit: int, face: int, ink: tuple[int, int, int]) -> Image.Image:
    """A digit of a typeface in a colour on nothing, cut to its width."""
    mask = Image.fromarray(tiles("numerals")[digit, face])
    left, top, right, bottom = mask.getbbox()
    mask = mask.crop((left, top, right, bottom))
    picture = Image.new("RGBA", mask.size, ink)
    picture.putalpha(mask)
    return picture


def house_numbers(number: int, split: str, count: int, draw: Draw) -> Iterator[Image.Image]:
    """A digit in the middle, neighbours left and right, on a photo or a plate."""
    faces = share(list(range(tiles("numerals").shape[1])), split)
    for _ in range(count):
        face, below = faces[draw.integers(len(faces))], ground(split, draw)
        if draw.random() < 0.4:
            below = Image.blend(below, Image.new("RGB", below.size, colour(draw)), 0.7)
        light = np.asarray(below).mean() < 128
        ink = colour(draw, 170, 255) if light else colour(draw, 0, 85)
        line = Image.new("RGBA", (5 * SIDE, SIDE))
        tall = draw.uniform(0.5, 0.85) * SIDE
        left, middle, right = (numeral(digit, face, ink) for digit in (draw.integers(10), number, draw.integers(10)))
        left, middle, right = (one.resize((max(2, round(one.width * tall / one.height)), round(tall)))
                               for one in (left, middle, right))
        gap, top = round(draw.uniform(1, 6)), round((SIDE - tall) * draw.random())
        start = (5 * SIDE - middle.width) // 2 + round(draw.normal(0, 2))
        for one, x in ((left, start - gap - left.width), (middle, start), (right, start + middle.width + gap)):
            if one is middle or draw.random() < 0.7:
                line.alpha_composite(one, (x, top))
        line = line.crop((2 * SIDE, 0, 3 * SIDE, SIDE))
        line = tilted(line.rotate(draw.uniform(-8, 8), Image.Resampling.BILINEAR), draw, 0.08)
        below.paste(line, (0, 0), line)
        yield weathered(below, draw, 1.4, 10)


def letters(number: int, split: str, count: int, draw: Draw) -> Iterator[Image.Image]:
    """Black on white, in a typeface that the other splits have not."""
    entry = index()["glyphs"]
    families = len(entry["families"][entry["rows"][number].split()[0]])
    columns = {"test": [families - 1], "val": [families - 2]}.get(split, list(range(families - 2)))
    for _ in range(count):
        mask = Image.fromarray(tiles("glyphs")[number, columns[draw.integers(len(columns))]])
        ink = Image.new("RGBA", mask.size, BLACK)
        ink.putalpha(mask)
        paper = Image.new("RGB", (SIDE, SIDE), (int(draw.integers(225, 256)),) * 3)
        yield pasted(tilted(ink, draw, 0.15), paper, draw, sizes=(0.65, 0.95))


def _arrow(pen: ImageDraw.ImageDraw, way: str) -> None:
    """A white arrow up, or up and then to a side."""
    if way == "ahead":
        pen.line([(64, 98), (64, 48)], WHITE, 14)
        pen.polygon([(64, 22), (40, 54), (88, 54)], WHITE)
        return
    side = -1 if way == "left" else 1
    pen.line([(64 - 14 * side, 98), (64 - 14 * side, 58), (64 + 12 * side, 58)], WHITE, 14, "curve")
    pen.polygon([(64 + 42 * side, 58), (64 + 10 * side, 34), (64 + 10 * side, 82)], WHITE)


def _number(plate: Image.Image, text: str, face: int) -> None:
    made = [numeral(int(digit), face, BLACK) for digit in text]
    made = [one.resize((max(4, round(min(one.width * 52 / one.height, 34))), 52)) for one in made]
    x = (LARGE - sum(one.width for one in made) - 4 * (len(made) - 1)) // 2
    for one in made:
        plate.alpha_composite(one, (x, 38))
        x += one.width + 4


def _regular(sides: int, turn: float, radius: float = 60) -> list[tuple[float, float]]:
    angles = np.deg2rad(turn + np.arange(sides) * 360 / sides)
    return [(64 + radius * np.sin(a), 64 - radius * np.cos(a)) for a in angles]


def _round(pen: ImageDraw.ImageDraw, rim: tuple[int, int, int], inside: tuple[int, int, int]) -> None:
    pen.ellipse((4, 4, 124, 124), rim)
    pen.ellipse((18, 18, 110, 110), inside)


def plate(sign: str, face: int) -> Image.Image:
    """A sign on nothing, 128×128, much as the Vienna convention has it; numbers in one of the typefaces."""
    picture = Image.new("RGBA", (LARGE, LARGE))
    pen = ImageDraw.Draw(picture)
    match sign.split():
        case ["stop"]:
            pen.polygon(_regular(8, 22.5), RED, WHITE, 4)
            pen.text((64, 64), "STOP", WHITE, ImageFont.load_default(38), "mm", stroke_width=1)
        case ["give", "way"]:
            pen.polygon(_regular(3, 180, 64), RED)
            pen.polygon(_regular(3, 180, 38), WHITE)
        case ["danger"]:
            pen.polygon(_regular(3, 0, 64), RED)
            pen.polygon(_regular(3, 0, 40), WHITE)
            pen.line([(64, 46), (64, 68)], BLACK, 8)
            pen.ellipse((59, 72, 69, 82), BLACK)
        case ["crossroads"]:
            pen.polygon(_regular(3, 0, 64), RED)
            pen.polygon(_regular(3, 0, 40), WHITE)
            pen.line([(52, 50), (76, 80)], BLACK, 6)
            pen.line([(76, 50), (52, 80)], BLACK, 6)
        case ["no", "entry"]:
            pen.ellipse((4, 4, 124, 124), RED)
            pen.rectangle((22, 52, 106, 76), WHITE)
        case ["no", "vehicles"]:
            _round(pen, RED, WHITE)
        case ["no", "stopping"]:
            _round(pen, RED, BLUE)
            pen.line([(30, 30), (98, 98)], RED, 12)
            pen.line([(98, 30), (30, 98)], RED, 12)
        case ["priority", "road"]:
            pen.polygon(_regular(4, 0), WHITE, BLACK, 2)
            pen.polygon(_regular(4, 0, 44), YELLOW)
        case ["end", "of", "limits"]:
            _round(pen, BLACK, WHITE)
            for shift in (-18, -6, 6, 18):
                pen.line([(92 + shift, 28), (36 + shift, 100)], BLACK, 4)
        case ["speed", limit]:
            _round(pen, RED, WHITE)
            _number(picture, limit, face)
        case [way, *_]:
            pen.ellipse((4, 4, 124, 124), WHITE)
            pen.ellipse((8, 8, 120, 120), BLUE)
            _arrow(pen, way)
    return picture


SIGNS = ("stop", "give way", "danger", "crossroads", "no entry", "no vehicles", "no stopping", "priority road",
         "end of limits", "speed 30", "speed 50", "speed 80", "ahead only", "left only", "right only")


def traffic_signs(number: int, split: str, count: int, draw: Draw) -> Iterator[Image.Image]:
    """Painted, then seen at a slant, shaded, blurred, before a photo."""
    faces = share(list(range(tiles("numerals").shape[1])), split)
    for _ in range(count):
        sign = tilted(plate(SIGNS[number], faces[draw.integers(len(faces))]), draw, 0.18)
        shade = np.linspace(*draw.uniform(0.45, 1.0, 2), LARGE).reshape(1, LARGE, 1)
        shaded = np.asarray(sign).astype(np.float32)
        shaded[..., :3] *= shade if draw.random() < 0.5 else shade.swapaxes(0, 1)
        sign = Image.fromarray(shaded.astype(np.uint8))
        yield weathered(pasted(sign, ground(split, draw), draw, sizes=(0.35, 0.8), turn=10), draw, 1.6, 12)


DOMAINS = {
    "digits": Recipe(digits, DIGITS, "handwritten digits: MNIST", "none",
                     "the test's are of another hand and scanner (OpenCV)"),
    "house numbers": Recipe(house_numbers, DIGITS, "printed digits among others on photos", "SVHN",
                            "typefaces and photos"),
    "letters": Recipe(letters, tuple(index()["glyphs"]["rows"]), "two letters of each of 24 scripts", "Omniglot",
                      "typefaces"),
    "traffic signs": Recipe(traffic_signs, SIGNS, "painted signs, slanted, shaded and blurred on photos", "GTSRB",
                            "photos, typefaces of the numbers")}
