"""The trials of chapter 1: what they learn from, how they are summed up; and the diagram."""

import math
from types import SimpleNamespace

import pytest
import torch

from u3lab import nets
from u3lab.lessons.universal import figures as diagram
from u3lab.lessons.universal import trials
from u3lab.lessons.universal.trials import Run
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


def test_the_mean_of_a_seed_is_over_domains_at_each_ones_chosen_rate():
    rows = {Run("digits", "features", 20, 0, 0.1): (0.5, 0.6), Run("digits", "features", 20, 0, 0.2): (0.4, 0.9),
            Run("digits", "features", 20, 1, 0.1): (math.nan, 0.8), Run("people", "features", 20, 0, 0.3): (0.7, 0.2),
            Run("people", "features", 20, 1, 0.3): (math.nan, 0.4)}
    assert trials.means(rows, 20)["features"] == pytest.approx([0.4, 0.6])


def test_fine_tuning_has_250_points_a_domain():
    """E_max = 2 · .25; features: 1000 (1 − E / .5)² with E = .6 and .4."""
    found = trials.scores(ROWS, 20)
    assert found["fine-tuning"] == [pytest.approx(250)] * 2
    assert found["features"] == [0, pytest.approx(1000 * (1 - 0.4 / 0.5) ** 2)]


def test_the_diagram_is_a_picture_with_words():
    figure = diagram.adapters()
    assert figure.data[:4] == b"\x89PNG" and "parallel" in figure.alt.lower()
