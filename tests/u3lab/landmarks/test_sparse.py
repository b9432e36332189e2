"""Sparse landmarks: soft-argmax and both losses are their sums, written out."""

from itertools import product

import pytest
import torch
from scipy import ndimage
from torch import Tensor

from tests.helpers import refuses
from u3lab.landmarks import diversity_loss, equivariance_loss, soft_argmax
from u3lab.landmarks.places import cells


def draw(*shape: int, seed: int = 0) -> Tensor:
    return 2 * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_soft_argmax_is_scipys_centre_of_mass() -> None:
    maps = draw(2, 3, 5, 8)
    for found, e in zip(soft_argmax(maps).flatten(0, 1), maps.exp().flatten(0, 1), strict=True):
        row, column = ndimage.center_of_mass(e.numpy())
        assert found.tolist() == pytest.approx([(2 * column + 1) / 8 - 1, (2 * row + 1) / 5 - 1])


@pytest.mark.oracle("the sum over all pairs", landmarks=["landmarks"])
def test_equivariance_is_the_sum_over_all_pairs() -> None:
    maps, moved, gone = draw(2, 3, 4, 4), draw(2, 3, 3, 5, seed=1), 0.5 * draw(2, 16, 2, seed=2)
    p, q = maps.flatten(2).softmax(-1), moved.flatten(2).softmax(-1)
    v = cells(moved)
    found = sum(float((gone[b, n] - v[m]).square().sum() * p[b, k, n] * q[b, k, m]) / 6
                for b, k, n, m in product(range(2), range(3), range(16), range(15)))
    assert float(equivariance_loss(maps, moved, gone)) == pytest.approx(found)
    points = cells(maps).expand(2, -1, -1)
    order = torch.randperm(16)
    again = equivariance_loss(maps, moved, gone[:, order], u=points[:, order])
    assert float(again) == pytest.approx(found)


@pytest.mark.oracle("the sum over windows", landmarks=["landmarks"])
@pytest.mark.parametrize("side, window", [((6, 6), 2), ((7, 5), 3), ((8, 8), 8)])
def test_diversity_is_its_sum_over_windows(side: tuple[int, int], window: int) -> None:
    K = 1 if window == 8 else 4
    maps = draw(2, K, *side)
    p = maps.flatten(2).softmax(-1).view_as(maps)
    corners = product(range(0, side[0], window), range(0, side[1], window))
    expected = K - float(sum(p[..., i:i + window, j:j + window].sum((2, 3)).amax(1) for i, j in corners).mean())
    assert float(diversity_loss(maps, window=window)) == pytest.approx(expected)


def test_their_gradients() -> None:
    maps, moved, gone = draw(1, 2, 4, 4).requires_grad_(), draw(1, 2, 4, 4, seed=1).requires_grad_(), draw(1, 16, 2)
    assert torch.autograd.gradcheck(lambda a, b: equivariance_loss(a, b, gone / 3), (maps, moved))
    assert torch.autograd.gradcheck(lambda a: diversity_loss(a, window=2), maps)
    assert torch.autograd.gradcheck(soft_argmax, maps)


def test_slips_are_named() -> None:
    refuses(diversity_loss, draw(1, 10, 12, 12), says="K = 10 landmarks cannot keep apart in 9 windows")
    refuses(equivariance_loss, draw(1, 2, 4, 4), draw(1, 3, 4, 4), draw(1, 16, 2), says="K = 2")
