"""The tables of chapter 1's second sitting: what is read of them, and what a score means."""

from __future__ import annotations

import pytest
import torch

from u3lab.lessons.universal import shrinking, solids
from u3lab.lessons.universal.shrinking import Shrunk


def test_the_interval_is_students():
    found = shrinking.interval([1.0, 2.0, 3.0])
    assert found.value == pytest.approx(2) and found.high == pytest.approx(2 + 4.3027 / 3**0.5, abs=1e-4)


def test_a_gain_is_paired_with_the_same_run_without_a_price():
    rows = {Shrunk("digits", "fine-tuning", "source", 5, 0.0, 0): (0.1, 0.5),
            Shrunk("digits", "fine-tuning", "zero", 5, 1.0, 0): (0.1, 0.4),
            Shrunk("digits", "fine-tuning", "source", 5, 1.0, 0): (0.1, 0.7)}
    assert shrinking.gain(rows, "fine-tuning", "source", 5, 1.0) == pytest.approx([0.2])
    assert shrinking.gain(rows, "fine-tuning", "zero", 5, 1.0) == pytest.approx([-0.1])


def test_scores_by_hand():
    truth = torch.tensor([[[0, 0], [1, 1]]])
    assert solids.score("segments", truth, truth) == pytest.approx(2 / 6)  # four kinds are not there and count nothing
    edges = torch.tensor([[[[1.0, 0], [0, 0]]]])
    assert solids.score("boundaries", edges * 0 + 1, edges) == pytest.approx(2 / 5)
    up, ahead = (torch.tensor(v).view(1, 3, 1, 1) for v in ([0.0, 1, 0], [0.0, 0, 1]))
    assert solids.score("normals", up, ahead) == pytest.approx(90, abs=1e-3)
    assert solids.score("label", torch.tensor([1, 2]), torch.tensor([1, 3])) == 0.5
