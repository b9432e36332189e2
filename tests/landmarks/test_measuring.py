"""Errors of landmarks in closed form, and the linear map against scikit-learn's."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression, Ridge

from tests.helpers import normal, refuses
from u3lab.landmarks import fit_landmarks, landmark_error, share_within


def test_an_error_is_in_parts_of_the_distance_of_the_eyes() -> None:
    true = torch.tensor([[[-3.0, 0], [1, 0], [0, 2]], [[0, 0], [0, 10], [4, 4]]])  # eyes 4 and 10 apart
    found = true + torch.tensor([[[0.0, 1], [0, 0], [3, 4]], [[3, 4], [0, 0], [0, 2.5]]])
    assert torch.allclose(landmark_error(found, true, (0, 1)),
                          torch.tensor([[25.0, 0, 125], [50, 0, 25]], dtype=torch.float64))
    assert share_within(found, true, (0, 1)) == pytest.approx(4 / 6)  # a quarter counts as within
    assert share_within(found, true, (0, 1), part=0.2) == pytest.approx(2 / 6)
    assert torch.allclose(landmark_error(found / 7, true / 7, (1, 0)), landmark_error(found, true, (0, 1)), atol=1e-4)


@pytest.mark.parametrize("ridge", [0.0, 0.3])
@pytest.mark.parametrize("count", [30, 6])  # more pictures than features, and fewer
def test_the_linear_map_is_scikit_learns(count: int, ridge: float) -> None:
    z, true = normal(count, 4, 2) + 0.5, normal(count, 3, 2, seed=1) - 1
    peer = Ridge(ridge, solver="svd") if ridge else LinearRegression()
    peer.fit(z.flatten(1).numpy(), true.flatten(1).numpy())
    fitted = fit_landmarks(z, true, ridge=ridge)
    assert np.allclose(fitted.W.numpy(), peer.coef_, atol=1e-8)
    assert np.allclose(fitted.b.numpy(), peer.intercept_, atol=1e-8)
    fresh = normal(5, 4, 2, seed=2)
    expected = peer.predict(fresh.flatten(1).numpy()).reshape(5, 3, 2)
    assert np.allclose(fitted.landmarks(fresh.float()).numpy(), expected, atol=1e-5)


def test_slips_are_named() -> None:
    true = normal(3, 4, 2)
    refuses(landmark_error, true, true, (1, 1), says="two landmarks")
    refuses(landmark_error, true, true.clone().index_fill_(1, torch.tensor([0, 1]), 0.5), (0, 1), says="one point")
    refuses(fit_landmarks(normal(3, 8), true).landmarks, normal(3, 9), says="F = 8")
