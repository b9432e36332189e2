"""A network that colours grey pictures, with two heads on one encoder: a distribution over colours, and their mean.

``python -m evidence colouring`` trained it.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.nets import Classifier, checkpoints
from u3lab.selfsup import Task, encoder
from u3lab.selfsup.colour import CELL, COLOUR_L2, UNIT, colours, decolorise, lab_to_rgb

NAME = "colouring"  # of the shipped weights
WIDTH = 32
FINE = decolorise(10.0)  # the bins of the paper; those of TASKS are coarser, for speed


class Both(nn.Module):
    """The heads of "colour" and of "colour L2" on the same maps."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shares, self.mean = FINE.head(channels), COLOUR_L2.head(channels)

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Maps (B,1,C,h,w) → scores (B,Q,h,w), and a and b (B,2,h,w) in hundreds."""
        return self.shares(maps), self.mean(maps)


# Both losses are added, so that both heads read the same features and differ in nothing but what they are asked.
TASK = Task(FINE.pose, Both, lambda out, ab: FINE.loss(out[0], ab) | COLOUR_L2.loss(out[1], ab),
            lambda out, ab: FINE.score(out[0], ab))


class Learner(nn.Module):
    """The encoder's module and both heads, as they are shipped."""

    def __init__(self, net: Classifier, heads: Both) -> None:
        super().__init__()
        self.encoder, self.heads = net.module, heads


class Guess(NamedTuple):
    """What the network says of pictures: scores (B,Q,h,w) of the bins, and a and b (B,2,h,w) by the squared error."""

    scores: Tensor
    mean: Tensor


def shipped() -> tuple[Classifier, Both]:
    """The trained encoder and its heads."""
    net, heads = encoder(WIDTH), Both(4 * WIDTH)
    checkpoints.restore(Learner(net, heads), NAME)
    return net, heads.eval()


@torch.no_grad()
def guess(net: Classifier, heads: Both, images: Tensor) -> Guess:
    """The colours of pictures (B,3,H,W), whose lightness alone the network sees."""
    scores, mean = heads(net.module(net.normalise(colours(images)[0]))[:, None])
    return Guess(scores, UNIT * mean)


def painted(images: Tensor, ab: Tensor) -> Tensor:
    """Pictures (B,3,H,W) with the lightness that they have and other colours, a and b (B,2,h,w), laid over smoothly."""
    grey, _ = colours(images)
    wide = F.interpolate(ab, size=images.shape[2:], mode="bilinear", align_corners=False)
    return lab_to_rgb(torch.cat([100 * grey[:, :1], wide], 1)).clamp(0, 1)


def true_colours(images: Tensor) -> Tensor:
    """a and b (B,2,H/8,W/8) where the network is asked for them."""
    return colours(images)[1][:, :, CELL // 2 :: CELL, CELL // 2 :: CELL]
