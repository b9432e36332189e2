"""What chapter 1b adds to the ways of ``METHODS``, by name: where a prior pulls to, and what predicts adapters.

    CENTRES["shrinkage"](net.domain("digits"))                      # ‖w − w₀‖², a scalar
    predictor = PREDICTORS["learnet"].make(net, "digits")
    predictor(PREDICTORS["learnet"].told(net, images, number))      # the adapters of a domain

A new line is held to its word by ``tests/universal/test_registry.py``. The kinds of task of one network for several
are :data:`u3lab.universal.multitask.KINDS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from u3lab.checks import whole
from u3lab.universal.dynamic import Learnet, describe, learnet
from u3lab.universal.methods import shrinkage
from u3lab.universal.places import Domain

DOMAINS = 10  # rows of the table: as many as the course's decathlon has


@dataclass(frozen=True)
class Centre:
    """‖w − w₀‖² of a domain. ``home``: whether w₀ are the source's weights, so that it costs nothing to be the source.
    """

    price: Callable[[Domain], Tensor]
    home: bool

    def __call__(self, domain: Domain) -> Tensor:
        """A scalar, with a gradient to what the domain trains."""
        return self.price(domain)


@dataclass(frozen=True)
class Predictor:
    """What predicts the adapters of a domain.

    Attributes
    ----------
    make
        (net, name of a domain with parallel adapters) → a fresh learnet.
    told
        What it is told of a domain: (net, some of its pictures, the domain's number) → z (U).
    unseen
        Whether it has an answer for a domain that it was not trained on.
    """

    make: Callable[[nn.Module, str], Learnet]
    told: Callable[[nn.Module, Tensor, int], Tensor]
    unseen: bool


def seen(net: nn.Module, images: Tensor, number: int) -> Tensor:
    """What the source network sees in the pictures."""
    return describe(net, images)


def counted(net: nn.Module, images: Tensor, number: int) -> Tensor:
    """The domain's number as one-hot: what is predicted is a row of a table."""
    row = whole("number", number, 0, DOMAINS - 1)
    return torch.eye(DOMAINS, dtype=images.dtype, device=images.device)[row]


CENTRES: dict[str, Centre] = {
    "shrinkage": Centre(shrinkage, home=True),
    "weight decay": Centre(partial(shrinkage, centre="zero"), home=False),
}
PREDICTORS: dict[str, Predictor] = {
    "learnet": Predictor(learnet, seen, unseen=True),
    "table": Predictor(partial(learnet, inputs=DOMAINS), counted, unseen=False),
}
