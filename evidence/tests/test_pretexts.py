"""The trials of chapter 2: what they learn from, that each route begins alike, and what is measured."""

import pytest
import torch

from evidence import pretexts
from tests.helpers import smaller
from u3course.worlds.decathlon import Domain
from u3lab.selfsup import LAYERS


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Few faces, labels and steps; what was made of others is forgotten, before and after."""
    asked = tuple((split, count // 25, seed) for split, count, seed in pretexts.ASKED)
    split, _, seed = pretexts.FACES
    values = {pretexts: {"FACES": (split, 40, seed), "ASKED": asked, "WIDTH": 2, "BATCH": 8}}
    with smaller(monkeypatch, values, pretexts.unlabelled, pretexts.raw, pretexts.questions):
        yield


def test_people_of_the_test_are_in_no_other_pictures(monkeypatch: pytest.MonkeyPatch):
    drawn, draw = [], pretexts.faces.draw

    def noted(*given: object, **how: object) -> object:
        drawn.append(draw(*given, **how))
        return drawn[-1]

    monkeypatch.setattr(pretexts.faces, "draw", noted)
    pretexts.unlabelled("faces")
    (train, _), (val, _), (test, _) = pretexts.questions("faces")[0]
    people = {id(made.images): set(made.identities.tolist()) for made in drawn}
    learnt, *asked = (people[id(images)] for images in (pretexts.unlabelled("faces"), train, val, test))
    assert len(set.union(learnt, *asked)) == sum(map(len, (learnt, *asked)))
    assert asked[2] == {one for one in set.union(learnt, *asked) if one % 2}  # odd ones are held out


def test_textures_are_asked_about_in_the_order_of_the_splits(monkeypatch: pytest.MonkeyPatch):
    def load(name: str, split: str = "train", each: int = 1) -> Domain:
        number = pretexts.SPLITS.index(split)
        return Domain(torch.full((4, 3, 8, 8), float(number)), torch.full((4,), number), ())

    monkeypatch.setattr(pretexts.decathlon, "load", load)
    (question,) = pretexts.questions("textures")
    assert [(int(images.mean()), int(labels[0])) for images, labels in question] == [(0, 0), (1, 1), (2, 2)]
    assert (pretexts.unlabelled("textures") == 0).all()


def test_few_are_as_many_of_each_class_and_others_for_each_seed():
    labels = torch.tensor([0] * 9 + [1] * 7)
    chosen = [pretexts.few_of_each(labels, 5, seed) for seed in (0, 1)]
    assert all(labels[one].bincount().tolist() == [5, 5] for one in chosen)
    assert set(chosen[0].tolist()) != set(chosen[1].tolist())


def test_each_route_begins_with_the_same_weights(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pretexts.selfsup, "pretrain", lambda *given, **how: iter((None,)))
    monkeypatch.setattr(pretexts, "falling", lambda steps, settings: steps)
    firsts = [next(pretexts.learnt(task, "faces", 3, steps=1).parameters())
              for task in (pretexts.FLOOR, pretexts.CEILING, "upright")]
    assert all(torch.equal(one, firsts[0]) for one in firsts)


@pytest.mark.parametrize("task", ["upright", "contrast", pretexts.CEILING])
def test_a_route_is_learnt_and_measured(task: str):
    net = pretexts.learnt(task, "faces", 0, steps=2)
    found = pretexts.probed(lambda: net, "faces", task, 5, 0)
    assert [run.layer for run in found] == list(LAYERS)
    assert all(0.2 < share < 0.9 for right in found.values() for share in right)


def test_the_supervised_route_knows_all_answers():
    images, answers = pretexts.labelled("faces")
    assert answers.shape == (48, 6) and set(answers.unique().tolist()) == {0, 1}
    assert torch.equal(answers[:, 2], pretexts.questions("faces")[2].train[1])
    assert torch.equal(images, pretexts.questions("faces")[0].train[0])


def test_the_supervised_loss_is_the_mean_over_the_questions():
    _, answers = pretexts.labelled("faces")
    scores = torch.randn(len(answers), 12, generator=torch.Generator().manual_seed(0))
    by_hand = [-scores[:, 2 * k : 2 * k + 2].log_softmax(1)[range(len(answers)), answers[:, k]].mean()
               for k in range(6)]
    task = pretexts.supervised("faces")
    assert torch.allclose(task.loss(scores, answers)["cross-entropy"], torch.stack(by_hand).mean())
