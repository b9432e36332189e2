"""The tables of chapter 1's second sitting: what is read of them, and what a score means."""

from __future__ import annotations

import pytest
import torch

from u3lab import nets, results
from u3lab.experiments import learnet
from u3lab.lessons.universal import lighting, solids, trials
from u3lab.worlds import lights, rendered


def test_the_interval_is_students():
    found = trials.interval([1.0, 2.0, 3.0])
    assert found.value == pytest.approx(2) and found.high == pytest.approx(2 + 4.3027 / 3**0.5, abs=1e-4)


def test_a_sphere_is_painted_by_the_way_it_faces():
    """(n + 1) / 2: red grows to the right, green upwards; its own colour among the surfaces; edges are black."""
    scenes = rendered.scenes(20, seed=0)
    normals, kinds = scenes.labels["normals"], scenes.labels["segments"]
    n = int((kinds == rendered.KINDS.index("sphere")).sum((1, 2)).argmax())  # the largest
    y, x = (kinds[n] == rendered.KINDS.index("sphere")).nonzero().T
    painted = solids.painted("normals", normals[n])[:, y, x]
    assert painted[0, x.argmax()] > 0.8 > 0.2 > painted[0, x.argmin()]
    assert painted[1, y.argmin()] > 0.8  # rows count downwards
    sphere = torch.tensor(solids.COLOURS[rendered.KINDS.index("sphere")])
    assert torch.equal(solids.painted("segments", kinds[n])[:, y[0], x[0]], sphere)
    assert torch.equal(solids.painted("boundaries", torch.ones(1, 8, 64)), torch.zeros(3, 8, 64))


def test_scores_by_hand():
    truth = torch.tensor([[[0, 0], [1, 1]]])
    assert solids.score("segments", truth, truth) == pytest.approx(2 / 6)  # four kinds are not there and count nothing
    edges = torch.tensor([[[[1.0, 0], [0, 0]]]])
    assert solids.score("boundaries", edges * 0 + 1, edges) == pytest.approx(2 / 5)
    up, ahead = (torch.tensor(v).view(1, 3, 1, 1) for v in ([0.0, 1, 0], [0.0, 0, 1]))
    assert solids.score("normals", up, ahead) == pytest.approx(90, abs=1e-3)
    assert solids.score("label", torch.tensor([1, 2]), torch.tensor([1, 3])) == 0.5


def test_the_shipped_rivals_of_the_learnet_are_as_right_as_the_table_says():
    """Under one light, and without it: in half precision they name a picture or two of 200 otherwise at most."""
    nets_of, rows = lighting.rivals(nets.load("squeezenet1_1", device="cpu")), results.table("learnet")
    place = 3
    number = learnet.UNSEEN[place]
    x, y = lighting.seen(200, lights.light(number), split="test", close=True, seed=number)
    few = lighting.shots(lights.light(number), number, close=True)[0]
    assert set(nets_of) == {learnet.FROZEN, learnet.ONE, learnet.GREY}
    for way, net in nets_of.items():
        right = lighting.share_right(net, lighting.greyed(x, few) if way == learnet.GREY else x, y)
        assert right == pytest.approx(rows["close-ups", way, 0].right[place], abs=0.0101), way


def test_what_is_learnt_from_lies_on_other_photos_and_under_other_lights_than_what_is_asked(monkeypatch):
    def scenes(count: int, light: torch.Tensor, *, split: str, close: bool, seed: int) -> tuple[torch.Tensor, str]:
        return light, split

    monkeypatch.setattr(lighting.lights, "scenes", scenes)
    lit = lighting.world(learnet.LIGHTS, 1)
    assert {split for _, split in lit.values()} == {"train"}
    asked = [lights.light(number).tolist() for number in (*learnet.UNSEEN, *learnet.CHOSEN_BY)]
    assert all(light.tolist() not in asked for light, _ in lit.values())
    assert lighting.shots(lights.light(50), 0)[1] == "val"
    monkeypatch.setattr(solids.rendered, "scenes", lambda count, *, size, split="train", seed: split)
    assert solids.held_out.__wrapped__() == "test" and solids.seen.__wrapped__(0) == "train"


def test_sensitivity_is_of_lesions_and_specificity_of_healthy_squares(monkeypatch: pytest.MonkeyPatch):
    true, given = torch.tensor([1, 1, 1, 1, 0, 0]), torch.tensor([1, 1, 1, 0, 0, 1])
    monkeypatch.setattr(trials, "answers", lambda *_: (given, true))
    assert trials.rates(None, "brain lesions", "test") == (0.75, 0.5)


def test_the_table_says_of_the_new_patient_what_the_notebook_does():
    table = results.table("sensitivity")
    assert max(table["chest lesions", "test", seed].sensitivity for seed in range(20)) < 0.5
