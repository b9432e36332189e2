"""The trials of chapter 3, on a labeller that knows the answer and on one that knows nothing."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from u3lab.landmarks.places import cells
from u3lab.lessons.landmarks import trials
from u3lab.worlds import faces


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Few faces and labels; what was made of others is forgotten, before and after."""
    for name, value in {"LABELLED": 30, "TEST": 12, "LABELS": (1, 30), "PART": 6}.items():
        monkeypatch.setattr(trials, name, value)
    cached = (trials.marked, trials.before_photos)
    for one in cached:
        one.cache_clear()
    yield
    for one in cached:
        one.cache_clear()


RUN = trials.Run("person", "labelling", 2, 0, "regression", 30)


class Knows(nn.Module):
    """Finds each face again by its look, and has codes that tell where a cell is in the frame of its landmarks."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = {}
        for made in trials.marked("person"):
            for image, points in zip(made.images, trials.points(made), strict=True):
                self.seen[image.sum().item()] = points

    def forward(self, images: Tensor) -> Tensor:
        """The square of the distance from a landmark, turned round, for each of eight: eight maps with sharp peaks."""
        found = []
        for image in images:
            apart = torch.cdist(cells(torch.zeros(32, 32)), self.seen[image.sum().item()])
            found.append((-40 * apart.square()).exp().T.view(-1, 32, 32))
        return 8 * torch.stack(found)


def test_who_knows_the_landmarks_has_hardly_an_error(monkeypatch):
    monkeypatch.setattr(trials, "certain", lambda net, kind: 0.5)
    monkeypatch.setattr(trials, "sphere", lambda count, length: 8 * torch.eye(8))
    rows = dict(trials.measured(Knows(), RUN))
    value = {(run.measure, run.labels): value for run, value in rows.items()}
    assert list(value) == [("transfer", 1), ("transfer", 30), ("regression", 30), ("matching", 0), ("certainty", 0)]
    shape = trials.mean_shape("person")[0]
    assert value["transfer", 1][0] < 0.25 * shape and value["regression", 30][0] < 0.25 * shape
    assert value["matching", 0][0] > 0.95


def test_random_weights_know_nothing():
    net, steps = trials.learnt("random weights", "person", 0, 0)
    assert not list(steps)
    rows = {run.measure: value for run, value in trials.measured(net, RUN)}
    assert rows["regression"][0] > 0.7 * trials.mean_shape("person")[0] and rows["matching"][0] < 0.2
    assert 0 <= rows["certainty"][0] <= 1


def test_the_same_seed_teaches_the_same_from_a_stock_of_different_faces():
    losses = [[step.loss for step in trials.learnt(way, "cat", seed, 2)[1]]
              for way, seed in (("labelling", 1), ("labelling", 1), ("labelling", 2), (trials.TURNING, 1))]
    assert losses[0] == losses[1] != losses[2] and len(losses[0]) == len(losses[3]) == 3 and losses[0] != losses[3]
    made, fronts = trials.stock("cat", 1, 12)  # in parts of six
    assert len(made.face) == len(fronts) == 12 and made.face.dtype == torch.uint8
    assert torch.equal(made.identities[::2], made.identities[1::2]) and len(made.identities.unique()) == 6


def test_the_hard_ones_are_counted_by_themselves():
    known, tested = trials.marked("person")
    hard = faces.hard(tested)
    wrong = trials.points(tested) + hard[:, None, None] * 0.1
    every, of_hard = trials.errors(wrong, tested, hard)
    assert of_hard == pytest.approx(every * len(hard) / int(hard.sum())) and of_hard > 0


def test_labels_alone_teach_a_network_too():
    assert 0 < trials.supervised("person", 0, 5, 3)[0] < 500


def test_the_shipped_table_has_what_the_notebook_reads_of_it():
    rows = trials.shipped()
    short = min(run.steps for run in rows if run.way == trials.TURNING and run.kind == "person")
    for way, seeds in ((trials.TURNING, 3), ("labelling", 3), (trials.TOGETHER, 3), (f"{trials.TURNING}, γ = 1", 1)):
        for measure, labels in (("matching", 0), ("certainty", 0), ("regression", 500), ("transfer", 1)):
            wanted = trials.Run("person", way, short, 0, measure, labels)
            assert sum(run._replace(seed=0) == wanted for run in rows) == seeds
    assert all(0 <= value < 150 for pair in rows.values() for value in pair)


def test_who_knows_the_face_tells_it_from_the_background() -> None:
    _, covered = trials.before_photos("person")
    assert trials.told_apart(covered, "person") == 1 and trials.told_apart(torch.ones(1, 32, 32), "person") == 0.5


@pytest.mark.parametrize("which, kind", [("person", "person"), ("cat", "cat")])
def test_the_shipped_labellers_find_landmarks_on_strangers(which: str, kind: str):
    net, tested = trials.taught(which), trials.marked(kind)[1]
    found, true = trials.matched(trials.codes(net, tested.images), tested)
    assert trials.share_within(found, true, trials.EYES) > 0.6
    assert not net.training and not any(weight.requires_grad for weight in net.parameters())
