"""The pocket decathlon: ten small domains of 64×64 pixels that differ as those of the Visual Decathlon do.

    decathlon.names()                              # ["digits", "house numbers", …]
    train = decathlon.load("traffic signs")        # .images (1500,3,64,64) in [0,1], .labels, .classes
    test = decathlon.load("traffic signs", "test") # of other photos and typefaces
    decathlon.sample()["traffic signs"]            # 36 of the test pictures, which ship and need not be made

Rebuffi, Bilen & Vedaldi, Learning multiple visual domains with residual adapters, NIPS 2017, have the benchmark, at 72
pixels and with a million pictures. These are made from what ships, in a minute, without a network. ``loading`` keeps
them; ``signs``, ``objects`` and ``patients`` say how each is made, with the tools of ``canvas``.
"""

import numpy as np
import torch
from PIL import Image

from u3course.worlds.decathlon.canvas import SIDE
from u3course.worlds.decathlon.loading import DOMAINS, Domain, load, names, table, version
from u3lab._system import paths

SAMPLE = 36  # pictures of each domain


def sample() -> dict[str, Domain]:
    """Domain → some of its test pictures, of as many classes as there are: at once, for they ship.

    They are those of :func:`load` but for what a JPEG takes, at most five of 255 levels.
    """
    sheet = torch.from_numpy(np.asarray(Image.open(paths.data("cutouts", "sample.jpg"))).copy())
    rows = sheet.view(-1, SIDE, SAMPLE, SIDE, 3).permute(0, 2, 4, 1, 3).float() / 255
    return {name: Domain(images, torch.tensor([label for label, _ in sampled(len(one.classes))]), one.classes)
            for images, (name, one) in zip(rows, DOMAINS.items(), strict=True)}


def sampled(classes: int) -> list[tuple[int, int]]:
    """Of a domain with so many classes the pictures of the sample: (class, which of its pictures) each."""
    return [(n * classes // SAMPLE, 0) if classes > SAMPLE else (n % classes, n // classes) for n in range(SAMPLE)]
