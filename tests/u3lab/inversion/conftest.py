"""What several tests of inversion share."""

import pytest

from tests.helpers import batches
from u3lab import nets
from u3lab.images import cropping


@pytest.fixture(scope="module")
def net():
    """SqueezeNet, whose layers are inverted."""
    return nets.load("squeezenet1_1", device="cpu")


@pytest.fixture(scope="module")
def unseen():
    """Squares (N,3,128,128) of the photos that nothing is learnt from."""
    return cropping.crops(cropping.sources()[1], 128, count=1)


def begun():
    """Batches without end."""
    return batches(["coffee", "dog"], 128, 2)
