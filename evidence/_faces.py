"""Who is on a series of made faces, without drawing them."""

import torch
from torch import Tensor

from u3course.worlds.faces.made import PEOPLE
from u3lab.datasets import packed


def people(split: str, seed: int, count: int, *, each: int = 1) -> Tensor:
    """The identities in ``faces.draw(count, split=split, seed=seed, each=each)``, each once."""
    return 2 * (PEOPLE * seed + torch.arange(-(-count // each))) + packed.SPLITS.index(split)
