"""Notebook 03b, turns: what is told of a varied pair is true of it, and the shipped network."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from u3lab import landmarks
from u3lab.lessons.landmarks import frames
from u3lab.worlds import turntable


def test_a_mirrored_pair_is_told_the_turn_of_the_mirrored_thing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thing that is its own mirror image, at a pose R, looks in the mirror as at the pose M R M."""
    def pairs(count: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        start, on = 360 * torch.rand(2, count, generator=generator)
        hand = frames.shapes(size=32)["hand"].expand(count, -1, -1, -1)
        return landmarks.rotated(hand, start), landmarks.rotated(hand, start + on), frames.plane(on)

    monkeypatch.setattr(frames, "SHIFT", 0.0)  # the hand begins in the middle
    x, moved, g = frames.varied(pairs)(24, torch.Generator().manual_seed(0))
    tips = [pointing(one) for one in (x, moved)]
    off = (tips[1] - tips[0] - frames.degrees(g) + 180) % 360 - 180
    assert off.abs().max() < 12
    plain = pairs(24, torch.Generator().manual_seed(0))[2]
    assert 4 < int(((g - plain).abs().amax((1, 2)) > 1e-3).sum()) < 20  # some are mirrored, and some not


def pointing(x: Tensor) -> Tensor:
    """The angle, counter-clockwise from the top, of the tip of a blue hand that begins at its picture's middle."""
    blue = (x[:, 2] - x[:, 0]).clamp_min(0.2) - 0.2
    along = (2 * torch.arange(32) + 1) / 32 - 1
    across, down = ((blue * one).sum((1, 2)) for one in (along, along[:, None]))
    return torch.atan2(-across, -down).rad2deg()


def test_light_size_and_place_change_and_the_pair_stays_a_pair() -> None:
    made = turntable.draw("chair", 12, size=16, each=1, things=4, seed=2)
    pairs = landmarks.pairs_of(made.images, made.rotations, made.instances)
    (x, *_), (y, *_) = (one(5, torch.Generator().manual_seed(0)) for one in (pairs, frames.varied(pairs)))
    assert x.shape == y.shape and (x - y).abs().mean() > 0.01 and 0 <= y.min() and y.max() <= 1


def test_the_shipped_network_knows_things_that_it_has_never_seen() -> None:
    made = turntable.draw("chair", 60, split="test", each=1, things=20, seed=4)
    found = landmarks.poses(frames.shipped("chair"), made.images)
    assert landmarks.pose_error(found, made.rotations, landmarks.align(found, made.rotations)).median() < 10
