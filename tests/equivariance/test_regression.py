"""Dense and sparse linear maps against the normal equations and against known inputs."""

import pytest
import torch

from tests.helpers import uniform
from u3lab.equivariance.transport import orthogonal_matching_pursuit, ridge


@pytest.mark.oracle("the normal equations", equivariance=["dense map", "map of neighbourhoods", "least squares"])
@pytest.mark.parametrize("seed", range(3))
def test_ridge_by_the_normal_equations(seed: int):
    x, y = uniform(40, 5, seed=seed), uniform(40, 3, seed=seed + 10)
    weight, bias = ridge(x, y, strength=0.1)
    centred_x, centred_y = x - x.mean(0), y - y.mean(0)
    alpha = 0.1 * centred_x.square().sum() / 5
    gram = centred_x.T @ centred_x + alpha * torch.eye(5, dtype=x.dtype)
    expected = torch.linalg.solve(gram, centred_x.T @ centred_y)
    torch.testing.assert_close(weight, expected.T)
    torch.testing.assert_close(bias, y.mean(0) - expected.T @ x.mean(0))


@pytest.mark.parametrize("seed", range(3))
def test_pursuit_finds_the_inputs_that_there_are(seed: int):
    """Whatever their scale and their mean: inputs are compared at equal length about their mean."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(400, 20, generator=generator, dtype=torch.float64) * torch.logspace(-3, 3, 20, dtype=torch.float64)
    means = torch.tensor([0.0, 3.0, -30.0, 300.0], dtype=torch.float64).repeat(5) * x.std(0)
    truth = torch.zeros(4, 20, dtype=torch.float64)
    for row in truth:
        row[torch.randperm(20, generator=generator)[:3]] = torch.tensor([2.0, -3.0, 4.0], dtype=torch.float64)
    truth /= x.norm(dim=0)
    assert torch.equal(orthogonal_matching_pursuit(x, x @ truth.T, 3), truth != 0)
    assert torch.equal(orthogonal_matching_pursuit(x + means, x @ truth.T + 5, 3), truth != 0)


def test_inputs_and_outputs_that_never_change():
    x, y = uniform(30, 4), torch.ones(30, 2, dtype=torch.float64)
    x[:, 1] = 3
    weight, bias = ridge(x, y, strength=0.01)
    assert weight.abs().max() < 1e-12 and torch.allclose(bias, y[0])
    assert not orthogonal_matching_pursuit(x, y, 2).any()
    assert not orthogonal_matching_pursuit(x, x[:, :1] + x[:, 2:3], 2)[:, 1].any()
