"""Notebook 03b, keypoints: pairs of one person, the network that compares, and the numbers of the swap."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from u3lab.lessons.landmarks import discs, parts, scheme
from u3lab.lessons.landmarks.parts import Drawn
from u3lab.lessons.selfsup import colouring
from u3lab.nets import several
from u3lab.selfsup.lab import colours
from u3lab.worlds import faces

RUN = Drawn("person", "colouring", parts.K, 2, 0, "", 0)
CACHED = (parts.marked, parts.stock)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch):
    for name, value in {"LABELLED": 12, "TEST": 8, "STOCK": 8, "LABELS": (5, 12), "BATCH": 2}.items():
        monkeypatch.setattr(parts, name, value)
    for one in CACHED:
        one.cache_clear()
    yield
    for one in CACHED:
        one.cache_clear()


def test_a_pair_is_two_moments_of_one_person() -> None:
    level = torch.tensor([20, 80, 150, 230]).byte().view(4, 1, 1, 1).expand(4, 3, 112, 112)
    source, target = parts.pairs_of(level)(40, torch.Generator().manual_seed(0))
    pair = {tuple(round(255 * float(one.median())) for one in row) for row in zip(source, target, strict=True)}
    assert pair == {(20, 80), (80, 20), (150, 230), (230, 150)}


def test_source_and_target_are_warped_differently() -> None:
    source, target = parts.pairs_of(parts.stock(3, 4))(12, torch.Generator().manual_seed(0))
    assert source.shape == target.shape == (12, 3, 64, 64) and (source - target).abs().mean() > 0.02
    parts.stock.cache_clear()


def test_a_person_is_before_one_wall_or_before_two() -> None:
    one, two = (parts.stock(3, 8, walls=walls).float()[:, :, 0, 0].unflatten(0, (4, 2)) for walls in (1, 2))
    assert (one[:, 0] - one[:, 1]).abs().max() < 1 < 10 < (two[:, 0] - two[:, 1]).abs().max()
    assert torch.equal(one[:, 0], two[:, 0])
    parts.stock.cache_clear()


def test_a_wall_has_the_mean_colour_of_the_photo_and_hides_it() -> None:
    made = faces.layers(2, seed=3, size=32)
    shown = parts.before_a_wall(made)
    corner = made.face[:, 3, 0, 0] == 0
    assert corner.any()
    torch.testing.assert_close(shown[corner, :, 0, 0], made.background[corner].mean((2, 3)))
    covered = (made.face[:, 3:] == 1).expand_as(shown)
    torch.testing.assert_close(shown[covered], made.face[:, :3][covered])


def test_what_compares_sees_lightness_as_the_network_that_colours_did() -> None:
    x = faces.draw(2, size=64).images
    net, layers = parts.judge("colouring")
    encoder, _ = colouring.shipped()
    ours, theirs = several(net, layers, x), several(encoder, layers, colours(x)[0])
    for layer in layers:
        torch.testing.assert_close(ours[layer], theirs[layer], atol=1e-4, rtol=1e-4)
    assert parts.judge("pixels") == (None, ()) and parts.judge("squeezenet1_1")[0].layers[0] == "conv1"


def test_a_short_training_is_measured(small: None) -> None:
    model, steps = parts.learnt(RUN)
    before = model.generator[0].weight.clone()
    assert [step.iteration for step in steps] == [0, 1, 2] and not torch.equal(before, model.generator[0].weight)
    found = dict(parts.measured(model, RUN))
    assert [(run.measure, run.labels) for run in found] == [("regression", 5), ("regression", 12)]
    assert all(0 < everything < 200 for everything, _ in found.values())
    assert next(parts.learnt(RUN._replace(steps=0))[1], None) is None


def test_a_finder_learns_from_labels() -> None:
    made = parts.drawn(60, "train", 77)  # those that it learns from
    before, after = (parts.errors(parts.taught_by_labels(60, steps).keypoints(made.images), made, faces.hard(made))[0]
                     for steps in (0, 60))
    assert after < 0.7 * before


def test_the_shipped_finder_finds_far_more_than_a_mean_shape() -> None:
    made = parts.drawn(60, "test", 5)
    off = parts.errors(parts.finder()(made.images), made, faces.hard(made))[0]
    assert off < 0.2 * parts.mean_shape()[0]


def test_pairs_of_the_swap_are_of_different_people_and_a_of_one() -> None:
    a, again, b = parts.swapped()
    assert len(a.images) == len(b.images) == 100 and torch.equal(a.identities, again.identities)
    assert not set(a.identities.tolist()) & set(b.identities.tolist()) and len(set(a.identities.tolist())) == 100
    assert (a.images - again.images).abs().mean() > 0.02


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


def test_the_shipped_points_know_landmarks_better_than_the_mean_shape() -> None:
    run = RUN._replace(steps=parts.STEPS)
    found = {run.labels: error for run, (error, _) in parts.measured(parts.shipped(), run)}
    assert found[500] < 0.9 * parts.mean_shape()[0]


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


def test_discs_by_regression() -> None:
    model, steps = discs.learnt(3, 0, 1)
    assert len(list(steps)) == 2 and len(discs.explained(model)) == 3 and max(discs.explained(model)) < 0.9


def test_the_scheme_says_what_it_shows() -> None:
    x = F.interpolate(torch.rand(3, 3, 4, 4), size=16)
    shown = scheme.directions(list(x), x[0], x[1], x[2], torch.zeros(10, 2))
    assert "Keypoint bottleneck" in shown.alt and len(shown.data) > 5000
