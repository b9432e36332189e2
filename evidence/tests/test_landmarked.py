"""Made faces whose landmarks are known: who they are, what is hard, what is certain; and the shipped labellers."""

from types import SimpleNamespace

import pytest
import torch

from evidence import _landmarked, _parts
from tests.helpers import smaller
from u3course.lessons.landmarks import trials
from u3course.worlds import faces
from u3lab.landmarks import landmark_error


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Few faces; what was made of others is forgotten, before and after."""
    values = {_landmarked: {"LABELLED": 30, "TEST": 12}, trials: {"PART": 6}}
    with smaller(monkeypatch, values, _landmarked.marked, _landmarked.before_photos):
        yield


def test_a_stock_has_two_pictures_of_each_person():
    made, fronts = trials.stock("cat", 1, 12)  # in parts of six
    assert len(made.face) == len(fronts) == 12 and made.face.dtype == torch.uint8
    assert torch.equal(made.identities[::2], made.identities[1::2]) and len(made.identities.unique()) == 6


def test_who_is_tested_on_is_nobody_that_was_learnt_from_or_marked(monkeypatch: pytest.MonkeyPatch):
    """Odd people are held out."""
    learnt = trials.stock("person", 0, 12).layers
    for known, tested in (_landmarked.marked("person"), [made for made, _ in _parts.marked(0.02)]):
        assert (tested.identities % 2 == 1).all() and not (torch.cat([known.identities, learnt.identities]) % 2).any()
    made: list[faces.Layers] = []
    layers = faces.layers
    monkeypatch.setattr(_landmarked.faces, "layers",
                        lambda *given, **how: made.append(layers(*given, **how)) or made[-1])
    _landmarked.before_photos("person")
    assert len(made) == 1 and (made[0].identities % 2 == 1).all()


def test_a_face_is_looked_for_in_the_next_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trials, "match", lambda codes, others, true: SimpleNamespace(best=(codes, others, true)))
    tested = _landmarked.marked("person")[1]
    numbers, points = torch.arange(12), trials.points(tested)
    (codes, others, asked), true = trials.matched(numbers, tested)
    assert torch.equal(codes, numbers) and torch.equal(others, numbers.roll(-1)) and torch.equal(asked, points)
    assert torch.equal(true, points[[*range(1, 12), 0]])


def test_the_hard_ones_are_counted_by_themselves():
    known, tested = _landmarked.marked("person")
    hard = faces.hard_examples(tested)
    wrong = trials.points(tested) + hard[:, None, None] * 0.1
    every, of_hard = _landmarked.errors(wrong, tested, hard)
    assert of_hard == pytest.approx(every * len(hard) / int(hard.sum())) and of_hard > 0


def test_who_knows_the_face_tells_it_from_the_background() -> None:
    _, covered = _landmarked.before_photos("person")
    assert _landmarked.told_apart(covered, "person") == 1
    assert _landmarked.told_apart(torch.ones(1, 32, 32), "person") == 0.5


@pytest.mark.parametrize("which, kind", [("person", "person"), ("cat", "cat")])
def test_the_shipped_labellers_find_landmarks_on_strangers(which: str, kind: str):
    net, tested = trials.taught(which), _landmarked.marked(kind)[1]
    found, true = trials.matched(trials.codes(net, tested.images), tested)
    assert (landmark_error(found, true, trials.EYES) <= 25).double().mean() > 0.6
    assert not net.training and not any(weight.requires_grad for weight in net.parameters())
