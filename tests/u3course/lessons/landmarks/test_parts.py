"""Notebook 03c: pairs of one person, heads, the finder, colours inside of heads, and discs before walls."""

import pytest
import torch

from evidence import _landmarked, _parts
from evidence.keypoints import pairs_of
from u3course.lessons.landmarks import parts, trials
from u3course.worlds import faces


def test_a_pair_is_two_moments_of_one_person() -> None:
    level = torch.tensor([20, 80, 150, 230]).byte().view(4, 1, 1, 1).expand(4, 3, 168, 168)
    source, target = pairs_of(level)(40, torch.Generator().manual_seed(0))
    pair = {tuple(round(255 * float(one.median())) for one in row) for row in zip(source, target, strict=True)}
    assert pair == {(20, 80), (80, 20), (150, 230), (230, 150)}


def test_source_and_target_are_warped_differently() -> None:
    made = faces.layers(4, seed=3, size=128, margin=20, each=2)
    source, target = pairs_of(parts.before_a_wall(made, each=2))(12, torch.Generator().manual_seed(0))
    assert source.shape == target.shape == (12, 3, 96, 96) and (source - target).abs().mean() > 0.02


def test_a_wall_has_the_mean_colour_of_the_photo_and_hides_it() -> None:
    made = faces.layers(2, seed=3, size=32)
    shown = parts.before_a_wall(made)
    corner = made.face[:, 3, 0, 0] == 0
    assert corner.any()
    torch.testing.assert_close(shown[corner, :, 0, 0], made.background[corner].mean((2, 3)))
    covered = (made.face[:, 3:] == 1).expand_as(shown)
    torch.testing.assert_close(shown[covered], made.face[:, :3][covered])


def test_a_head_is_above_its_chin_and_its_middle_is_in_it() -> None:
    made, heads = parts.drawn(6, "test", 3)
    assert made.images.shape == (6, 3, 96, 96) and heads.shape == (6, 96, 96)
    x, y = (made.points[:, :parts.CHIN].round().long().unbind(2))
    assert heads[torch.arange(6)[:, None], y, x].double().mean() > 0.9  # eyes, nose and mouth are of the head
    rows = torch.arange(96)[:, None].expand(96, 96)
    assert all(rows[head].max() < made.points[n, parts.CHIN, 1] for n, head in enumerate(heads))
    middle = parts.middles(heads)[:, 0]
    at = ((middle + 1) * 48).long()
    assert heads[torch.arange(6), at[:, 1], at[:, 0]].all()
    one = torch.zeros(1, 96, 96, dtype=torch.bool)
    one[:, 10:20, 40:60] = True
    torch.testing.assert_close(parts.middles(one)[0, 0], torch.tensor([100 / 96 - 1, 30 / 96 - 1]))


def test_the_shipped_finder_finds_far_more_than_a_mean_shape() -> None:
    made, _ = parts.drawn(60, "test", 5)
    true = trials.points(made)
    off, of_mean = (_landmarked.errors(found, made, faces.hard_examples(made))[0]
                    for found in (_parts.finder()(made.images), true.mean(0).expand_as(true)))
    assert off < 0.2 * of_mean


def test_pairs_of_the_swap_are_of_different_people_and_a_of_one() -> None:
    """All of them are odd, and so held out."""
    (a, _), (again, _), (b, heads) = _parts.swapped()
    assert len(a.images) == len(b.images) == len(heads) == 100 and torch.equal(a.identities, again.identities)
    assert not set(a.identities.tolist()) & set(b.identities.tolist()) and len(set(a.identities.tolist())) == 100
    assert (a.images - again.images).abs().mean() > 0.02 and (torch.cat([a.identities, b.identities]) % 2 == 1).all()


def test_recoloured_counts_pixels_of_heads_and_not_places() -> None:
    x, whole = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)), torch.ones(2, 8, 8).bool()
    places = torch.randperm(64, generator=torch.Generator().manual_seed(1))
    assert _parts.recoloured(x, whole, x.flatten(2)[..., places].view_as(x), whole).max() < 1e-9
    black, half, head = torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4), torch.zeros(1, 4, 4).bool()
    half[..., :2, :] = 1
    assert _parts.recoloured(black, head | True, half, head | True).item() == pytest.approx(50)
    head[:, 2:] = True  # the upper half does not count
    assert _parts.recoloured(black, head, half, head).item() == 0 and _parts.histogram(half, head).sum() == 1


def test_discs_are_before_a_texture_one_wall_or_two() -> None:
    corners = {}
    for walls in (0, 1, 2):
        x, target, middles = parts.discs(20, torch.Generator().manual_seed(0), walls=walls)
        assert x.shape == target.shape == (20, 3, 32, 32) and middles.shape == (20, 3, 2)
        corners[walls] = [one[:, :, 0, 0] for one in (x, target)]
    assert torch.equal(*corners[0]) and torch.equal(*corners[1])
    assert (corners[1][0].std(1) < 1e-6).all() and corners[0][0].std(1).min() > 0.001
    assert (corners[2][0] - corners[2][1]).abs().mean() > 0.1
