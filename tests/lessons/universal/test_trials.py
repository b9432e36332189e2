"""The trials of chapter 1: what they learn from, how they are summed up; and the diagram."""

import math
from types import SimpleNamespace

import pytest
import torch

from u3lab import nets
from u3lab.experiments import adapters
from u3lab.lessons.universal import figures as diagram
from u3lab.lessons.universal import trials
from u3lab.lessons.universal.trials import Run
from u3lab.universal import PUBLISHED, decathlon_score
from u3lab.universal.score import DOMAINS
from u3lab.worlds import decathlon


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
    errors, baseline = (PUBLISHED[name].errors() for name in ("features", "fine-tuning"))
    ours, theirs = (1 - torch.tensor([each[name] for name in DOMAINS])[:, None] for each in (errors, baseline))
    assert float(trials.points(ours, theirs).sum()) == pytest.approx(decathlon_score(errors, baseline), rel=1e-4)


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
    assert found["features"] < found["low rank"] < found["parallel"] < found["last block"] < found["serial"] < 10
    net = nets.load("squeezenet1_1", device="cpu")
    dense = sum(m.in_channels * m.out_channels for m in net.module.modules()
                if isinstance(m, torch.nn.Conv2d) and m.kernel_size == (3, 3))
    body = sum(weight.numel() for weight in net.module.features.parameters())
    assert found["parallel"] == pytest.approx(1 + 10 * dense / body)


def test_the_diagram_is_a_picture_with_words():
    figure = diagram.adapters()
    assert figure.data[:4] == b"\x89PNG" and "parallel" in figure.alt.lower()
