"""Which way is up? People hold their cameras upright, so that a photo's own orientation is a label that costs nothing.

Gidaris, Singh & Komodakis, Unsupervised representation learning by predicting image rotations, ICLR 2018.
"""

import torch
from torch import Tensor

from u3lab.errors import U3Error
from u3lab.training.tasks import Joined, Posed, Task

TURNS = 4  # by 0, 90, 180 and 270 degrees; they move pixels and make no new ones, which would give the turn away


def turned(images: Tensor, turns: Tensor) -> Tensor:
    """Square pictures (B,3,S,S), each turned to the left by its number (B) of quarter turns."""
    found = torch.empty_like(check_square(images))
    for k in range(TURNS):
        found[turns == k] = images[turns == k].rot90(k, (2, 3))
    return found


def check_square(images: Tensor) -> Tensor:
    """Pictures (…,H,W), if they are square."""
    if images.shape[-2] != images.shape[-1]:
        raise U3Error(f"pictures of {images.shape[-2]}×{images.shape[-1]} pixels are not square; crop them, so that a "
                      "quarter turn fits")
    return images


def pose(images: Tensor, generator: torch.Generator) -> Posed:
    """Every picture of a batch turned by a quarter turn that is drawn for it: as many of each as can be."""
    order = torch.randperm(len(images), generator=generator)
    turns = (order % TURNS).to(images.device)
    return Posed(turned(images, turns)[:, None], turns)


UPRIGHT = Task(pose, lambda channels: Joined(channels, 1, TURNS), chance=1 / TURNS)
