"""Pictures to train the course's small networks on, from Debian's packages; they stay on the machine that trains.

    apt-get download gcompris-qt-data tuxpaint-stamps-default plasma-workspace-wallpapers mate-backgrounds \\
        gnome-backgrounds budgie-backgrounds ukui-wallpapers lomiri-wallpapers-16.04 lomiri-wallpapers-20.04
    python tools/training_photos.py FOLDER *.deb

The pictures that ship are too few: a decoder learns two dozen by heart. FOLDER/photos gets the photos and paintings of
GCompris, and each wallpaper as a whole and in tiles; FOLDER/things gets the stamps of Tux Paint that look photographed,
without their background. Only weights ship. What looks like a picture that the course holds out for its judgements is
left out, and so are the stamps in the test split of the shipped things.
"""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from make_cutouts import STAMPS, cut, table
from make_pictures import gcompris
from packing import debian
from PIL import Image

from u3lab import images
from u3lab.datasets import photos
from u3lab.images import cropping

LEAST, SIDE = 180, 256  # pixels: a smaller file of GCompris is an icon; the shorter side of what is kept
WALLPAPER, TILE = 1000, 512  # pixels: the shorter side of a wallpaper at least, and then, in tiles
THING, COLOURS = 100, 3000  # pixels and colours that a stamp has more than: a drawing has fewer
ALIKE = 0.05  # mean difference at 16×16 below which two pictures are one
LIVELY, AT = 0.03, 128  # mean difference of neighbours, down and across together, at so many pixels: less is a bare sky
QUALITY = 88

Image.MAX_IMAGE_PIXELS = None  # wallpapers are large, and known


def lively(picture: Image.Image) -> bool:
    """Whether there is something to see."""
    x = images.load(shorter(picture, AT))
    return float(x.diff(dim=2).abs().mean() + x.diff(dim=3).abs().mean()) >= LIVELY


def from_gcompris(package: Path) -> Iterator[Image.Image]:
    """Photos and paintings, the shorter side at SIDE."""
    for _, content in sorted(gcompris(package, lambda path: path.endswith(".webp")).items()):
        with Image.open(io.BytesIO(content)) as picture:
            if picture.mode == "RGB" and min(picture.size) >= LEAST:
                yield shorter(picture, SIDE)


def from_wallpapers(package: Path) -> Iterator[Image.Image]:
    """Each large picture as a whole, and in tiles that do not overlap."""
    for _, content in sorted(debian(package, lambda path: path.lower().endswith((".jpg", ".png", ".webp"))).items()):
        with Image.open(io.BytesIO(content)) as picture:
            if min(picture.size) < WALLPAPER:
                continue
            picture = shorter(picture.convert("RGB"), 2 * TILE)
        yield shorter(picture, SIDE)
        for top in range(0, picture.height - TILE + 1, TILE):
            for left in range(0, picture.width - TILE + 1, TILE):
                yield picture.crop((left, top, left + TILE, top + TILE))


def from_stamps(package: Path) -> Iterator[Image.Image]:
    """Things without background that look photographed, but for those that judge."""
    judges = {path for path, entry in table().values() if entry["split"] == "test"}
    for path, content in sorted(debian(package, lambda path: path.startswith(STAMPS)).items()):
        if path.endswith(".png") and path not in judges:
            thing = cut(content)
            if max(thing.size) >= THING and thing.getcolors(COLOURS) is None:
                yield thing


def shorter(picture: Image.Image, side: int) -> Image.Image:
    """The picture with its shorter side at so many pixels."""
    factor = side / min(picture.size)
    return picture.resize([max(side, round(n * factor)) for n in picture.size], Image.Resampling.LANCZOS)


def main(folder: str, *packages: str) -> None:
    held_out = [images.load(name) for name in cropping.sources()[1]]
    held_out += [photos.load(name) for name in photos.names(split="test")]
    met = [torch.nn.functional.interpolate(x, size=(16, 16), mode="area").flatten() for x in held_out]
    for package in map(Path, packages):
        kind, pictures = {"gcompris": ("photos", from_gcompris), "tuxpaint": ("things", from_stamps)}.get(
            package.name.partition("-")[0], ("photos", from_wallpapers))
        place, kept, left_out = Path(folder, kind), 0, 0
        place.mkdir(parents=True, exist_ok=True)
        for picture in pictures(package):
            small = images.load(picture.convert("RGB").resize((16, 16), Image.Resampling.BOX)).flatten()  # squeezed
            if not lively(picture.convert("RGB")) or any((small - other).abs().mean() < ALIKE for other in met):
                left_out += 1
                continue
            met.append(small)
            picture.save(place / f"{package.name.partition('_')[0]}-{kept:03d}.webp", quality=QUALITY)
            kept += 1
        print(f"{package.name}: {kept} pictures in {place}, {left_out} left out", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *sys.argv[2:])
