"""Chapter 1: what trials learn from, how they are summed up, what a score means; and the diagram."""

import math
from types import SimpleNamespace

import pytest
import torch

from evidence import _solids, adapters, learnet
from evidence import _trials as trials
from tests.u3lab.universal.published import errors
from u3course.lessons.universal import figures as diagram
from u3course.lessons.universal import lighting, solids
from u3course.lessons.universal.trials import Run
from u3course.worlds import decathlon, lights, rendered
from u3lab import nets, results
from u3lab.universal import decathlon_score


def test_few_are_as_many_of_each_class_and_others_for_each_seed():
    x, y = trials.training_subset("motion", 5, 0)
    assert x.shape == (50, 3, 96, 96) and y.bincount().tolist() == [5] * 10
    again, other = trials.training_subset("motion", 5, 0)[0], trials.training_subset("motion", 5, 1)[0]
    assert torch.equal(x, again) and not torch.equal(x, other)
    every, _ = trials.training_subset("motion", 100, 0)
    assert len(every) == len(decathlon.load("motion").labels)


def test_each_network_gets_pictures_of_its_size():
    assert trials.side("squeezenet1_1") == trials.SIDE == 96
    x, _ = trials.training_subset("motion", 1, 0, trials.side("resnet26_half"))
    assert x.shape == (10, 3, 64, 64) and (x[0] == decathlon.load("motion").images).flatten(1).all(1).any()
    net = nets.load("resnet26_half", device="cpu", fold=False)
    assert trials.side(trials.begin(net, Run("people", "features", 5, 0, 0.01)).name) == 64


def test_a_run_trains_a_domain_and_its_rate_falls():
    run = Run("people", "features", 5, 0, 0.01)
    net = trials.begin(nets.load(device="cpu"), run)
    assert net.used == ("people",)
    before = trials.accuracy(net, "people", "val")
    losses = [step.loss for step in trials.train(net, run, steps=60)]
    assert len(losses) == 61 and losses[-1] < 0.8 * losses[0]
    assert before == 0.5 and trials.accuracy(net, "people", "val") > 0.5
    given, true = trials.answers(net, "people", "val")
    assert (given == true).double().mean() == trials.accuracy(net, "people", "val")


def test_a_split_is_asked_about_its_own_pictures_and_learnt_are_those_to_train_on(monkeypatch: pytest.MonkeyPatch):
    """Pictures as bright as the number of their split, which is their class."""
    def load(name: str, split: str = "train", **_: object) -> SimpleNamespace:
        number = ("train", "val", "test").index(split)
        return SimpleNamespace(images=torch.full((6, 3, 64, 64), number / 2), labels=torch.full((6,), number))

    class Net(torch.nn.Module):
        name, device = "squeezenet1_1", "cpu"

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.one_hot((2 * x[:, 0, 0, 0]).long(), 3)

    monkeypatch.setattr(trials.decathlon, "load", load)
    for number, split in enumerate(("train", "val", "test")):
        given, true = trials.answers(Net(), "digits", split)
        assert given.tolist() == true.tolist() == [number] * 6
    pictures, labels = trials.training_subset("digits", 3, 0)
    assert (pictures == 0).all() and labels.tolist() == [0] * 3


ROWS = {Run("a", "features", 20, 0, 0.001): (0.5, 0.4), Run("a", "features", 20, 0, 0.01): (0.5, 0.9),
        Run("a", "features", 20, 0, 0.1): (0.3, 0.8), Run("a", "features", 20, 1, 0.001): (math.nan, 0.6),
        Run("a", "fine-tuning", 20, 0, 0.1): (0.7, 0.75), Run("a", "fine-tuning", 20, 1, 0.1): (math.nan, 0.75)}


def test_validation_chooses_the_rate_and_the_least_of_the_best():
    assert trials.chosen_rate(ROWS, "a", "features") == 0.001  # whatever the test says
    cell = trials.summary(ROWS)["a", "features", 20]
    assert cell == (pytest.approx(0.5), 0.4, 0.6, 0.001) and cell.bar == cell[:3]


