"""What chapter 3's tables are made by: pairs of a film, of faces and of chairs; trainings; and what is measured."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab import landmarks, results
from u3lab.experiments import keypoints, labellers, landmark_detector, poses, rabbits, turned
from u3lab.experiments._faces import people
from u3lab.landmarks.places import cells
from u3lab.lessons.landmarks import frames, marked, pairs, parts, trials
from u3lab.lessons.selfsup import colouring
from u3lab.nets import Classifier, extract_features
from u3lab.selfsup.cielab import colours
from u3lab.worlds import faces, turntable
from u3lab.worlds.turntable.made import held_out

CACHED = (trials.marked, trials.before_photos, parts.marked, keypoints.stock, keypoints.chairs, keypoints.marked_chairs,
          poses.views, frames.tests)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch):
    """Few faces, chairs and labels; what was made of others is forgotten, before and after."""
    for module, values in {trials: {"LABELLED": 30, "TEST": 12, "LABELS": (1, 30), "STOCK": 12, "PART": 6},
                           parts: {"LABELLED": 12, "TEST": 8}, frames: {"VIEWS": 6, "HELD_OUT": 3},
                           keypoints: {"STOCK": 8, "LABELS": (5, 12), "BATCH": 2, "CHAIRS": 4,
                                       "MARKED": ((8, 30), (1001, 24))},
                           poses: {"THINGS": 4, "EACH": 3, "BATCH": 4}}.items():
        for name, value in values.items():
            monkeypatch.setattr(module, name, value)
    for one in CACHED:
        one.cache_clear()
    yield
    for one in CACHED:
        one.cache_clear()


def test_who_is_declared_is_who_is_drawn(small: None) -> None:
    assert people("test", 9, 3).tolist() == faces.draw(3, split="test", seed=9, each=1).identities.tolist()
    stock = trials.stock("cat", 1, 12).layers.identities  # in parts of six pictures, two of each
    assert torch.cat([people("train", 200 + part, 6, each=2) for part in range(2)]).tolist() == stock[::2].tolist()


# ---- labellers


class Knows(nn.Module):
    """Finds each face again by its look, and has codes that tell where a cell is in the frame of its landmarks."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = {image.sum().item(): points for role in trials.TESTED for made in trials.marked("person", role)
                     for image, points in zip(made.images, trials.points(made), strict=True)}

    def forward(self, images: Tensor) -> Tensor:
        """The square of the distance from a landmark, turned round, for each of eight: eight maps with sharp peaks."""
        found = [(-40 * torch.cdist(cells(torch.zeros(32, 32)), self.seen[image.sum().item()]).square()).exp()
                 for image in images]
        return 8 * torch.stack([one.T.view(-1, 32, 32) for one in found])


def test_who_knows_the_landmarks_has_hardly_an_error(small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labellers, "certain", lambda net, kind, role: 0.5)
    monkeypatch.setattr(labellers.landmarks, "sphere", lambda count, length: 8 * torch.eye(8))
    value = dict(labellers.of_codes(Knows(), "person", "labelling", "judge"))
    assert list(value) == labellers.measures("labelling") == [
        ("transfer", 1), ("transfer", 30), ("regression", 30), ("matching", 0), ("certainty", 0)]
    shape = labellers.mean_shape("person", "judge")[0]
    assert value["transfer", 1][0] < 0.25 * shape and value["regression", 30][0] < 0.25 * shape
    assert value["matching", 0][0] > 0.95 and value["certainty", 0] == (0.5, 0.5)


def test_random_weights_know_nothing(small: None) -> None:
    net, steps = labellers.learnt("random weights", "person", 0, 0)
    assert not list(steps)
    value = dict(labellers.of_codes(net, "person", "random weights", "choose"))
    assert value["regression", 30][0] > 0.7 * labellers.mean_shape("person", "choose")[0]
    assert value["matching", 0][0] < 0.2
    assert 0 <= value["certainty", 0][0] <= 1


def test_the_same_seed_teaches_the_same_from_a_stock_of_different_faces(small: None) -> None:
    losses = [[step.loss for step in labellers.learnt(way, "cat", seed, 2)[1]]
              for way, seed in (("labelling", 1), ("labelling", 1), ("labelling", 2), (labellers.TURNING, 1))]
    assert losses[0] == losses[1] != losses[2] and len(losses[0]) == len(losses[3]) == 3 and losses[0] != losses[3]


def test_all_that_ships_is_an_error_in_per_cent_or_a_share() -> None:
    for run, row in results.table("labellers").items():
        assert all(0 <= value < (1 if run.measure in ("matching", "certainty") else 150) for value in row)


