"""What the tests of slips share: the shipped network and a small picture."""

from __future__ import annotations

import pytest
from torch import Tensor

from tests.saliency.networks import cat, squeezenet
from u3lab import nets


@pytest.fixture
def net() -> nets.Classifier:
    return squeezenet()


@pytest.fixture
def picture() -> Tensor:
    return cat(96).float()