def test_accuracies_are_by_domain_and_seed_at_each_domains_chosen_rate():
    rows = {Run("digits", "features", 20, 0, 0.1): (0.5, 0.6), Run("digits", "features", 20, 0, 0.2): (0.4, 0.9),
            Run("digits", "features", 20, 1, 0.1): (math.nan, 0.8), Run("people", "features", 20, 0, 0.3): (0.7, 0.2),
            Run("people", "features", 20, 1, 0.3): (math.nan, 0.4)}
    assert trials.accuracies(rows, 20)["features"].tolist() == [[0.6, 0.8], [0.2, 0.4]]


def test_points_are_the_decathlons():
    """E_max = 2 · .25; features: 1000 (1 − E / .5)² with E = .6 and .4."""
    right = trials.accuracies(ROWS, 20)
    assert trials.points(right["fine-tuning"], right["fine-tuning"]).tolist() == [[pytest.approx(250)] * 2]
    assert trials.points(right["features"], right["fine-tuning"]).tolist() == [
        [0, pytest.approx(1000 * (1 - 0.4 / 0.5) ** 2)]]
    reached, baseline = errors("features"), errors("fine-tuning")
    ours, theirs = (1 - torch.tensor(list(each.values()))[:, None] for each in (reached, baseline))
    assert float(trials.points(ours, theirs).sum()) == pytest.approx(decathlon_score(reached, baseline), rel=1e-4)


def test_the_long_table_has_the_domains_in_their_order():
    """The notebook takes their names by number."""
    assert list(dict.fromkeys(run.domain for run in trials.rows_of("squeezenet1_1"))) == decathlon.names()


def test_the_interval_is_over_domains_and_over_the_seeds_of_each():
    same = adapters.over_both(torch.tensor([[0.2, 0.2], [0.6, 0.6]]).double())
    assert same == (pytest.approx(0.4), pytest.approx(0.2), pytest.approx(0.6))  # both, or one of them twice
    one = adapters.over_both(torch.tensor([[0.2, 0.6]]).double())
    assert one == (pytest.approx(0.4), pytest.approx(0.2), pytest.approx(0.6))


def test_weights_are_counted_for_ten_domains():
    found = adapters.networks()
    assert found["scratch"] == found["fine-tuning"] == 10 and found["features"] == 1
    net = nets.load("squeezenet1_1", device="cpu")
    dense = sum(m.in_channels * m.out_channels for m in net.module.modules()
                if isinstance(m, torch.nn.Conv2d) and m.kernel_size == (3, 3))
    body = sum(weight.numel() for weight in net.module.features.parameters())
    assert found["parallel"] == pytest.approx(1 + 10 * dense / body)


def test_the_diagram_is_a_picture_with_words():
    figure = diagram.adapters()
    assert figure.data[:4] == b"\x89PNG" and "parallel" in figure.alt.lower()


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
    assert _solids.score("segments", truth, truth) == pytest.approx(2 / 6)  # four kinds are not there and count nothing
    edges = torch.tensor([[[[1.0, 0], [0, 0]]]])
    assert _solids.score("boundaries", edges * 0 + 1, edges) == pytest.approx(2 / 5)
    up, ahead = (torch.tensor(v).view(1, 3, 1, 1) for v in ([0.0, 1, 0], [0.0, 0, 1]))
    assert _solids.score("normals", up, ahead) == pytest.approx(90, abs=1e-3)
    assert _solids.score("label", torch.tensor([1, 2]), torch.tensor([1, 3])) == 0.5


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
    monkeypatch.setattr(_solids.rendered, "scenes", lambda count, *, size, split="train", seed: split)
    assert _solids.held_out.__wrapped__() == "test" and _solids.seen.__wrapped__(0) == "train"


def test_sensitivity_is_of_lesions_and_specificity_of_healthy_squares(monkeypatch: pytest.MonkeyPatch):
    true, given = torch.tensor([1, 1, 1, 1, 0, 0]), torch.tensor([1, 1, 1, 0, 0, 1])
    monkeypatch.setattr(trials, "answers", lambda *_: (given, true))
    assert trials.rates(None, "brain lesions", "test") == (0.75, 0.5)


def test_the_table_says_of_the_new_patient_what_the_notebook_does():
    table = results.table("sensitivity")
    assert max(table["chest lesions", "test", seed].sensitivity for seed in range(20)) < 0.5
