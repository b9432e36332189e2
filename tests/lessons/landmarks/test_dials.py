"""Dials and shapes: a hand points where it is said to, and a shape looks as often alike as it is said to."""

from __future__ import annotations

import pytest
import torch

from u3lab import landmarks
from u3lab.lessons.landmarks import frames


@pytest.mark.parametrize("angle", [0.0, 90.0, 200.0])
def test_a_hand_points_counter_clockwise_from_the_top(angle: float) -> None:
    dark = 1 - frames.dials(torch.tensor([angle]), size=65)[0].mean(0)
    along = (2 * torch.arange(65) + 1) / 65 - 1
    dark = (dark > 0.5) & ((along**2 + along[:, None] ** 2) < 0.7)
    down, across = dark.nonzero().double().mean(0) - 32
    assert torch.atan2(-across, -down).rad2deg().item() % 360 == pytest.approx(angle, abs=3)


def test_the_hand_that_was_found_is_another_colour() -> None:
    both, one = frames.dials(torch.zeros(1), torch.tensor([90.0])), frames.dials(torch.zeros(1))
    rows, columns = ((both - one).abs().amax(1)[0] > 0.3).nonzero().T
    assert columns.double().mean() < 25 and abs(rows.double().mean() - 31.5) < 1  # to the left: 90° counter-clockwise


@pytest.mark.parametrize("name, turn", [("bar", 180.0), ("cross", 90.0), ("disc", 37.0)])
def test_a_shape_looks_alike_after_its_turn(name: str, turn: float) -> None:
    x = landmarks.rotated(frames.shapes()[name], torch.zeros(1))
    assert (landmarks.rotated(x, torch.tensor([turn])) - x).abs().mean() < 0.01
    half = landmarks.rotated(x, torch.tensor([turn / 2]))
    assert name == "disc" or (half - x).abs().mean() > 0.05


def test_a_hand_is_alike_after_a_whole_turn_only() -> None:
    x = landmarks.rotated(frames.shapes()["hand"], torch.zeros(1))
    assert all((landmarks.rotated(x, torch.tensor([turn])) - x).abs().mean() > 0.02 for turn in (90.0, 180.0, 270.0))


def test_angles_and_matrices() -> None:
    angle = torch.tensor([-170.0, 0, 30, 179])
    torch.testing.assert_close(frames.degrees(frames.plane(angle)), angle)
    quarter = frames.plane(torch.tensor([90.0]))[0] @ torch.tensor([1.0, 0])
    torch.testing.assert_close(quarter, torch.tensor([0.0, 1]), atol=1e-6, rtol=0)
