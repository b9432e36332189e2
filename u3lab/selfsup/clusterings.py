"""The ways to sort without labels that mutual information gives, by name: what each sorts, and by which loss.

    task = CLUSTERINGS["IIC"].task(10)                 # a pretext task, for pretrain
    CLUSTERINGS["IIC"].loss(z, z_moved)                # of shares (n,k), a scalar

A new way is one function, one line here, and one test of its numbers; ``tests/selfsup/test_clusterings.py`` holds every
line to its word.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import Tensor

from u3lab.selfsup.clustering import clustering
from u3lab.selfsup.information import iic_loss
from u3lab.selfsup.segmenting import SegmentSettings, segmentation_loss, segmenting
from u3lab.selfsup.together import together
from u3lab.training.tasks import Task


@dataclass(frozen=True)
class Clustering:
    """One way.

    Attributes
    ----------
    task
        k classes → the pretext task.
    loss
        (z, z′), shares of two views → a scalar.
    places
        Whether it sorts the places of a picture, of shares (n,k,h,w); if not, whole pictures, of shares (n,k).
    symmetric
        Whether both shares are of one network, so that they may change places.
    patterns
        Whether a fixed pattern that has nothing to do with the picture is among its best answers.
    sounds
        Whether it learns from pictures with their sounds, a pair; if not, from pictures.
    """

    task: Callable[[int], Task]
    loss: Callable[[Tensor, Tensor], Tensor]
    places: bool = False
    symmetric: bool = True
    patterns: bool = False
    sounds: bool = False


def unpooled(k: int) -> Task:
    """Segmentation by the mean of the informations of all displacements."""
    return segmenting(k, settings=SegmentSettings(pooled=False))


CLUSTERINGS: dict[str, Clustering] = {
    "IIC": Clustering(clustering, iic_loss),
    "IIC of picture and sound": Clustering(together, partial(iic_loss, symmetric=False), symmetric=False, sounds=True),
    "IIC of places, pooled": Clustering(segmenting, segmentation_loss, places=True),
    "IIC of places, mean": Clustering(unpooled, partial(segmentation_loss, pooled=False), places=True, patterns=True),
}