def test_labels_alone_teach_a_network_too(small: None) -> None:
    assert 0 < labellers.of_maps(labellers.supervised("person", 0, 5, 3), "person", "judge")[0] < 500


@pytest.mark.parametrize("experiment", [labellers, keypoints])
def test_faces_that_chose_have_no_part_in_what_judges(experiment: ModuleType) -> None:
    rows = results.table(experiment.TABLE.name)
    spoilt = {run: type(row)(0.0, 0.0) if run.role == "choose" else row for run, row in rows.items()}
    whole, judged = (experiment.summary(some) for some in (rows, spoilt))
    assert whole != judged and any(column.endswith(labellers.CHOOSING) for of in whole.values() for column in of)
    assert all(judged[label][column] == value for label, of in whole.items() for column, value in of.items()
               if not column.endswith(labellers.CHOOSING))


def test_people_who_judge_are_not_those_that_chose() -> None:
    chose, judge = (set(people("test", trials.TESTED[role], trials.TEST).tolist()) for role in ("choose", "judge"))
    assert len(chose) == len(judge) == trials.TEST and not chose & judge


# ---- rabbits


def test_the_run_that_was_added_has_no_part_in_the_summary() -> None:
    rows = results.table("rabbits")
    added, = (run for run in rows if run.steps > rabbits.STEPS)
    assert rabbits.summary(rows) == rabbits.summary({run: row for run, row in rows.items() if run != added})


@pytest.fixture
def moving(monkeypatch: pytest.MonkeyPatch) -> None:
    """A blurred noise that goes two pixels to the right and one down in each of eight frames."""
    canvas = F.avg_pool2d(torch.rand(1, 3, 168, 168, generator=torch.Generator().manual_seed(0)), 5, 1, 2)
    shown = torch.cat([canvas[..., 20 - t : 148 - t, 20 - 2 * t : 148 - 2 * t] for t in range(8)])
    step = torch.tensor([2.0, 1.0]).view(1, 2, 1, 1).expand(7, 2, 128, 128)
    monkeypatch.setattr(marked, "frames", lambda: shown)
    monkeypatch.setattr(rabbits, "flows", lambda *_: (step, -step))


def test_points_are_led_as_far_as_the_flow_says_and_lost_where_it_does_not_come_back(moving: None, monkeypatch) -> None:
    points, start = torch.tensor([[[0.0, 0.5]], [[-0.5, 0.0]]]), torch.tensor([0, 3])
    assert torch.allclose(rabbits.tracked(points, start, 4), points + torch.tensor([8.0, 4.0]) / 64)
    there, _ = rabbits.flows()
    monkeypatch.setattr(rabbits, "flows", lambda *_: (there, there))
    assert (rabbits.tracked(points, start, 4) == pairs.AWAY).all()


def test_pairs_show_the_same_colours_where_points_are_said_to_go(moving: None) -> None:
    x, gx, u, gu = rabbits.of_film(3)(4, torch.Generator().manual_seed(0))
    assert x.shape == gx.shape == (4, 3, 64, 64) and u.shape == gu.shape == (4, 1024, 2)
    stays = (gu.abs() < 0.95).all(-1) & (u.abs() < 0.95).all(-1)
    a, b, c = (F.grid_sample(one, at[:, :, None], align_corners=False)[..., 0].transpose(1, 2)[stays]
               for one, at in ((x, u), (gx, gu), (gx, u)))
    assert stays.double().mean() > 0.3 and (a - b).abs().mean() < 0.5 * (a - c).abs().mean()


def test_who_follows_the_flow_of_a_film_that_stands_still_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    still = torch.zeros(131, 2, 128, 128)
    monkeypatch.setattr(rabbits, "flows", lambda *_: (still, still))
    first, second, points, _ = marked.between()
    assert torch.equal(rabbits.followed(), points)
    monkeypatch.setattr(rabbits, "flows", lambda *_: (still + 0.5, still))
    assert torch.allclose(rabbits.followed() - points, ((second - first) / 128)[:, None, None].expand(-1, 3, 2),
                          atol=1e-5)


def test_it_learns_from_the_film(moving: None) -> None:
    _, steps = rabbits.learnt(rabbits.Run("labelling", 2, 2, 0))
    assert [step.iteration for step in steps] == [0, 1, 2]


# ---- poses


