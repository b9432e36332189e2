"""Sparse landmarks: soft-argmax and both losses are their sums, written out."""

import pytest
import torch
from scipy import ndimage
from torch import Tensor

from tests.helpers import refuses
from u3lab.landmarks import diversity_loss, equivariance_loss, soft_argmax
from u3lab.landmarks.places import cells


def draw(*shape: int, seed: int = 0) -> Tensor:
    return 2 * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def peaks(places: list[tuple[int, int]], side: int = 12) -> Tensor:
    """Maps (1,K,side,side), each with all of its mass on one cell (row, column)."""
    maps = torch.full((1, len(places), side, side), -40.0, dtype=torch.float64)
    for k, (i, j) in enumerate(places):
        maps[0, k, i, j] = 40.0
    return maps


def test_soft_argmax_is_the_expectation_and_scipys_centre_of_mass() -> None:
    maps = draw(2, 3, 5, 8)
    found = soft_argmax(maps)
    for b in range(2):
        for k in range(3):
            e = maps[b, k].exp()
            x = sum(float(e[i, j]) * ((2 * j + 1) / 8 - 1) for i in range(5) for j in range(8)) / float(e.sum())
            y = sum(float(e[i, j]) * ((2 * i + 1) / 5 - 1) for i in range(5) for j in range(8)) / float(e.sum())
            assert found[b, k].tolist() == pytest.approx([x, y])
            row, column = ndimage.center_of_mass(e.numpy())
            assert found[b, k].tolist() == pytest.approx([(2 * column + 1) / 8 - 1, (2 * row + 1) / 5 - 1])


def test_it_is_of_the_joint_map() -> None:
    """A row with two peaks and a column through one: the softmax of means over rows and columns would be elsewhere."""
    maps = peaks([(2, 3)]) + 60 * (torch.arange(12) == 9).double()  # a whole column, weaker than the peak everywhere
    assert soft_argmax(maps)[0, 0].tolist() == pytest.approx([(2 * 3 + 1) / 12 - 1, (2 * 2 + 1) / 12 - 1])
    marginal = maps.mean(2).softmax(-1) @ cells(maps)[:12, 0]
    assert float(marginal[0, 0]) == pytest.approx((2 * 9 + 1) / 12 - 1, abs=0.01)


@pytest.mark.oracle("the sum over all pairs", landmarks=["landmarks"])
def test_equivariance_is_the_sum_over_all_pairs() -> None:
    maps, moved, gone = draw(2, 3, 4, 4), draw(2, 3, 3, 5, seed=1), 0.5 * draw(2, 16, 2, seed=2)
    p, q = maps.flatten(2).softmax(-1), moved.flatten(2).softmax(-1)
    found, v = 0.0, cells(moved)
    for b in range(2):
        for k in range(3):
            for n in range(16):
                for m in range(15):
                    found += float((gone[b, n] - v[m]).square().sum() * p[b, k, n] * q[b, k, m]) / 6
    assert float(equivariance_loss(maps, moved, gone)) == pytest.approx(found)
    points = cells(maps).expand(2, -1, -1)
    order = torch.randperm(16)
    again = equivariance_loss(maps, moved, gone[:, order], u=points[:, order])
    assert float(again) == pytest.approx(found)


def test_narrow_landmarks_that_go_along_cost_nothing() -> None:
    here, there = peaks([(2, 3), (8, 8)]), peaks([(3, 5), (9, 10)])  # two to the right, one down
    gone = cells(here)[None] + torch.tensor([2 * 2 / 12, 2 / 12], dtype=torch.float64)
    assert float(equivariance_loss(here, there, gone)) == pytest.approx(0, abs=1e-9)
    assert float(equivariance_loss(here, here, gone)) == pytest.approx((4 / 12) ** 2 + (2 / 12) ** 2)
    assert float(equivariance_loss(here / 80, there / 80, gone)) > 0.5  # wide ones do, wherever they are


@pytest.mark.oracle("the sum over windows", landmarks=["landmarks"])
@pytest.mark.parametrize("side, window", [((6, 6), 2), ((7, 5), 3), ((8, 8), 8)])
def test_diversity_is_its_sum_over_windows(side: tuple[int, int], window: int) -> None:
    K = 1 if window == 8 else 4
    maps = draw(2, K, *side)
    p, expected = maps.flatten(2).softmax(-1).view_as(maps), 0.0
    for b in range(2):
        expected += K / 2
        for i in range(0, side[0], window):
            for j in range(0, side[1], window):
                expected -= max(float(p[b, k, i:i + window, j:j + window].sum()) for k in range(K)) / 2
    assert float(diversity_loss(maps, window=window)) == pytest.approx(expected)


def test_diversity_is_0_apart_and_one_less_than_K_together() -> None:
    assert float(diversity_loss(peaks([(0, 0), (5, 5), (9, 2)]))) == pytest.approx(0, abs=1e-9)
    assert float(diversity_loss(peaks([(0, 0), (0, 1), (3, 3)]))) == pytest.approx(2)


def test_their_gradients() -> None:
    maps, moved, gone = draw(1, 2, 4, 4).requires_grad_(), draw(1, 2, 4, 4, seed=1).requires_grad_(), draw(1, 16, 2)
    assert torch.autograd.gradcheck(lambda a, b: equivariance_loss(a, b, gone / 3), (maps, moved))
    assert torch.autograd.gradcheck(lambda a: diversity_loss(a, window=2), maps)
    assert torch.autograd.gradcheck(soft_argmax, maps)


def test_slips_are_named() -> None:
    refuses(diversity_loss, draw(1, 10, 12, 12), says="K = 10 landmarks cannot keep apart in 9 windows")
    refuses(equivariance_loss, draw(1, 2, 4, 4), draw(1, 3, 4, 4), draw(1, 16, 2), says="K = 2")
