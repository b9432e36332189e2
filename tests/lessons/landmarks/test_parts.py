"""Notebook 03b, keypoints: pairs of one person, the finder, and the numbers of the swap."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from u3lab.experiments.keypoints import pairs_of
from u3lab.lessons.landmarks import figures as panels
from u3lab.lessons.landmarks import parts, trials
from u3lab.worlds import faces


def test_a_pair_is_two_moments_of_one_person() -> None:
    level = torch.tensor([20, 80, 150, 230]).byte().view(4, 1, 1, 1).expand(4, 3, 112, 112)
    source, target = pairs_of(level, warped=True)(40, torch.Generator().manual_seed(0))
    pair = {tuple(round(255 * float(one.median())) for one in row) for row in zip(source, target, strict=True)}
    assert pair == {(20, 80), (80, 20), (150, 230), (230, 150)}


def test_source_and_target_are_warped_differently() -> None:
    made = faces.layers(4, seed=3, size=64, margin=24, each=2)
    source, target = pairs_of(parts.before_a_wall(made, each=2), warped=True)(12, torch.Generator().manual_seed(0))
    assert source.shape == target.shape == (12, 3, 64, 64) and (source - target).abs().mean() > 0.02


def test_a_wall_has_the_mean_colour_of_the_photo_and_hides_it() -> None:
    made = faces.layers(2, seed=3, size=32)
    shown = parts.before_a_wall(made)
    corner = made.face[:, 3, 0, 0] == 0
    assert corner.any()
    torch.testing.assert_close(shown[corner, :, 0, 0], made.background[corner].mean((2, 3)))
    covered = (made.face[:, 3:] == 1).expand_as(shown)
    torch.testing.assert_close(shown[covered], made.face[:, :3][covered])


def test_the_shipped_finder_finds_far_more_than_a_mean_shape() -> None:
    made = parts.drawn(60, "test", 5)
    true = trials.points(made)
    off, of_mean = (trials.errors(found, made, faces.hard_examples(made))[0]
                    for found in (parts.finder()(made.images), true.mean(0).expand_as(true)))
    assert off < 0.2 * of_mean


def test_pairs_of_the_swap_are_of_different_people_and_a_of_one() -> None:
    a, again, b = parts.swapped()
    assert len(a.images) == len(b.images) == 100 and torch.equal(a.identities, again.identities)
    assert not set(a.identities.tolist()) & set(b.identities.tolist()) and len(set(a.identities.tolist())) == 100
    assert (a.images - again.images).abs().mean() > 0.02


def test_nobody_is_tested_on_who_was_learnt_from_or_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Odd people are held out."""
    for name in ("LABELLED", "TEST"):
        monkeypatch.setattr(parts, name, 4)
    known, tested = parts.marked.__wrapped__()
    assert not (known.identities % 2).any() and (tested.identities % 2 == 1).all()
    assert all((one.identities % 2 == 1).all() for one in parts.swapped())
    made: list[faces.Layers] = []
    layers = faces.layers
    monkeypatch.setattr(parts.faces, "layers", lambda *given, **how: made.append(layers(*given, **how)) or made[-1])
    parts.followed(Middle(False))
    assert len(made) == 1 and (made[0].identities % 2 == 1).all()


def test_recoloured_counts_pixels_and_not_places() -> None:
    x = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    places = torch.randperm(64, generator=torch.Generator().manual_seed(1))
    assert parts.recoloured(x, x.flatten(2)[..., places].view_as(x)).max() == 0
    black, half = torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)
    half[..., :2, :] = 1
    assert parts.recoloured(black, half).item() == pytest.approx(50) and parts.histogram(half).sum() == pytest.approx(1)


def test_with_two_walls_the_points_tell_the_wall() -> None:
    a, _, b = parts.swapped()
    apart = {}
    for thing in parts.THINGS:
        made = parts.shipped(thing).reconstruct(a.images, b.images)
        apart[thing] = [float((made - one.images)[..., :3, :3].mean((2, 3)).norm(dim=1).mean()) for one in (a, b)]
    assert apart["person"][0] < apart["person"][1] and apart["person, two walls"][0] > apart["person, two walls"][1]


class Middle(torch.nn.Module):
    """Its keypoints are where a picture is dark, or stay in the middle."""

    def __init__(self, follows: bool) -> None:
        super().__init__()
        self.follows = follows

    def keypoints(self, x: torch.Tensor) -> torch.Tensor:
        weight = (1.01 - x.mean(1)).pow(40)
        where = (2 * torch.arange(x.shape[-1]) + 1) / x.shape[-1] - 1
        found = torch.stack([(weight.sum(axis) @ where) / weight.sum((1, 2)) for axis in (1, 2)], -1)[:, None]
        return found if self.follows else 0 * found


def test_what_follows_the_motion_is_told_from_what_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    spot = torch.ones(100, 3, 112, 112)
    spot[..., 50:55, 60:65] = 0
    monkeypatch.setattr(parts, "before_a_wall", lambda made: spot)
    off, gone = parts.followed(Middle(True))
    assert off.shape == gone.shape == (100, 1) and off.max() < 1 < 2 < gone.mean()
    off, gone = parts.followed(Middle(False))
    torch.testing.assert_close(off, gone)


def test_skin_is_brighter_where_the_picture_is() -> None:
    made = faces.layers(40, seed=3, size=64, each=1)
    shown = made.face[:, :3, 30:36, 26:38].mean((1, 2, 3))
    assert torch.corrcoef(torch.stack([parts.skin(made.identities), shown]))[0, 1] > 0.7


def test_the_scheme_says_what_it_shows() -> None:
    x = F.interpolate(torch.rand(3, 3, 4, 4), size=16)
    shown = panels.directions(list(x), x[0], x[1], x[2], torch.zeros(10, 2))
    assert "Keypoint bottleneck" in shown.alt and len(shown.data) > 5000
