"""The table of kinds on planted codes: a label that leaks, a swapped photograph or a swapped code shows."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.experiments import planted
from tests.experiments.test_planted_crops import drawn
from u3lab.datasets import photos
from u3lab.experiments import kinds as experiment
from u3lab.lessons.selfsup import crops

ODD = {code: 2 + n for n, code in enumerate((experiment.FLOOR, *experiment.AT, experiment.CONTRAST,
                                             experiment.CEILING))}  # code → the photo that looks like the other kind


def test_as_many_photographs_of_each_kind_judge():
    assert [photos.about(name).group for name in experiment.PHOTOS] == [
        kind for kind in experiment.KINDS for _ in range(experiment.COUNT)]
    assert set(experiment.PHOTOS) <= set(crops.names("test")) and experiment.COUNT > 2 * experiment.LABELLED


def test_the_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A photo that looks like the other kind is wrong, all others are right; of random weights in one seed only."""
    def coded(code: str, seed: int) -> Tensor:
        side = 2.0 * experiment.LABELS - 1
        side[ODD[code]] *= -1.0 if seed == 0 else 1.0
        return torch.stack([side, torch.zeros_like(side)], 1)

    monkeypatch.setattr(experiment, "coded", coded)
    table = planted.table(experiment, tmp_path)
    assert list(table) == [(code, seed) for code in ODD for seed in range(3 if code == experiment.FLOOR else 1)]
    for (code, seed), row in table.items():
        assert [n for n, share in enumerate(row.right.values()) if share < 0.5] == [ODD[code]] * (seed == 0)
        assert sorted(row.right.values())[2] == 1
    summary, one = experiment.summary(table), 100 / len(experiment.PHOTOS)
    assert summary["chance"] == {"right": 50}
    assert summary[experiment.FLOOR]["right"].value == pytest.approx(100 - one / 3, abs=0.3)
    gain = summary[experiment.CONTRAST]["gain"]
    assert gain.value == pytest.approx(one / 3 - one, abs=0.3) and gain.low < gain.value < gain.high
    assert summary[experiment.CONTRAST][f"less {experiment.BOTH}"].value == pytest.approx(0, abs=0.3)


def test_who_is_labelled_is_not_asked_about():
    """A code that names each photo alone tells nothing of the others."""
    codes = torch.eye(len(experiment.PHOTOS))
    shares = experiment.found(lambda code, seed: codes, "", 0, range(20)).right.values()
    assert sum(shares) / len(shares) <= 0.5


def test_a_photograph_is_coded_by_its_own_crops(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(crops, "crops", drawn)
    number = experiment.pictures.__wrapped__(48)[:, 0, 0, 0].view(len(experiment.PHOTOS), -1)
    every = crops.names("test")
    assert [set(row.tolist()) for row in number] == [{float(every.index(name))} for name in experiment.PHOTOS]
    assert number.shape[1] == sum(crops.EACH.values())
