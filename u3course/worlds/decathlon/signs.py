"""Domains of signs: handwritten digits, house numbers, letters of many scripts, traffic signs."""

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from u3course.worlds.decathlon.canvas import SIDE, Draw, Recipe, colour, ground, pasted, tiles, tilted, weathered
from u3lab.datasets import packed

DIGITS = tuple("0123456789")
RED, BLUE, YELLOW, WHITE, BLACK = (190, 25, 35), (20, 75, 160), (245, 195, 30), (245, 245, 245), (20, 20, 20)
LARGE = 128  # signs are painted at this size


def digits(number: int, split: str, count: int, draw: Draw) -> Iterator[Image.Image]:
    """MNIST to learn and to choose with, digits of another hand and scanner for the test; white on black."""
    first = {"train": 0, "val": 100, "test": 0}[split]
    for tile in tiles("digits" if split == "test" else "mnist")[number, first : first + count]:
        yield Image.fromarray(tile).resize((SIDE, SIDE), Image.Resampling.BICUBIC).convert("RGB")


def typefaces(split: str) -> list[int]:
    """The numbers of a split's typefaces: of every five the last is for the test, the one before it for validation."""
    wanted = {"test": (4,), "val": (3,)}.get(split, (0, 1, 2))
    return [face for face in range(tiles("numerals").shape[1]) if face % 5 in wanted]


def numeral(digit: int, face: int, ink: tuple[int, int, int]) -> Image.Image:
    """A digit of a typeface in a colour on nothing, cut to its width."""
    mask = Image.fromarray(tiles("numerals")[digit, face])
    return _inked(mask.crop(mask.getbbox()), ink)


def _inked(mask: Image.Image, ink: tuple[int, int, int]) -> Image.Image:
    picture = Image.new("RGBA", mask.size, ink)
    picture.putalpha(mask)
    return picture


def house_numbers(number: int, split: str, count: int, draw: Draw) -> Iterator[Image.Image]:
    """A digit in the middle, neighbours left and right, on a photo or a plate."""
    faces = typefaces(split)
    for _ in range(count):
        face, below = faces[draw.integers(len(faces))], ground(split, draw)
        if draw.random() < 0.4:
            below = Image.blend(below, Image.new("RGB", below.size, colour(draw)), 0.7)
        ink = colour(draw, 170, 255) if np.asarray(below).mean() < 128 else colour(draw, 0, 85)
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
    entry = packed.index("decathlon")["glyphs"]
    families = len(entry["families"][entry["rows"][number].split()[0]])
    columns = {"test": [families - 1], "val": [families - 2]}.get(split, list(range(families - 2)))
    for _ in range(count):
        ink = _inked(Image.fromarray(tiles("glyphs")[number, columns[draw.integers(len(columns))]]), BLACK)
        paper = Image.new("RGB", (SIDE, SIDE), (int(draw.integers(225, 256)),) * 3)
        yield pasted(tilted(ink, draw, 0.15), paper, draw, sizes=(0.65, 0.95))


def _regular(sides: int, turn: float, radius: float = 60) -> list[tuple[float, float]]:
    angles = np.deg2rad(turn + np.arange(sides) * 360 / sides)
    return [(64 + radius * np.sin(a), 64 - radius * np.cos(a)) for a in angles]


Stroke = tuple  # a pen's method, and what it is given


def _rim(rim: tuple[int, int, int], inside: tuple[int, int, int], wide: int = 14) -> tuple[Stroke, Stroke]:
    return ("ellipse", (4, 4, 124, 124), rim), ("ellipse", (4 + wide, 4 + wide, 124 - wide, 124 - wide), inside)


_WARNING = ("polygon", _regular(3, 0, 64), RED), ("polygon", _regular(3, 0, 40), WHITE)
_BLUE = _rim(WHITE, BLUE, 4)


def _turning(side: int) -> tuple[Stroke, ...]:
    """A white arrow up and then to a side."""
    return (*_BLUE, ("line", [(64 - 14 * side, 98), (64 - 14 * side, 58), (64 + 12 * side, 58)], WHITE, 14, "curve"),
            ("polygon", [(64 + 42 * side, 58), (64 + 10 * side, 34), (64 + 10 * side, 82)], WHITE))


