"""Errors of landmarks in closed form."""

import torch

from tests.helpers import normal, refuses
from u3lab.landmarks import landmark_error


def test_an_error_is_in_parts_of_the_distance_of_the_eyes() -> None:
    true = torch.tensor([[[-3.0, 0], [1, 0], [0, 2]], [[0, 0], [0, 10], [4, 4]]])  # eyes 4 and 10 apart
    found = true + torch.tensor([[[0.0, 1], [0, 0], [3, 4]], [[3, 4], [0, 0], [0, 2.5]]])
    assert torch.allclose(landmark_error(found, true, (0, 1)),
                          torch.tensor([[25.0, 0, 125], [50, 0, 25]], dtype=torch.float64))
    assert torch.allclose(landmark_error(found / 7, true / 7, (1, 0)), landmark_error(found, true, (0, 1)), atol=1e-4)


def test_slips_are_named() -> None:
    true = normal(3, 4, 2)
    refuses(landmark_error, true, true, (1, 1), says="two landmarks")
    refuses(landmark_error, true, true.clone().index_fill_(1, torch.tensor([0, 1]), 0.5), (0, 1), says="one point")
