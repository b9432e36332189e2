"""Outlines of the things in the shipped pictures: look at them, and fit roughly drawn ones to the edges.

    python tools/outlines.py look PICTURE out.png [FILE]          # the picture ×3 with a grid of its pixels
    python tools/outlines.py fit PICTURE drafts.json FILE         # drafts → FILE, {"PICTURE": […]}
    python tools/outlines.py join FILE…                           # → data/concepts/outlines.json.gz

A draft is ``{"labels": ["cat", "fur"], "points": [[x, y], …], "band": 6}`` in pixels of the shipped picture, drawn by
hand. What lies further than ``band`` pixels from the drawn line stays as it is, on both sides; the pixels between go to
the side that a random walker (Grady, IEEE PAMI 2006) reaches more easily. ``"band": 0`` keeps the draft, and ``"minus":
["dog"]`` takes out of it what is outlined as a dog. An outline is
``{"labels": ["cat", "fur"], "rings": [[[x, y], …], …]}``: a point inside an odd number of rings is inside.
"""

import gzip
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import distance_transform_edt
from skimage.measure import approximate_polygon, find_contours, label
from skimage.segmentation import random_walker

from u3lab._system.paths import write_atomically
from u3lab.datasets.outlines import fill, photo
from u3lab.pixels import eight_bit

OUT = Path(__file__).resolve().parent.parent / "data" / "concepts" / "outlines.json.gz"
LARGER, BETA, SPECK = 3, 400, 12  # zoom; contrast of the random walker; pixels of a part that is too small to keep
TOLERANCE = 1.0  # pixels that a line may be off


def picture(name: str) -> np.ndarray:
    """(H,W,3) uint8."""
    return eight_bit(photo(name))


def fitted(pixels: np.ndarray, points: list[list[int]], band: int) -> np.ndarray:
    """The mask (H,W) of a draft, moved to the edges of the picture inside the band."""
    drawn = fill([points], *pixels.shape[:2])
    if not band:
        return drawn
    inside, outside = distance_transform_edt(drawn), distance_transform_edt(~drawn)
    seeds = np.zeros(drawn.shape, int)
    seeds[inside > min(band, 0.6 * inside.max())] = 1
    seeds[outside > band] = 2
    found = random_walker(pixels / 255.0, seeds, beta=BETA, mode="cg_j", channel_axis=2) == 1
    parts = label(found)
    for part in range(1, parts.max() + 1):
        if (parts == part).sum() < SPECK:
            found[parts == part] = False
    return found


def rings(mask: np.ndarray) -> list[list[list[int]]]:
    """The lines round a mask (H,W), to about half a pixel."""
    found = find_contours(np.pad(mask, 1).astype(float), 0.5)
    return [line for line in (thinned((line - 1)[:, ::-1]) for line in found) if len(line) > 2]


def thinned(line: np.ndarray) -> list[list[int]]:
    """A closed line (N,2) with as few corners as keep it within a pixel."""
    return np.rint(approximate_polygon(line, TOLERANCE)[:-1]).astype(int).tolist()


def look(name: str, drawn: list[dict]) -> Image.Image:
    """The picture, enlarged, with each outline and a grid every 20 pixels."""
    colours = ["#e6194b", "#3cb44b", "#ffe119", "#4363d8", "#f58231", "#911eb4", "#42d4f4", "#f032e6", "#bfef45"]
    small = Image.fromarray(picture(name))
    large = small.resize((small.width * LARGER, small.height * LARGER), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(large, "RGBA")
    for at in range(0, max(small.size), 20):
        draw.line([(at * LARGER, 0), (at * LARGER, large.height)], "#ffffff50" if at % 100 else "#ffffffa0")
        draw.line([(0, at * LARGER), (large.width, at * LARGER)], "#ffffff50" if at % 100 else "#ffffffa0")
        draw.text((at * LARGER + 2, 1), str(at), "white", stroke_width=1, stroke_fill="black")
        draw.text((1, at * LARGER + 2), str(at), "white", stroke_width=1, stroke_fill="black")
    for index, one in enumerate(drawn):
        colour = colours[index % len(colours)]
        for ring in one.get("rings") or [one["points"]]:
            line = [(LARGER * (x + 0.5), LARGER * (y + 0.5)) for x, y in [*ring, ring[0]]]
            draw.line(line, colour, 2)
            draw.text(line[0], " ".join(one["labels"]), colour, stroke_width=1, stroke_fill="black")
    return large


def main(task: str, *given: str) -> None:
    """One of the three tasks above."""
    if task == "look":
        name, out, *file = given
        look(name, json.loads(Path(file[0]).read_text())[name] if file else []).save(out)
    elif task == "fit":
        name, drafts, out = given
        pixels = picture(name)
        drawn = json.loads(Path(drafts).read_text())
        masks = [fitted(pixels, one["points"], one.get("band", 6)) for one in drawn]
        found = []
        for one, mask in zip(drawn, masks, strict=True):
            for other, hidden in zip(drawn, masks, strict=True):
                if set(one.get("minus", ())) & set(other["labels"]):
                    mask = mask & ~hidden
            found.append({"labels": one["labels"], "rings": rings(mask)})
        Path(out).write_text(json.dumps({name: found}))
    else:
        write(given)


def write(files: tuple[str, ...]) -> None:
    """Join the outlines of several pictures in the file that ships."""
    joined = {name: found for file in files for name, found in json.loads(Path(file).read_text()).items()}
    for found in joined.values():
        for one in found:
            thin = [thinned(np.array([*ring, ring[0]], float)) for ring in one["rings"]]
            one["rings"] = [ring for ring in thin if len(ring) > 2]
    content = json.dumps(dict(sorted(joined.items())), separators=(",", ":")).encode()
    write_atomically(OUT, gzip.compress(content, mtime=0))


if __name__ == "__main__":
    main(*sys.argv[1:])
