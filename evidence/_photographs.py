"""Photographs that do not ship, cut into small squares: what encoders learn from without a label.

None looks like a photograph that ships, so that all of those can judge. Of the Lomiri wallpapers, some of which ship,
nothing is taken: tools/training_photos.py keeps parts of each wallpaper as well, and a part looks like no whole.
"""

from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from evidence import _crops
from u3lab import images
from u3lab.datasets import photos
from u3lab.errors import U3Error

PACKAGES = ("budgie-backgrounds", "gcompris-qt-data", "gnome-backgrounds", "mate-backgrounds",
            "plasma-workspace-wallpapers", "ukui-wallpapers")
EACH = 40  # squares of each photograph
AREA = (0.12, 1.0)  # of the largest square in it


@cache
def squares(folder: Path | None, size: int, each: int = EACH) -> Tensor:
    """Random squares of each photograph in a folder of tools/training_photos.py: (N,each,3,size,size), uint8.

    Without a folder of the everyday pictures, which proves the form and is good for nothing else.
    """
    generator = torch.Generator().manual_seed(0)
    learnt_from = everyday = [images.load(name)[0] for name in images.names("everyday")]
    if folder is not None:
        learnt_from = _crops.unlike(gathered(folder), everyday + [photos.load(name)[0] for name in photos.names()])
    return torch.stack([torch.stack([(255 * _crops.cut(one, size, AREA, generator)).round().to(torch.uint8)
                                     for _ in range(each)]) for one in learnt_from])


def gathered(folder: Path) -> list[Tensor]:
    """The pictures of the packages in the folder, (3,H,W) each."""
    files = [file for name in PACKAGES for file in sorted(Path(folder, "photos").glob(f"{name}-[0-9]*"))]
    if not files:
        raise U3Error(f"{folder} has no photos of {PACKAGES[0]} or the other packages; fill it with "
                      "tools/training_photos.py")
    return [images.load(file)[0] for file in files]
