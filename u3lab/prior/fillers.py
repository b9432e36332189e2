"""What fills the hole of a picture, by name: what tables, figures and tests read.

    FILLERS["biharmonic"](image, visible)      # the picture, (1,3,H,W); what is known stays as it is

Each takes a picture (1,3,H,W) in [0,1] and m (1,1,H,W), 1 where it is known. A new filler is one function, one line
here, and one test of its numbers; ``tests/u3lab/prior/test_contract.py`` holds every line to its word.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from u3lab.checks import whole
from u3lab.descent import last
from u3lab.errors import U3Error
from u3lab.images import cropping
from u3lab.prior.fitting import PriorSettings, fit
from u3lab.prior.generators import generator
from u3lab.prior.rivals import biharmonic, convolutional_sparse_coding, dictionary, sparse_coding, tv_inpaint
from u3lab.prior.tasks import inpaint, laid_on
from u3lab.prior.trained import trained_inpaint


@dataclass(frozen=True)
class Filler:
    """One way to fill a hole. Called with (image, visible), it gives the picture, (1,3,H,W) in [0,1].

    Attributes:
        fill: The way itself, with its own settings at their defaults.
        photos: Whether it has learnt from photos.
        searches: Whether it goes step by step, and takes ``steps``: seconds a picture, not milliseconds.
        step: The sides have to be multiples of so many pixels.
    """

    fill: Callable[..., Tensor]
    photos: bool = False
    searches: bool = False
    step: int = 1

    def __call__(self, image: Tensor, visible: Tensor, *, steps: int | None = None) -> Tensor:
        """The filled picture; without ``steps`` it makes as many as the way itself does.

        Raises:
            U3Error: Steps for a way that makes none; all else as :func:`u3lab.prior.inpaint`.
        """
        if steps is None:
            return self.fill(image, visible)
        if not self.searches:
            takers = ", ".join(name for name, filler in FILLERS.items() if filler.searches)
            raise U3Error(f"this way makes no steps; those that do are {takers}")
        return self.fill(image, visible, steps=whole("steps", steps))


def drawn(image: Tensor, visible: Tensor, *, steps: int = 200) -> Tensor:
    """The deep image prior: an hourglass that nobody has trained is fitted to what is known, and draws the rest."""
    m, settings = laid_on(image, visible), PriorSettings(steps=steps, average=0.9)
    psi = generator(size=tuple(image.shape[2:])).to(image.device)
    return torch.where(m.bool(), image, last(fit(psi, image * m, task=inpaint(m), settings=settings)).value)


@cache
def atoms() -> np.ndarray:
    """Of a square of every fourth picture to fit on, so that nobody waits long."""
    return dictionary(cropping.crops(cropping.sources()[0][::4], 64, count=1))


FILLERS: dict[str, Filler] = {
    "biharmonic": Filler(biharmonic),
    "total variation": Filler(tv_inpaint, searches=True),
    "sparse coding of patches": Filler(lambda image, visible: sparse_coding(image, visible, atoms()), photos=True),
    "convolutional sparse coding": Filler(convolutional_sparse_coding, photos=True, searches=True),
    "deep image prior": Filler(drawn, searches=True),
    "trained inpainter": Filler(trained_inpaint, photos=True, step=32),
}
