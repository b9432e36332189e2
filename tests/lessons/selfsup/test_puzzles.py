"""Jigsaws with other permutations, and how far apart sets of them are."""

from __future__ import annotations

import pytest
import torch
from scipy.spatial.distance import pdist

from u3lab.lessons.selfsup import pretexts
from u3lab.selfsup import TASKS
from u3lab.selfsup.scrambling import permutations


def posed(orders, images):
    return pretexts.jigsaw_of(orders).pose(images, torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def pictures():
    return torch.rand(30, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def test_with_the_librarys_own_permutations_it_is_the_librarys_jigsaw(pictures):
    ours, theirs = posed(permutations(24), pictures), TASKS["jigsaw"].pose(pictures, torch.Generator().manual_seed(3))
    assert torch.equal(ours.views, theirs.views) and torch.equal(ours.target, theirs.target)


def test_each_place_shows_the_tile_that_its_permutation_names(pictures):
    """Beside the same tiles in their own order."""
    orders = pretexts.swaps(24)
    straight, mixed = posed(torch.arange(9).repeat(24, 1), pictures), posed(orders, pictures)
    for k, (own, now, answer) in enumerate(zip(straight.views, mixed.views, mixed.target, strict=True)):
        assert torch.equal(now, own[orders[answer]]), k
    assert not torch.equal(straight.views, mixed.views)


def test_distances_are_those_of_scipy():
    orders = permutations(12)
    far = pdist(orders.numpy(), "hamming") * 9
    assert pretexts.apart(orders) == (round(far.min()), pytest.approx(far.mean()))


@pytest.mark.parametrize("count", [2, 24, 37])
def test_swaps_are_different_and_near(count):
    orders = pretexts.swaps(count)
    assert orders.shape == (count, 9) and len(orders.unique(dim=0)) == count
    assert ((orders != torch.arange(9)).sum(1) == torch.tensor([0] + [2] * (count - 1))).all()
    assert torch.equal(orders.sort(1).values, torch.arange(9).expand(count, 9))


def test_the_rule_of_the_mean_takes_the_largest_mean():
    chosen = pretexts.largest_mean(4, seed=1)
    every = torch.rand(pretexts.CANDIDATES, 9, generator=torch.Generator().manual_seed(1)).argsort(1)
    for n in range(1, 4):
        far = sum((every != chosen[k]).sum(1) for k in range(n))
        assert int((chosen[n] != chosen[:n]).sum()) == int(far.max())
    assert len(chosen.unique(dim=0)) == 4
