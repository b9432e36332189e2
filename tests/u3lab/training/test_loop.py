"""What all trainings have: their rates, their settings, an energy of the step, and which pictures a step sees."""

import dataclasses
import math

import pytest
import torch

from tests.helpers import rates_of_adam
from u3lab.descent import Step, train
from u3lab.landmarks import AutoencodeSettings, LabelSettings, PoseSettings
from u3lab.selfsup import ClusterSettings, PretextSettings, SegmentSettings
from u3lab.settings import fields
from u3lab.training import loop
from u3lab.training.loop import Batches
from u3lab.universal import LearnetSettings, TasksSettings, UniversalSettings

EVERY = [AutoencodeSettings, LabelSettings, PoseSettings, ClusterSettings, PretextSettings, SegmentSettings,
         LearnetSettings, TasksSettings, UniversalSettings]


def test_the_last_step_of_a_cosine_is_a_hundredth():
    assert loop.cosine(1.0, 0, 10) == pytest.approx(1) and loop.cosine(1.0, 10, 10) == pytest.approx(0.01)


def test_an_annealed_rate_falls_along_half_a_cosine_and_follows_the_slider():
    chosen = PretextSettings(lr=0.01, steps=9)
    rate = loop.annealed(chosen)
    assert [rate(n) for n in (0, 5)] == pytest.approx([0.01, 0.005]) and rate(9) == pytest.approx(
        0.01 * (1 + math.cos(0.9 * math.pi)) / 2)
    chosen.lr = 0.02
    assert rate(5) == pytest.approx(0.01)
    assert loop.annealed(PretextSettings(lr=1e-5, steps=9))(9) == loop.SLOWEST


def test_a_falling_rate_is_a_straight_line_from_the_first():
    chosen = PretextSettings(lr=0.01, steps=4)
    seen = [chosen.lr for _ in loop.falling((Step(n, 0.0, torch.zeros(()), {}) for n in range(5)), chosen)]
    assert seen == pytest.approx([0.01, 0.0075, 0.005, 0.0025, loop.SLOWEST])


@pytest.mark.parametrize("kind", EVERY)
def test_what_all_trainings_have_is_read_when_it_is_said(kind):
    known = fields(kind)
    assert not known["lr"].once and known["lr"].scale == "log" and known["lr"].symbol == "η"
    assert all(known[name].once for name in ("steps", "batch_size", "seed"))
    assert dataclasses.asdict(kind())["seed"] == 0 and known["seed"].help.startswith("seed of the ")


def test_energy_and_rate_are_those_of_the_step():
    weight, asked = torch.zeros(()).requires_grad_(), []

    def energy(step: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        asked.append(step)
        return weight, {"away": (weight - step) ** 2}

    with rates_of_adam() as rates:
        steps = list(train([weight], energy, steps=3, rate=lambda step: 0.1 / (1 + step)))
    assert asked == [step.iteration for step in steps] == [0, 1, 2, 3]
    assert rates == pytest.approx([0.1, 0.05, 0.1 / 3])


def test_each_epoch_has_each_picture_once():
    batches = Batches(10, 4, seed=0)
    seen = torch.cat([batches.at(step) for step in range(10)])
    assert all(sorted(seen[k : k + 10].tolist()) == list(range(10)) for k in range(0, 40, 10))
    assert seen[:10].tolist() != seen[10:20].tolist()
    assert torch.equal(Batches(10, 4, seed=0).at(7), batches.at(7)), "a function of seed and step"
    assert not torch.equal(torch.cat([Batches(10, 4, seed=1).at(step) for step in range(3)]), seen[:12])


def test_more_at_a_step_than_there_are_pictures():
    few = Batches(3, 8, 0)
    assert torch.cat([few.at(step) for step in range(3)]).view(8, 3).sort(1).values.equal(torch.arange(3).repeat(8, 1))