PAINTED: dict[str, tuple[Stroke, ...]] = {  # much as the Vienna convention has them
    "stop": (("polygon", _regular(8, 22.5), RED, WHITE, 4),
             ("text", (64, 64), "STOP", WHITE, ImageFont.load_default(38), "mm", 4, "left", None, None, None, 1)),
    "give way": (("polygon", _regular(3, 180, 64), RED), ("polygon", _regular(3, 180, 38), WHITE)),
    "danger": (*_WARNING, ("line", [(64, 46), (64, 68)], BLACK, 8), ("ellipse", (59, 72, 69, 82), BLACK)),
    "crossroads": (*_WARNING, ("line", [(52, 50), (76, 80)], BLACK, 6), ("line", [(76, 50), (52, 80)], BLACK, 6)),
    "no entry": (("ellipse", (4, 4, 124, 124), RED), ("rectangle", (22, 52, 106, 76), WHITE)),
    "no vehicles": _rim(RED, WHITE),
    "no stopping": (*_rim(RED, BLUE), ("line", [(30, 30), (98, 98)], RED, 12), ("line", [(98, 30), (30, 98)], RED, 12)),
    "priority road": (("polygon", _regular(4, 0), WHITE, BLACK, 2), ("polygon", _regular(4, 0, 44), YELLOW)),
    "end of limits": (*_rim(BLACK, WHITE), *(("line", [(92 + shift, 28), (36 + shift, 100)], BLACK, 4)
                                             for shift in (-18, -6, 6, 18))),
    **{f"speed {limit}": _rim(RED, WHITE) for limit in (30, 50, 80)},
    "ahead only": (*_BLUE, ("line", [(64, 98), (64, 48)], WHITE, 14),
                   ("polygon", [(64, 22), (40, 54), (88, 54)], WHITE)),
    "left only": _turning(-1), "right only": _turning(1)}
SIGNS = tuple(PAINTED)


def plate(sign: str, face: int) -> Image.Image:
    """A sign on nothing, 128×128; numbers in one of the typefaces."""
    picture = Image.new("RGBA", (LARGE, LARGE))
    pen = ImageDraw.Draw(picture)
    for stroke, *given in PAINTED[sign]:
        getattr(pen, stroke)(*given)
    made = [numeral(int(digit), face, BLACK) for digit in sign.removeprefix("speed ") if sign.startswith("speed")]
    made = [one.resize((max(4, round(min(one.width * 52 / one.height, 34))), 52)) for one in made]
    x = (LARGE - sum(one.width for one in made) - 4 * (len(made) - 1)) // 2
    for one in made:
        picture.alpha_composite(one, (x, 38))
        x += one.width + 4
    return picture


def traffic_signs(number: int, split: str, count: int, draw: Draw) -> Iterator[Image.Image]:
    """Painted, then seen at a slant, shaded, blurred, before a photo."""
    faces = typefaces(split)
    for _ in range(count):
        sign = tilted(plate(SIGNS[number], faces[draw.integers(len(faces))]), draw, 0.18)
        shade = np.linspace(*draw.uniform(0.45, 1.0, 2), LARGE).reshape(1, LARGE, 1)
        shaded = np.asarray(sign).astype(np.float32)
        shaded[..., :3] *= shade if draw.random() < 0.5 else shade.swapaxes(0, 1)
        sign = Image.fromarray(shaded.astype(np.uint8))
        yield weathered(pasted(sign, ground(split, draw), draw, sizes=(0.35, 0.8), turn=10), draw, 1.6, 12)


DOMAINS = {  # like SVHN, Omniglot and GTSRB in the benchmark, which has no digits of MNIST
    "digits": Recipe(digits, DIGITS, "the test's are of another hand and scanner (OpenCV)"),
    "house numbers": Recipe(house_numbers, DIGITS, "typefaces and photos"),
    "letters": Recipe(letters, tuple(packed.index("decathlon")["glyphs"]["rows"]), "typefaces"),
    "traffic signs": Recipe(traffic_signs, SIGNS, "photos, typefaces of the numbers")}