class Told(nn.Module):
    """Finds each picture again and says its rotation, after a turn of its own."""

    def __init__(self, made: turntable.Turntable, turns: Tensor) -> None:
        super().__init__()
        self.images, self.codes = made.images, (made.rotations @ turns)[:, :, :2].mT.flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        return self.codes[torch.cdist(x.flatten(1), self.images.flatten(1)).argmin(1)][..., None, None]


def test_zero_is_that_of_known_things() -> None:
    made, known = (turntable.draw("chair", 12, size=16, each=1, things=4, seed=seed) for seed in (2, 3))
    both = turntable.Turntable(*map(torch.cat, zip(known, made, strict=True)))
    one, four = (landmarks.as_rotation(torch.randn(count, 6, generator=torch.Generator().manual_seed(0)))
                 for count in (1, 4))
    common = poses.errors(Classifier(Told(both, one.expand(24, 3, 3)).eval(), size=16), known, made)
    assert max(map(max, common)) < 0.1
    each = poses.errors(Classifier(Told(both, four[both.instances]).eval(), size=16), known, made)
    assert torch.tensor(each.one).median() > 20 and max(each.own) < 0.1 and max(each.turns) < 0.1
    other = torch.cat([one.expand(12, 3, 3), four[:1].expand(12, 3, 3)])
    elsewhere = poses.errors(Classifier(Told(both, other).eval(), size=16), known, made)
    assert min(elsewhere.one) > 20 and max(elsewhere.own) < 0.1


def test_each_error_of_a_pose_has_a_column_of_its_own() -> None:
    """Two things 28° one way and two the other, and every second view of a thing 10° from the one before."""
    made = turntable.draw("chair", 16, size=16, each=1, things=4, seed=2)
    within = (made.instances[:, None] == made.instances).tril().sum(1)  # 1 for the first view of a thing, 2 …
    angle = torch.deg2rad(28.0 * (-1) ** made.instances + 5.0 * (-1) ** within)
    turns = torch.linalg.matrix_exp(angle[:, None, None] * torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 0]]))
    found = poses.errors(Classifier(Told(made, turns).eval(), size=16), made, made)
    one, own, between = map(torch.tensor, found)
    assert sorted(set(one.round().tolist())) == [23, 33]
    torch.testing.assert_close(own, torch.full((16,), 5.0), atol=0.05, rtol=0)
    torch.testing.assert_close(between, torch.full((16,), 10.0), atol=0.05, rtol=0)


def test_half_of_all_rotations_are_farther_than_132_degrees() -> None:
    drawn = landmarks.as_rotation(torch.randn(20_000, 6, generator=torch.Generator().manual_seed(0)))
    apart = landmarks.pose_error(drawn[:10_000], drawn[10_000:])
    assert poses.any_rotation() == pytest.approx(132.35, abs=0.01)
    assert float((apart > poses.any_rotation()).double().mean()) == pytest.approx(0.5, abs=0.02)


def test_a_median_is_resampled_by_things_and_by_trainings() -> None:
    same = torch.full((6, 4, 3), 5.0)
    assert poses.middle(same) == (5, 5, 5) and poses.middle(same + 2, same) == (2, 2, 2)
    things, seeds = same.clone(), same.clone()
    things[:3], seeds[..., 0] = 50, 50
    for uneven in (things, seeds):
        value, low, high = poses.middle(uneven)
        assert low == 5 and high == 50 and low <= value <= high


@pytest.mark.parametrize("way", [poses.TURNS, poses.POSES])
def test_a_short_training_and_what_it_is_tested_on(way: str, small: None) -> None:
    net, steps = poses.learnt(poses.Run(way, 0), 2)
    before = landmarks.poses(net, torch.rand(1, 3, 64, 64))
    assert [step.iteration for step in steps] == [0, 1, 2]
    assert not torch.equal(before, landmarks.poses(net, torch.rand(1, 3, 64, 64)))
    unknown, known = (frames.tests(tested).instances.tolist() for tested in ("unknown", "known"))
    assert unknown == [22, 23, 25] * 2 and set(known) <= set(range(22))


def test_who_is_told_every_pose_learns_it() -> None:
    made = turntable.draw("chair", 8, size=64, each=2, things=4)
    net = landmarks.pose_encoder(4)
    steps = list(poses.learn_told(net, made, None, landmarks.PoseSettings(steps=30, batch_size=16, lr=0.01)))
    assert steps[-1].loss < 0.6 * steps[0].loss and steps[-1].value < steps[0].value


