"""Five seconds of an animated film, in which one animal moves before a meadow; three of its points, marked by hand.

Big Buck Bunny, © 2008 Blender Foundation, www.bigbuckbunny.org, CC BY 3.0. Twenty-five frames a second, 128×128.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from u3lab._system import paths

MARKS = ("nose", "ear", "hand")  # of the ear its tip, of the hand its middle; those on the left of the picture


class Marked(NamedTuple):
    """``frames`` (T,3,128,128) in [0,1]; ``numbers`` (M), which of them are marked; ``points`` (M,3,2), (x, y) in
    [−1,1], in the order of MARKS. A hand is right to about a pixel."""

    frames: Tensor
    numbers: Tensor
    points: Tensor


def rabbit() -> Marked:
    """The film."""
    with zipfile.ZipFile(paths.data("clips", "rabbit.zip")) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".webp"))
        frames = np.stack([np.array(Image.open(io.BytesIO(archive.read(name))).convert("RGB")) for name in names])
        marked = json.loads(archive.read("points.json"))
    points = 2 * torch.tensor(list(marked["points"].values())) / marked["side"] - 1
    numbers = torch.tensor([int(number) for number in marked["points"]])
    return Marked(torch.from_numpy(frames).movedim(-1, 1).float() / 255, numbers, points)
