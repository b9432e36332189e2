"""Photos to train the course's small networks on: ``python tools/training_photos.py gcompris-qt-data.deb FOLDER``.

The pictures that ship are too few: a decoder learns two dozen by heart. GCompris has some hundreds of photos and a few
paintings (`apt-get download gcompris-qt-data`, version 25.0.12-1). They stay on the machine that trains; only weights
ship. What looks like a picture that the course holds out for its judgements is left out.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import torch
from make_pictures import gcompris
from PIL import Image
from torch import Tensor

from u3lab import images
from u3lab.images import cropping

LEAST, SIDE = 180, 256  # pixels: what is smaller is an icon; the shorter side of what is kept
ALIKE = 0.05  # mean difference at 16×16 below which two pictures count as one


def thumbnail(image: Tensor) -> Tensor:
    """The picture at 16×16, squeezed."""
    return torch.nn.functional.interpolate(image, size=(16, 16), mode="bilinear", antialias=True)


def main() -> None:
    deb, folder = Path(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    held_out = torch.cat([thumbnail(images.load(name)) for name in cropping.sources()[1]])
    kept, alike = 0, 0
    for name, content in sorted(gcompris(deb, lambda path: path.endswith(".webp")).items()):
        with Image.open(io.BytesIO(content)) as picture:
            if picture.mode != "RGB" or min(picture.size) < LEAST:
                continue
            x = images.resize(images.load(picture), SIDE)
        if ((thumbnail(x) - held_out).abs().mean((1, 2, 3)) < ALIKE).any():
            alike += 1
            print("left out, as it is held out:", name)
            continue
        (folder / f"{kept:03d}.webp").write_bytes(_webp(x))
        kept += 1
    print(f"{kept} pictures in {folder}, {alike} left out")


def _webp(x: Tensor) -> bytes:
    file = io.BytesIO()
    levels = (x[0].permute(1, 2, 0).clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    Image.fromarray(levels).save(file, "WEBP", quality=90)
    return file.getvalue()


if __name__ == "__main__":
    main()
