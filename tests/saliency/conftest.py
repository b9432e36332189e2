"""What the tests of slips share: the shipped network, a small picture, and each method in turn."""

from __future__ import annotations

import pytest
from torch import Tensor

from tests.saliency.networks import METHODS, cat, squeezenet
from u3lab import nets


@pytest.fixture
def net() -> nets.Classifier:
    return squeezenet()


@pytest.fixture
def picture() -> Tensor:
    return cat(96).float()


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest):
    return METHODS[request.param]
