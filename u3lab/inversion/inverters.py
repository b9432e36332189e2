"""What draws a picture from a code at once, because it has learnt to: by name, what tables and tests read.

    INVERTERS["trained, perceptual"](net, "fire9", images)      # (B,3,128,128), for the codes of these pictures

A search under a prior is in ``PRIORS``. A new way is one function, one line here, and one test of its numbers;
``tests/u3lab/inversion/test_learned.py`` holds every line to its word.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from torch import Tensor

from u3lab.checks import one_of
from u3lab.descent import last
from u3lab.inversion.learned import LAYERS, decode, learned_inverter, learned_steps, unroll
from u3lab.nets import Classifier


@dataclass(frozen=True)
class LearnedWay:
    """One way that was learnt from photos, for two layers of SqueezeNet. Called with (net, layer, pictures).

    Attributes:
        draw: (net, layer, pictures) → what it makes of the pictures' codes.
        mean: Whether it draws the mean of all pictures that have the code, which is blurred; if not one of them, in
            part invented.
        looks: How often it asks the network what it has drawn so far.
    """

    draw: Callable[[Classifier, str, Tensor], Tensor]
    mean: bool = False
    looks: int = 0

    def __call__(self, net: Classifier, layer: str, images: Tensor) -> Tensor:
        """What it draws for the codes of pictures (B,3,128,128), alike in [0,1].

        Raises:
            U3Error: A layer without a learnt way, or what :func:`u3lab.inversion.decode` refuses.
        """
        return self.draw(net, one_of("layer", layer, tuple(LAYERS)), images)


_inverter, _steps = cache(learned_inverter), cache(learned_steps)  # read once a process: nobody else gets hold of them


def squares(net: Classifier, layer: str, images: Tensor) -> Tensor:
    """By the inverter that was trained with the L2 loss alone."""
    return decode(net, _inverter(layer), images)


def perceptual(net: Classifier, layer: str, images: Tensor) -> Tensor:
    """By the one that was trained with losses on codes and an adversary."""
    return decode(net, _inverter(f"{layer}-perceptual"), images)


def unrolled(net: Classifier, layer: str, images: Tensor) -> Tensor:
    """The same, and then by the learned steps."""
    return last(unroll(net, _inverter(f"{layer}-perceptual"), _steps(layer), images))


INVERTERS: dict[str, LearnedWay] = {
    "trained, L2": LearnedWay(squares, mean=True),
    "trained, perceptual": LearnedWay(perceptual),
    "learned steps": LearnedWay(unrolled, looks=4),
}
