"""One fixed network and five small questions: what a linear probe reads off its code, off the pixels, and off a network
that was never trained. ``python -m evidence start`` asks them all."""

from collections.abc import Callable

import torch
from torch import Tensor

from u3course.lessons.universal.trials import enlarged, few_of_each  # noqa: F401 — the notebook draws its labels
from u3lab.nets import Classifier

DOMAINS = {"traffic signs": "traffic signs", "textures": "textures", "animals": "animals", "digits": "digits",
           "body parts": "patients"}  # the question → the domain, which is named by what is split
LABELS = 20  # of each class, to learn from
POOL, CHOICE, TEST = 30, 10, 20  # pictures of each class: the labels are drawn from the pool, C is chosen, and judged
SEEDS = 3
LAYER = "fire9"

Code = Callable[[Tensor], Tensor]  # pictures (N,3,64,64) → (N,U)


def code_of(net: Classifier) -> Code:
    """What a network's last features are on the mean over the picture: (N,3,64,64) → (N,512)."""
    def code(images: Tensor) -> Tensor:
        with torch.no_grad():
            return torch.cat([net.features(enlarged(part), LAYER).mean((2, 3)).cpu() for part in images.split(100)])

    return code
