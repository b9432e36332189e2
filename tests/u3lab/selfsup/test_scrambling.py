"""Tiles and turns: how far apart permutations are by scipy, and by coordinates where each tile was cut."""

import itertools

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates
from scipy.spatial.distance import pdist
from torch import Tensor

from tests.helpers import refuses
from u3lab.selfsup import TASKS, scrambling
from u3lab.selfsup.scrambling import aberrated, jigsaw, permutations, relative_position

SIDE = 64


def places(count: int, side: int = SIDE) -> Tensor:
    """Pictures whose red says how far down a pixel is, whose green how far right, in shares of 128 pixels."""
    along = torch.arange(side) / 128
    return torch.stack([along[:, None].expand(side, side), along.expand(side, side), torch.zeros(side, side)]).expand(
        count, 3, side, side)


def corners(tiles: Tensor) -> Tensor:
    """Of tiles (B,V,3,t,t) of such pictures, the pixel that each begins with, (B,V,2)."""
    return (tiles[:, :, :2, 0, 0] * 128).round().long()


def hamming(permutations: Tensor) -> np.ndarray:
    return pdist(permutations.numpy(), "hamming") * permutations.shape[1]


@pytest.mark.oracle("SciPy's distances", selfsup=["jigsaw"])
@pytest.mark.parametrize("count, least", [(9, 9), (24, 7), (64, 7)])
def test_permutations_of_nine_are_as_far_apart_as_scipy_says(count: int, least: int) -> None:
    found = permutations(count)
    assert found.shape == (count, 9) and (found.sort(1).values == torch.arange(9)).all()
    assert round(hamming(found).min()) == least


def test_each_permutation_is_the_farthest_from_those_before() -> None:
    found, every = permutations(10, 4), np.array(list(itertools.permutations(range(4))))
    for n in range(1, 10):
        before = found[:n].numpy()
        distance = (every[:, None] != before).sum(2)
        gained = (found[n].numpy() != before).sum(1)
        assert gained.min() == distance.min(1).max()
        assert gained.sum() == distance[distance.min(1) == gained.min()].sum(1).max()
    assert len(permutations(24, 4).unique(dim=0)) == 24  # all there are
    assert not torch.equal(found, permutations(10, 4, seed=1))


@pytest.mark.oracle("pictures of coordinates", selfsup=["jigsaw"])
@pytest.mark.parametrize("gap", [0, 5])
def test_tiles_of_a_jigsaw_come_from_their_cells_in_the_order_of_the_permutation(
        monkeypatch: pytest.MonkeyPatch, gap: int) -> None:
    monkeypatch.setattr(scrambling, "normalised", lambda tiles: tiles)
    posed = jigsaw(24, gap=gap, drop_colour=0).pose(places(48), torch.Generator().manual_seed(0))
    assert posed.views.shape == (48, 9, 3, 16, 16)
    assert (posed.target.bincount(minlength=24) == 2).all()
    cell, first = 16 + gap, (SIDE - 3 * (16 + gap)) // 2
    at = corners(posed.views) - first
    assert torch.equal((at // cell)[..., 0] * 3 + (at // cell)[..., 1], permutations(24)[posed.target])
    assert at.remainder(cell).min() == 0 and at.remainder(cell).max() == gap
    along = torch.arange(16) / 128
    inside = posed.views - posed.views[..., :1, :1]
    torch.testing.assert_close(inside[:, :, 0], along[:, None].expand(48, 9, 16, 16))
    torch.testing.assert_close(inside[:, :, 1], along.expand(48, 9, 16, 16))


@pytest.mark.oracle("pictures of coordinates", selfsup=["relative position"])
def test_the_second_tile_lies_where_the_answer_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrambling, "normalised", lambda tiles: tiles)
    task = relative_position(tile=20, gap=8, jitter=4, drop_colour=0)
    posed = task.pose(places(800), torch.Generator().manual_seed(0))
    first, second = corners(posed.views).unbind(1)
    off = second - first
    way = ((off + 14).div(28, rounding_mode="floor")).clamp(-1, 1)
    number = (way[:, 0] + 1) * 3 + way[:, 1] + 1
    assert torch.equal(number - (number > 4).long(), posed.target)  # the eight around the middle, row by row
    assert sorted((off - 28 * way).unique().tolist()) == list(range(-4, 5))
    assert min(first.min(), second.min()) == 0 and max(first.max(), second.max()) == SIDE - 20
    assert (posed.target.bincount(minlength=8) == 100).all()


def test_what_would_give_a_place_away_is_gone() -> None:
    x = torch.rand(6, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    x = x * torch.tensor([0.9, 0.5, 0.2])[:, None, None]
    grey = jigsaw(drop_colour=1).pose(x, torch.Generator().manual_seed(0)).views
    assert torch.equal(grey[:, :, 0], grey[:, :, 1]) and torch.equal(grey[:, :, 0], grey[:, :, 2])
    even = jigsaw(drop_colour=0).pose(x, torch.Generator().manual_seed(0)).views
    torch.testing.assert_close(even.mean((3, 4)), torch.full((6, 9, 3), 0.5), atol=1e-3, rtol=0)
    torch.testing.assert_close(even.std((3, 4), unbiased=False), torch.full((6, 9, 3), 1 / 6), atol=2e-3, rtol=0)
    flat = jigsaw().pose(torch.full((2, 3, SIDE, SIDE), 0.3), torch.Generator().manual_seed(0)).views
    torch.testing.assert_close(flat, torch.full_like(flat, 0.5))  # rounding is not blown up


def test_a_lens_moves_red_out_and_blue_in_as_scipy_does() -> None:
    x = torch.rand(1, 3, 20, 20, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    seen = aberrated(x, 0.1)[0]
    at = np.stack(np.meshgrid(np.arange(20), np.arange(20), indexing="ij")) - 9.5
    for channel, scale in ((0, 1 / 1.1), (1, 1.0), (2, 1.1)):
        expected = map_coordinates(x[0, channel].numpy(), at * scale + 9.5, order=1, mode="nearest")
        np.testing.assert_allclose(seen[channel].numpy(), expected, atol=1e-6)
    torch.testing.assert_close(aberrated(x, 0), x)


def test_pictures_that_have_no_room_for_the_tiles_are_refused() -> None:
    small, generator = torch.rand(2, 3, 56, 56), torch.Generator().manual_seed(0)
    refuses(jigsaw().pose, small, generator, says="63×63")
    refuses(relative_position().pose, small, generator, says="60×60")


@pytest.mark.oracle("numpy's turns", selfsup=["upright"])
def test_turns_are_those_of_numpy() -> None:
    x = torch.rand(12, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    posed = TASKS["upright"].pose(x, torch.Generator().manual_seed(0))
    for image, view, turns in zip(x, posed.views[:, 0], posed.target.tolist(), strict=True):
        np.testing.assert_array_equal(view.numpy(), np.rot90(image.numpy(), turns, (1, 2)))
    assert posed.target.bincount().tolist() == [3, 3, 3, 3]