def test_turns_across_pictures_are_of_two_upright_pictures() -> None:
    half = torch.zeros(2, 3, 32, 32)
    half[0, ..., 16:], half[1, ..., 16:] = 1, 0.5
    first, second, g = turned.across(half)(60, torch.Generator().manual_seed(0))
    along = torch.linspace(-1, 1, 32)
    ways = [torch.atan2(-(x[:, 0].sum(2) * along).sum(1), (x[:, 0].sum(1) * along).sum(1)) for x in (first, second)]
    assert torch.cos(ways[1] - ways[0] - torch.atan2(g[:, 1, 0], g[:, 0, 0])).min() > 0.99
    assert len({(float(a.amax()) > 0.8, float(b.amax()) > 0.8) for a, b in zip(first, second, strict=True)}) == 4


# ---- keypoints


def test_a_person_is_before_one_wall_or_before_two(small: None) -> None:
    one, two = (keypoints.stock(3, 8, walls=walls).float()[:, :, 0, 0].unflatten(0, (4, 2)) for walls in (1, 2))
    assert (one[:, 0] - one[:, 1]).abs().max() < 1 < 10 < (two[:, 0] - two[:, 1]).abs().max()
    assert torch.equal(one[:, 0], two[:, 0])


def test_what_compares_sees_lightness_as_the_network_that_colours_did() -> None:
    x = faces.draw(2, size=64).images
    net, layers = keypoints.gamma("colouring")
    encoder, _ = colouring.shipped()
    ours, theirs = extract_features(net, layers, x), extract_features(encoder, layers, colours(x)[0])
    for layer in layers:
        torch.testing.assert_close(ours[layer], theirs[layer], atol=1e-4, rtol=1e-4)
    assert keypoints.gamma("pixels") == (None, ()) and keypoints.gamma("squeezenet1_1")[0].layers[0] == "conv1"


@pytest.mark.parametrize("thing", ["person", "chair"])
def test_a_training_is_measured(thing: str, small: None) -> None:
    run = keypoints.Run(thing, "colouring", keypoints.K, 2, 0, "judge", "", 0)
    taught = [keypoints.learnt(run._replace(seed=seed)) for seed in (0, 0, 1)]
    model, before = taught[0][0], taught[0][0].generator[0].weight.clone()
    losses = [[step.loss for step in steps] for _, steps in taught]
    assert losses[0] == losses[1] != losses[2] and len(losses[0]) == 3
    assert not torch.equal(before, model.generator[0].weight)
    values = (keypoints.of_faces if thing == "person" else keypoints.of_chairs)(model)
    assert len(values) == len(keypoints.measures(thing, run.judge)) and all(0 < error < 200 for error, _ in values)
    assert next(keypoints.learnt(run._replace(steps=0))[1], None) is None


def test_the_tested_chairs_are_held_out() -> None:
    (first, marked), (other, tested) = keypoints.MARKED
    assert first == 2 * keypoints.CHAIRS and not any(map(held_out, range(first, first + 2 * marked, 2)))
    assert all(map(held_out, range(other, other + 2 * tested, 2)))


class Points(nn.Module):
    """Its keypoints are the true points of marked chairs."""

    def keypoints(self, images: Tensor) -> Tensor:
        return next(made.points for made in keypoints.marked_chairs(1.0) if torch.equal(made.images, images))


def test_who_knows_the_points_is_not_off(small: None) -> None:
    assert keypoints.of_chairs(Points())[0][0] < 0.3 < 2 < keypoints.of_chairs(None)[0][0] < 15


def test_the_shipped_points_tell_where_parts_of_unseen_chairs_are(small: None) -> None:
    model = parts.shipped("chair")
    untrained, _ = keypoints.learnt(keypoints.Run("chair", "", keypoints.K, 0, 0, "", "", 0))
    assert keypoints.of_chairs(model) < keypoints.of_chairs(untrained)
    assert torch.isfinite(model.generator[0].weight).all()


def test_discs_by_regression() -> None:
    model, steps = keypoints.learnt(keypoints.Run("discs", "pixels", 3, 1, 0, "judge", "", 0))
    found = keypoints.of_discs(model)
    assert len(list(steps)) == 2 and len(found) == 3 and max(found) < (0.9, 0.9)


def test_the_shipped_points_know_more_than_the_mean_shape() -> None:
    (*_, (error, _)), ((shape, _),) = (keypoints.of_faces(model, 0.15) for model in (parts.shipped(), None))
    assert error < 0.9 * shape


def test_a_detector_learns_from_labels() -> None:
    made = parts.drawn(16, "train", 77)  # those that it learns from
    before, after = (trials.errors(landmark_detector.taught_by_labels(16, steps).keypoints(made.images), made,
                                   faces.hard_examples(made))[0] for steps in (0, 25))
    assert after < 0.7 * before
