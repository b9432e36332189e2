"""Quarter turns are those of numpy, and each is asked for as often as the others."""

import numpy as np
import pytest
import torch

from u3lab.selfsup import TASKS


@pytest.mark.oracle("numpy's turns", selfsup=["upright"])
def test_turns_are_those_of_numpy() -> None:
    x = torch.rand(12, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    posed = TASKS["upright"].pose(x, torch.Generator().manual_seed(0))
    for image, view, turns in zip(x, posed.views[:, 0], posed.target.tolist(), strict=True):
        np.testing.assert_array_equal(view.numpy(), np.rot90(image.numpy(), turns, (1, 2)))
    assert posed.target.bincount().tolist() == [3, 3, 3, 3]
