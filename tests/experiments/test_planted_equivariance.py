"""Chapter 6c's tables on planted truths: answers and errors that tell the guess, the layer, and the pictures."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from tests.experiments import planted
from u3lab.experiments import _squares, joints, moving
from u3lab.lessons.equivariance.transforms import GUESSES, LAYERS, TRANSFORMS

FIT, TEST, EACH = torch.zeros(2, 3, 8, 8), torch.linspace(0.1, 0.9, 8).view(8, 1, 1, 1).expand(8, 3, 8, 8), 2


def squares(plan, side: int) -> tuple[Tensor, Tensor, int]:
    plan.fit(squares=FIT)
    plan.judge(squares=TEST)
    return FIT, TEST, EACH


def test_moving(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Fitted on the squares to fit on, judged on the others; each guess has its own error and its own answers."""
    known = {"nothing": 2, "moved": 4, "mapped": 6}  # of eight squares, so many answers are the recomputed ones
    monkeypatch.setattr(_squares, "fit_and_judge", squares)
    monkeypatch.setattr(moving.nets, "load", lambda name: name)

    def fit(net: str, layer: str, pictures: Tensor, g: object, **how: object) -> SimpleNamespace:
        assert net == moving.NETWORK and pictures is FIT
        number = LAYERS.index(layer) + 10 * list(TRANSFORMS.values()).index(g)
        return SimpleNamespace(number=number + 100 * (list(moving.SPARSE.values()).index(how) + 1 if how else 0))

    def errors(found: SimpleNamespace, pictures: Tensor) -> SimpleNamespace:
        assert set(pictures[:, 0, 0, 0].tolist()) <= set(TEST[:, 0, 0, 0].tolist())
        mapped = 1.0 if len(pictures) < len(TEST) and pictures[0, 0, 0, 0] > 0.5 else 0.1  # better in half of them
        return SimpleNamespace(overall=lambda: (3.0 + found.number, 0.5, mapped), invariant=lambda: found.number / 1000)

    def answers(found: SimpleNamespace, pictures: Tensor) -> dict[str, Tensor]:
        right = {name: (torch.arange(8) < count).long() for name, count in {**known, "recomputed": 8}.items()}
        return {name: torch.nn.functional.one_hot(one, 2).float() for name, one in right.items()}

    monkeypatch.setattr(moving.equivariance, "fit_equivariance", fit)
    monkeypatch.setattr(moving.equivariance, "errors", errors)
    monkeypatch.setattr(moving.equivariance, "transported_scores", answers)
    table = planted.table(moving, tmp_path)
    sparse = [("upside down", layer, guess) for layer in moving.TRIED["upside down"] for guess in moving.SPARSE]
    dense = [(name, layer, guess) for name in TRANSFORMS for layer in LAYERS for guess in GUESSES]
    assert set(table) == {*dense, *sparse} and len(table) == len(dense) + len(sparse)
    for (name, layer, guess), row in table.items():
        number = LAYERS.index(layer) + 10 * list(TRANSFORMS).index(name)
        number += 100 * (list(moving.SPARSE).index(guess) + 1 if guess in moving.SPARSE else 0)
        of = {"do nothing": "nothing", "moved": "moved"}.get(guess, "mapped")
        assert row.error == pytest.approx({"nothing": 3.0 + number, "moved": 0.5, "mapped": 0.1}[of])
        assert row.agreement == known[of] / 8 and row.low <= row.agreement <= row.high
        assert row.only_moved == pytest.approx(number / 1000) and row.better == (2 if of == "mapped" else 0)


def test_joints(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Each stitch answers as the upper network in as many squares as its own way says."""
    right = dict(zip(joints.HOWS, (7, 1, 2, 6, 3, 5), strict=True))
    seen = []
    monkeypatch.setattr(_squares, "fit_and_judge", squares)
    monkeypatch.setattr(joints.nets, "load", lambda name: SimpleNamespace(name=name))
    monkeypatch.setattr(joints, "grids", lambda net: {"fire3": 8} if net.name == joints.SQUEEZE else {"stage2": 8})
    monkeypatch.setattr(joints, "joined", lambda below, above, run, fit: seen.append((run, fit is FIT)) or run)

    def answers(net: object, pictures: Tensor) -> Tensor:
        assert pictures is TEST
        names = (joints.SQUEEZE, joints.LITE, joints.LITE1)  # the number of a network is what it always answers
        if isinstance(net, joints.Run):
            return torch.where(torch.arange(8) < right[net.how], names.index(net.above), -1)
        return torch.full((8,), names.index(net.name))

    monkeypatch.setattr(joints, "first_answers", answers)
    table = planted.table(joints, tmp_path)
    hows = {pair: [run.how for run in table if (run.below, run.above) == pair] for pair in joints.PAIRS}
    assert list(hows.values()) == [list(joints.HOWS), list(joints.HOWS), ["fitted", "whole"]]
    assert all(row.value == right[run.how] / 8 for run, row in table.items()) and all(fitted for _, fitted in seen)
    assert [run for run, _ in seen] == list(table)
