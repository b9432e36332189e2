"""One fixed network and five small questions: what a linear probe reads off its code, off the pixels, and off a network
that was never trained. ``python -m evidence start`` asks them all."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from u3course.lessons.universal.trials import enlarged, few_of_each
from u3course.worlds import decathlon
from u3lab.measures import Probe
from u3lab.nets import Classifier
from u3lab.selfsup.transfer import best_probe

DOMAINS = {"traffic signs": "traffic signs", "textures": "textures", "animals": "animals", "digits": "digits",
           "body parts": "patients"}  # the question → the domain, which is named by what is split
LABELS = 20  # of each class, to learn from
POOL, CHOICE, TEST = 30, 10, 20  # pictures of each class: the labels are drawn from the pool, C is chosen, and judged
SEEDS = 3
LAYER = "fire9"

Code = Callable[[Tensor], Tensor]  # pictures (N,3,64,64) → (N,U)


class Answered(NamedTuple):
    """The probe of the first draw of labels, and which test pictures each draw gets right, (N,D) of 0 and 1."""

    probe: Probe
    right: Tensor


def code_of(net: Classifier) -> Code:
    """What a network's last features are on the mean over the picture: (N,3,64,64) → (N,512)."""
    def code(images: Tensor) -> Tensor:
        with torch.no_grad():
            return torch.cat([net.features(enlarged(part), LAYER).mean((2, 3)).cpu() for part in images.split(100)])

    return code


def answered(code: Code, question: str, draws: int = SEEDS) -> Answered:
    """Linear probes of a code for a question: fitted to a few labels, once for each draw, and judged on
    other pictures."""
    pool, choice, test = (decathlon.load(DOMAINS[question], split, each=each) for split, each in
                          (("train", POOL), ("val", CHOICE), ("test", TEST)))
    known, chosen_by, asked = code(pool.images), (code(choice.images), choice.labels), code(test.images)
    probes = []
    for seed in range(draws):
        some = few_of_each(pool.labels, LABELS, seed)
        probes.append(best_probe((known[some], pool.labels[some]), chosen_by))
    right = torch.stack([one.scores(asked).argmax(1) == test.labels for one in probes], 1)
    return Answered(probes[0], right.double())
