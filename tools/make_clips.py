"""Make data/clips/ and its rows in data/README.md: a film of a street, and who walks there in some frames of its end.

    python tools/make_clips.py opencv-doc_4.10.0+dfsg-5_all.deb      # Debian's package; needs opencv-python-headless

Every second frame of two times of the film, a quarter of the pixels' number left, each a WebP of its own: a coder that
looks at the frame before would tell the order. The masks are what differs from the film's median, cleaned, and then
corrected by hand: data/clips/corrections.json has what was cut (cones, the barrier tape, a car's boot, road between
legs) and added (who is too small or half hidden), as polygons in the film's own pixels (768×576).
"""

import io
import json
import sys
from pathlib import Path

import numpy as np
from packing import DATA, debian, film, pack, webp, write_rows
from PIL import Image, ImageDraw
from scipy import ndimage

from u3lab._system.paths import write_atomically

FOLDER = DATA / "clips"
SIDES, EVERY, QUALITY = (256, 192), 2, 66
SPLITS = {"train": (0, 470), "test": (590, 795)}  # frames from, to; as in the decathlon, 12 seconds apart
MASKED = range(594, 790, 8)
FAR, SMALLEST = 28, 250  # of 255, a pixel from the median; pixels of a walker


def walkers(frame: np.ndarray, empty: np.ndarray) -> np.ndarray:
    """Where a frame differs from the empty street, without specks, thin lines and holes."""
    import cv2

    def disc(*sides: int) -> np.ndarray:
        return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, sides)

    far = cv2.GaussianBlur(np.abs(frame.astype(np.float32) - empty), (0, 0), 1.2).max(-1)
    mask = cv2.morphologyEx((far > FAR).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3)))
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, disc(7, 11))
    mask = cv2.morphologyEx(ndimage.binary_fill_holes(mask).astype(np.uint8), cv2.MORPH_OPEN, disc(5, 9))
    labels, _ = ndimage.label(mask)
    return np.isin(labels, 1 + np.nonzero(np.bincount(labels.ravel())[1:] > SMALLEST)[0])


def corrected(mask: np.ndarray, changes: list[tuple[str, list[list[int]]]]) -> np.ndarray:
    """The mask with polygons cut out or added, one after the other."""
    page = Image.fromarray(mask.astype(np.uint8))
    for what, corners in changes:
        ImageDraw.Draw(page).polygon([tuple(corner) for corner in corners], fill=int(what == "add"))
    return np.asarray(page) > 0


def main(package: str) -> None:
    content, = debian(Path(package), lambda path: path.endswith("examples/data/vtest.avi")).values()
    frames = film(content)
    empty = np.median(frames[::10], axis=0)
    files = {f"{number:03}.webp": webp(Image.fromarray(frames[number]), QUALITY, max(SIDES))
             for first, last in SPLITS.values() for number in range(first, last, EVERY)}
    pack(FOLDER / "street.zip", files)
    changes = json.loads((FOLDER / "corrections.json").read_text(encoding="utf-8"))
    masks = []
    for number in MASKED:
        mask = corrected(walkers(frames[number], empty), changes.get(str(number), []))
        height, width = (side // small for side, small in zip(mask.shape, SIDES[::-1], strict=True))
        masks.append(mask.reshape(SIDES[1], height, SIDES[0], width).mean((1, 3)) >= 0.5)
    file = io.BytesIO()
    Image.fromarray(np.concatenate(masks)).save(file, "PNG", optimize=True)
    write_atomically(FOLDER / "street-masks.png", file.getvalue())
    index = {"street": {"fps": 10 / EVERY, "masked": list(MASKED),
                        **{split: list(range(*span, EVERY)) for split, span in SPLITS.items()}}}
    write_atomically(FOLDER / "index.json", (json.dumps(index) + "\n").encode())
    opencv, source = "Apache-2.0, the OpenCV authors", "Debian package opencv-doc 4.10.0, `examples/data/vtest.avi`"
    write_rows("clips", [
        (FOLDER / "street.zip", f"{len(files)} frames of a film of a street, five a second, 256×192", source, opencv),
        (FOLDER / "street-masks.png", f"who walks in {len(masks)} of them: background subtracted, corrected by hand",
         f"our own, from {source}", opencv),
        (FOLDER / "corrections.json", "what was corrected by hand in the masks, as polygons", "our own, over the film",
         "MIT"),
        (FOLDER / "index.json", "the numbers of the frames in the film, by split", "our own", "MIT")],
        "python tools/make_clips.py")


if __name__ == "__main__":
    main(*sys.argv[1:])
