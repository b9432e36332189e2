"""Notebook 03b, turns: what is told of a varied pair is true of it, and what is measured is what it says."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from u3lab import landmarks
from u3lab.lessons.landmarks import dials, frames
from u3lab.lessons.landmarks.frames import Pose
from u3lab.nets import Classifier
from u3lab.worlds import turntable


class Told(nn.Module):
    """Finds each picture again and says its rotation, after a turn of its own for each thing."""

    def __init__(self, made: turntable.Turntable, frames: Tensor) -> None:
        super().__init__()
        self.images, self.codes = made.images, (made.rotations @ frames[made.instances])[:, :, :2].mT.flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        return self.codes[torch.cdist(x.flatten(1), self.images.flatten(1)).argmin(1)][..., None, None]


def drawn(count: int = 12) -> turntable.Turntable:
    return turntable.draw("chair", count, size=16, each=1, things=4, seed=2)


def turns(count: int) -> Tensor:
    return landmarks.as_rotation(torch.randn(count, 6, generator=torch.Generator().manual_seed(0)))


def test_one_frame_for_all_and_one_for_each() -> None:
    made, one = drawn(), turns(1)
    common = frames.measured(Classifier(Told(made, one.expand(4, 3, 3)).eval(), size=16), made)
    assert max(common) < 0.1
    each = frames.measured(Classifier(Told(made, turns(4)).eval(), size=16), made)
    assert each.absolute > 20 and each.beyond > 0.3 and each.own < 0.1 and each.relative < 0.1


def test_a_mirrored_pair_is_told_the_turn_of_the_mirrored_thing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thing that is its own mirror image, at a pose R, looks in the mirror as at the pose M R M."""
    def pairs(count: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        start, on = 360 * torch.rand(2, count, generator=generator)
        hand = dials.shapes(size=32)["hand"].expand(count, -1, -1, -1)
        return landmarks.rotated(hand, start), landmarks.rotated(hand, start + on), dials.plane(on)

    monkeypatch.setattr(frames, "SHIFT", 0.0)  # the hand begins in the middle
    x, moved, g = frames.varied(pairs)(24, torch.Generator().manual_seed(0))
    tips = [pointing(one) for one in (x, moved)]
    off = (tips[1] - tips[0] - dials.degrees(g) + 180) % 360 - 180
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
    made = drawn()
    pairs = landmarks.pairs_of(made.images, made.rotations, made.instances)
    (x, *_), (y, *_) = (one(5, torch.Generator().manual_seed(0)) for one in (pairs, frames.varied(pairs)))
    assert x.shape == y.shape and (x - y).abs().mean() > 0.01 and 0 <= y.min() and y.max() <= 1


@pytest.mark.parametrize("varied", [True, False])
def test_a_short_training_and_what_it_is_tested_on(varied: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"THINGS": 4, "EACH": 3, "VIEWS": 6, "HELD_OUT": 3, "BATCH": 4}.items():
        monkeypatch.setattr(frames, name, value)
    frames.views.cache_clear(), frames.tests.cache_clear()
    net, steps = frames.learnt(Pose("chair", 4, varied, 0, ""), 2)
    before = landmarks.poses(net, torch.rand(1, 3, 64, 64))
    assert [step.iteration for step in steps] == [0, 1, 2]
    assert not torch.equal(before, landmarks.poses(net, torch.rand(1, 3, 64, 64)))
    unknown, known = (frames.tests("chair", tested).instances.tolist() for tested in ("unknown", "known"))
    assert unknown == [22, 23, 25] * 2 and set(known) <= set(range(22))
    frames.views.cache_clear(), frames.tests.cache_clear()


def test_the_shipped_network_knows_things_that_it_has_never_seen() -> None:
    made = turntable.draw("chair", 60, split="test", each=1, things=20, seed=4)
    assert frames.measured(frames.shipped("chair"), made).absolute < 10
