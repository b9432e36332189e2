"""What chapter 3's tables are made by: pairs of a film, of faces and of chairs; trainings; and what is measured."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evidence import _landmarked, labellers, poses, rabbits, turned
from evidence._faces import people
from tests.helpers import smaller
from u3course.lessons.landmarks import frames, marked, pairs, trials
from u3course.worlds import faces, turntable
from u3lab import landmarks, results
from u3lab.landmarks.places import cells
from u3lab.nets import Classifier

CACHED = (_landmarked.marked, _landmarked.before_photos, poses.views, frames.tests)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch):
    """Few faces, chairs and labels; what was made of others is forgotten, before and after."""
    values = {_landmarked: {"LABELLED": 30, "TEST": 12, "LABELS": (1, 30)}, trials: {"STOCK": 12, "PART": 6},
              frames: {"VIEWS": 6, "HELD_OUT": 3},
              poses: {"THINGS": 4, "EACH": 3, "BATCH": 4}}
    with smaller(monkeypatch, values, *CACHED):
        yield


def test_who_is_declared_is_who_is_drawn(small: None) -> None:
    assert people("test", 9, 3).tolist() == faces.draw(3, split="test", seed=9, each=1).identities.tolist()
    stock = trials.stock("cat", 1, 12).layers.identities  # in parts of six pictures, two of each
    assert torch.cat([people("train", 200 + part, 6, each=2) for part in range(2)]).tolist() == stock[::2].tolist()


# ---- labellers

class Knows(nn.Module):
    """Finds each face again by its look, and has codes that tell where a cell is in the frame of its landmarks."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = {image.sum().item(): points for role in trials.TESTED for made in _landmarked.marked("person", role)
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


def test_faces_that_chose_have_no_part_in_what_judges() -> None:
    rows = results.table("labellers")
    spoilt = {run: type(row)(0.0, 0.0) if run.role == "choose" else row for run, row in rows.items()}
    whole, judged = (labellers.summary(some) for some in (rows, spoilt))
    assert whole != judged and any(column.endswith(labellers.CHOOSING) for of in whole.values() for column in of)
    assert all(judged[label][column] == value for label, of in whole.items() for column, value in of.items()
               if not column.endswith(labellers.CHOOSING))


def test_people_who_judge_had_no_part_before() -> None:
    roles = [set(people("test", seed, _landmarked.TEST).tolist()) for seed in trials.TESTED.values()]
    assert set(trials.TESTED) == {"choose", "judge", "fresh"} and len(set.union(*roles)) == 3 * _landmarked.TEST


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
    steps = list(poses.learn_told(net, made, landmarks.PoseSettings(steps=30, batch_size=16, lr=0.01)))
    assert steps[-1].loss < 0.6 * steps[0].loss and steps[-1].value < steps[0].value


def test_turns_across_pictures_are_of_two_upright_pictures() -> None:
    half = torch.zeros(2, 3, 32, 32)
    half[0, ..., 16:], half[1, ..., 16:] = 1, 0.5
    first, second, g = turned.across(half)(60, torch.Generator().manual_seed(0))
    along = torch.linspace(-1, 1, 32)
    ways = [torch.atan2(-(x[:, 0].sum(2) * along).sum(1), (x[:, 0].sum(1) * along).sum(1)) for x in (first, second)]
    assert torch.cos(ways[1] - ways[0] - torch.atan2(g[:, 1, 0], g[:, 0, 0])).min() > 0.99
    assert len({(float(a.amax()) > 0.8, float(b.amax()) > 0.8) for a, b in zip(first, second, strict=True)}) == 4
