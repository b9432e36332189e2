"""The ways to compare features by name: maps within one network, stitches of two, and one number for both.

    MAPS["sparse map"](net, "fire5", images, HFLIP)                   # M_g, as fit_equivariance gives it
    STITCHES["distilled"](net_a, "fire3", net_b, "stage2", images)    # a classifier
    SIMILARITIES["CKA"](features_a, features_b)                       # a number

A new way is one function, one line here, and one test of its numbers; ``tests/equivariance/test_contract.py`` holds
every line to its word.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from u3lab.descent import last
from u3lab.equivariance.distilling import distil
from u3lab.equivariance.similarity import cka
from u3lab.equivariance.stitching import identity_stitch, shuffled_stitch, stitch
from u3lab.equivariance.transforms import Transform
from u3lab.equivariance.transport import Equivariance, fit_equivariance
from u3lab.nets import Classifier


@dataclass(frozen=True)
class Map:
    """One form of M_g. Called with (net, layer, images, g), it fits one.

    Attributes
    ----------
    inputs
        How many channels each output may use; None for all.
    neighbourhood
        m: it looks at m×m sites.
    """

    inputs: int | None = None
    neighbourhood: int = 1

    def __call__(self, net: nn.Module, layer: str, images: Tensor, g: Transform) -> Equivariance:
        """What :func:`u3lab.equivariance.fit_equivariance` finds in this form; slips are told as there."""
        return fit_equivariance(net, layer, images, g, inputs=self.inputs, neighbourhood=self.neighbourhood)


@dataclass(frozen=True)
class Stitch:
    """One way to stitch. Called with (net_a, layer_a, net_b, layer_b, images), it gives the franken-network.

    Attributes
    ----------
    change
        From the stitch that least squares finds, and the pictures, to this one.
    floor
        Whether it knows nothing of which channel of A belongs to which of B.
    searches
        Whether it goes step by step.
    """

    change: Callable[[Classifier, Tensor], Classifier]
    floor: bool = False
    searches: bool = False

    def __call__(self, net_a: Classifier, layer_a: str, net_b: Classifier, layer_b: str,
                 images: Tensor) -> Classifier:
        """The stitched network; slips are told as by :func:`u3lab.equivariance.stitch`."""
        return self.change(stitch(net_a, layer_a, net_b, layer_b, images), images)


@dataclass(frozen=True)
class Similarity:
    """One number for how alike two sets of features are. Called with both, (B,C,h,w) or (n,C).

    Attributes
    ----------
    between
        The number.
    rotations
        Whether any rotation of the channels leaves it as it is.
    scales
        Whether a scale of its own for each channel does.
    """

    between: Callable[[Tensor, Tensor], float]
    rotations: bool = False
    scales: bool = False

    def __call__(self, features_a: Tensor, features_b: Tensor) -> float:
        """1 for the same, 0 for unrelated; slips are told as by :func:`u3lab.equivariance.cka`."""
        return self.between(features_a, features_b)


def distilled(stitched: Classifier, images: Tensor) -> Classifier:
    """Trained to answer as B does, on the pictures that it was fitted on."""
    last(distil(stitched, images))
    return stitched


MAPS: dict[str, Map] = {
    "dense map": Map(),
    "sparse map": Map(inputs=3),
    "map of neighbourhoods": Map(neighbourhood=3),
}
STITCHES: dict[str, Stitch] = {
    "identity": Stitch(lambda stitched, images: identity_stitch(stitched), floor=True),
    "shuffled": Stitch(lambda stitched, images: shuffled_stitch(stitched), floor=True),
    "least squares": Stitch(lambda stitched, images: stitched),
    "distilled": Stitch(distilled, searches=True),
}
SIMILARITIES: dict[str, Similarity] = {"CKA": Similarity(cka, rotations=True)}
