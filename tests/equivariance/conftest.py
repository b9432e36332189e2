"""A small picture for the tests of slips."""

from __future__ import annotations

import pytest
from torch import Tensor

from tests.saliency.networks import cat


@pytest.fixture
def picture() -> Tensor:
    return cat(96).float()
