"""Notebook 03c's tables: a training, planted truths for what is measured, and rivals that start where they should."""

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from evidence import _landmarked, discs, keypoints, landmark_detector
from evidence import _parts as parts
from tests.helpers import smaller
from u3course.lessons.landmarks import trials
from u3course.lessons.landmarks.parts import explained, shipped
from u3course.lessons.selfsup import colouring
from u3course.worlds import faces
from u3lab.images import blur
from u3lab.landmarks import landmark_error
from u3lab.nets import extract_features
from u3lab.selfsup.colour import colours

CACHED = (parts.marked, parts.swapped, keypoints.stock)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch):
    """Few faces; what was made of others is forgotten, before and after."""
    values = {parts: {"LABELLED": 30, "TEST": 12, "SWAPS": 4},
              keypoints: {"STOCK": 8, "BATCH": 2, "LABELS": (5, 30)}}
    with smaller(monkeypatch, values, *CACHED):
        yield


def plan() -> SimpleNamespace:
    return SimpleNamespace(short=False, steps=lambda count: min(count, 2))


class Knows:
    """Its keypoints are the true landmarks of marked faces, and what it draws is the target itself."""

    def __init__(self) -> None:
        made = [one for role in ("fresh", "choose") for one, _ in parts.marked(1.0, role)]
        self.seen = {image.sum().item(): points for one in made
                     for image, points in zip(one.images, trials.points(one), strict=True)}

    def keypoints(self, images: Tensor) -> Tensor:
        return torch.stack([self.seen[image.sum().item()] for image in images]).float()

    def reconstruct(self, source: Tensor, target: Tensor) -> Tensor:
        return target


def errors(way: str, net: object = None) -> list[float]:
    runs = [keypoints.Marked(way, 0, labels) for labels in keypoints.LABELS]
    return [sum(row.errors) / len(row.errors) for row in
            keypoints.few_marked(plan(), runs, lambda seed: (net, {})).values()]


def test_who_knows_the_landmarks_has_hardly_an_error_and_floors_stand_in_their_order(small: None) -> None:
    mean, head, face = (errors(way)[-1] for way in (keypoints.MEAN, keypoints.CENTRED, keypoints.MOVED))
    assert errors(keypoints.KEYPOINTS, Knows())[-1] < 2 < face < head < mean


def test_moved_to_where_the_truth_says_a_rigid_shape_is_exact(small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faces that differ in place alone."""
    (known, heads), (tested, theirs) = parts.marked()
    shape, places = known.points[:1], torch.arange(42.0)[:, None, None] / 4
    moved = [one._replace(points=shape + places[part]) for one, part in ((known, slice(30)), (tested, slice(30, None)))]
    monkeypatch.setattr(parts, "marked", lambda *_: ((moved[0], heads), (moved[1], theirs)))
    assert errors(keypoints.MOVED)[-1] < 1e-3 < errors(keypoints.MEAN)[-1]


def test_the_supervised_network_starts_at_the_mean_shape_and_is_no_worse_on_those_left_out(small: None) -> None:
    (known, _), (tested, _) = parts.marked()
    true = trials.points(known)
    shape = true[6:].mean(0)
    torch.testing.assert_close(keypoints.supervised(known.images, true, 0)(tested.images), shape.expand(12, -1, -1))
    found = keypoints.supervised(known.images, true, 50)
    off = [landmark_error(one, true[:6], trials.EYES).mean() for one in (
        found(known.images[:6]), shape.expand(6, 8, 2))]
    assert off[0] <= off[1]


def test_who_draws_the_target_has_its_shape_and_its_look(small: None) -> None:
    found = keypoints.swaps(0, lambda seed: (Knows(), {}), False)
    assert max(found.look_b) == 0 < min(found.look_a) and found.shape_b == found.sharp
    assert sum(found.shape_b) < 0.5 * sum(found.shape_a) and sum(found.sharp) < 0.5 * sum(found.mean)
    summary = keypoints.by_swap({keypoints.Swap(0): found})
    assert summary["pairs"]["look nearer to A"].value == 0 and summary["pairs"]["geometry nearer to B"].value == 1


def test_what_is_blurred_is_smoother_inside_of_the_head_alone() -> None:
    x, heads = torch.rand(2, 3, 96, 96), torch.zeros(2, 96, 96, dtype=torch.bool)
    heads[:, 20:60, 20:60] = True
    smooth = torch.where(heads[:, None], x, 0.0)
    assert keypoints.rough(smooth, heads) == pytest.approx(keypoints.rough(x, heads), rel=0.1)
    assert keypoints.rough(blur(x, 1.0), heads) < 0.2 * keypoints.rough(x, heads)


def test_what_compares_sees_lightness_as_the_network_that_colours_did() -> None:
    x = faces.draw(2, size=64).images
    net, layers = keypoints.gamma()
    encoder, _ = colouring.shipped()
    ours, theirs = extract_features(net, layers, x), extract_features(encoder, layers, colours(x)[0])
    for layer in layers:
        torch.testing.assert_close(ours[layer], theirs[layer], atol=1e-4, rtol=1e-4)
    large = extract_features(net, layers, torch.nn.functional.interpolate(x, size=96, mode="bilinear"))
    assert large["conv1"].shape == ours["conv1"].shape


def test_the_shipped_points_know_more_than_where_the_head_is() -> None:
    (known, heads), (tested, theirs) = parts.marked(0.15)
    net, true, wanted = shipped(), trials.points(known), trials.points(tested)
    found = parts.regressed(net.keypoints(known.images), true, net.keypoints(tested.images))
    floor = (true - parts.middles(heads)).mean(0) + parts.middles(theirs)
    error, known_head = (landmark_error(one, wanted, trials.EYES).mean() for one in (found, floor))
    assert error < 0.9 * known_head


def test_a_linear_map_of_nothing_explains_nothing_and_of_the_truth_all() -> None:
    assert explained(lambda x, true: 3 * true + 1).min() > 0.999
    assert explained(lambda x, true: torch.zeros(len(x), 1, 2)).max() < 0.02
    assert all(0.2 < row.other < 0.35 for row in discs.explained(0, 1, 1).values())  # discs move together


def test_a_detector_learns_from_labels() -> None:
    made = parts.whole(16, "train", 77)  # those that it learns from
    before, after = (_landmarked.errors(landmark_detector.taught_by_labels(16, steps).keypoints(made.images), made,
                                         faces.hard_examples(made))[0] for steps in (0, 25))
    assert after < 0.7 * before
