"""The loop of all trainings: its rates, its settings, and what a run does that goes on."""

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from u3lab.descent import Step, last
from u3lab.landmarks import AutoencodeSettings, LabelSettings, PoseSettings
from u3lab.selfsup import ClusterSettings, PretextSettings, SegmentSettings
from u3lab.settings import fields
from u3lab.training import loop
from u3lab.training.loop import Checkpoint, train
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


def run(weight: torch.Tensor, steps: int, path: Path, begun: list[int], seen: list[int]) -> Iterator[Step]:
    def energy(step: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        seen.append(step)
        return weight, {"away": (weight - step).square().sum()}

    return train([weight], energy, steps=steps, rate=lambda step: 0.1 / (1 + step), begin=lambda: begun.append(1),
                 checkpoint=Checkpoint.at(path), state=lambda: {"weight": weight.detach()}, facts={"what": "a test"})


def test_a_run_that_goes_on_counts_on_and_does_not_begin_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "EVERY", 2)
    whole, again, other = (torch.zeros(3).requires_grad_() for _ in range(3))
    begun, seen = [], []
    last(run(whole, 7, tmp_path / "whole", begun, seen))
    assert begun == [1] and seen == list(range(8))
    for step in run(again, 7, tmp_path / "state", begun, seen):
        if step.iteration == 5:  # kept at 4
            break
    on = list(run(other, 7, tmp_path / "state", begun, seen))
    assert [step.iteration for step in on] == [4, 5, 6, 7] and begun == [1, 1]
    assert torch.equal(other, whole)
