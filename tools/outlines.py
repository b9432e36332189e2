"""Outlines of the things in the shipped pictures: look at them, and fit roughly drawn ones to the edges.

    python tools/outlines.py look PICTURE out.png [FILE]          # the picture ×3 with a grid of its pixels
    python tools/outlines.py fit PICTURE drafts.json FILE         # drafts → FILE, {"PICTURE": […]}
    python tools/outlines.py join FILE… > data/concepts/outlines.json

A draft is ``{"labels": ["cat", "fur"], "points": [[x, y], …], "band": 6}`` in pixels of the shipped picture, drawn by hand. What
lies further than ``band`` pixels from the drawn line stays as it is, on both sides; the pixels between go to the side
that a random walker (Grady, IEEE PAMI 2006) reaches more easily. ``"band": 0`` keeps the draft. An outline is
``{"labels": ["cat", "fur"], "rings": [[[x, y], …], …]}``: a point inside an odd number of rings is inside.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import distance_transform_edt
from skimage.measure import approximate_polygon, find_contours, label
from skimage.segmentation import random_walker

from u3lab.datasets.outlines import fill, photo
from u3lab.pixels import eight_bit

LARGER, BETA, SPECK = 3, 400, 12  # zoom; contrast of the random walker; pixels of a part that is too small to keep


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
    lines = [np.rint(approximate_polygon(line - 1, 0.7)[:-1, ::-1]).astype(int).tolist() for line in found]
    return [line for line in lines if len(line) > 2]


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
        for ring in one.get("rings") or [one["points"]]:
            line = [(LARGER * (x + 0.5), LARGER * (y + 0.5)) for x, y in [*ring, ring[0]]]
            draw.line(line, colours[index % len(colours)], 2)
            draw.text(line[0], " ".join(one["labels"]), colours[index % len(colours)], stroke_width=1, stroke_fill="black")
    return large


def main(task: str, *given: str) -> None:
    """One of the three tasks above."""
    if task == "look":
        name, out, *file = given
        look(name, json.loads(Path(file[0]).read_text())[name] if file else []).save(out)
    elif task == "fit":
        name, drafts, out = given
        pixels = picture(name)
        found = [{"labels": one["labels"], "rings": rings(fitted(pixels, one["points"], one.get("band", 6)))}
                 for one in json.loads(Path(drafts).read_text())]
        Path(out).write_text(json.dumps({name: found}))
    else:
        joined = {name: found for file in given for name, found in json.loads(Path(file).read_text()).items()}
        lines = (f" {json.dumps(name)}: [\n" + ",\n".join("  " + json.dumps(one, separators=(",", ":")) for one in found)
                 + "\n ]" for name, found in sorted(joined.items()))
        sys.stdout.write("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
