"""The switch on films: all pairs of a batch are those that the library's head scores one by one, and the pictures."""

from __future__ import annotations

import pytest
import torch

from u3lab.datasets import clips
from u3lab.lessons.selfsup import hearing
from u3lab.selfsup import head_of, sounding


@pytest.fixture
def few(monkeypatch):
    """Few films, so that the tests are quick."""
    made = clips.bouncing(12, length=hearing.FRAMES, size=hearing.SIZE, split="test", seed=1)
    monkeypatch.setattr(hearing, "films", lambda: made)
    return made


def test_all_pairs_are_scored_as_one_by_one(few) -> None:
    net, head = hearing.switch(0)
    scores = hearing.tested(net, head)
    assert scores.shape == (12, 12)
    alone = head_of(net, "correspondence")
    alone.load_state_dict(head.state_dict())
    seen = hearing.moving(few.clips)[:, hearing.SHOWN]
    heard = few.sounds / few.sounds.square().mean(1, keepdim=True).sqrt()
    with torch.no_grad():
        maps = net.module(net.normalise(seen))[:, None]
        for shift in (0, 1, 5):
            wanted = alone(maps, heard.roll(-shift, 0))
            found = scores[torch.arange(12), (torch.arange(12) + shift) % 12]
            assert found == pytest.approx(wanted, abs=1e-4)


def test_the_share_right_of_balanced_pairs() -> None:
    scores = torch.tensor([[1.0, -1, 1], [-1, 1, -1], [-1, -1, -1]])
    assert float(hearing.balanced_right(scores)) == pytest.approx((2 / 3 + 5 / 6) / 2)
    assert float(hearing.balanced_right(torch.zeros(4, 4))) == 0.5


def test_two_things_stand_in_one_picture(few) -> None:
    first, second = hearing.together()
    assert len(first) and (few.material[first] != few.material[second]).all()
    seen, shown = hearing.both(first, second, seen=True), hearing.both(first, second)
    assert seen.shape == shown.shape == (len(first), 3, 64, 64)
    assert 0 <= shown.min() and shown.max() <= 1 and 0 <= seen.min() and seen.max() <= 1
    heat = torch.zeros(len(first), 64, 64)
    for place, (left, top, right, bottom) in enumerate(few.boxes[first, hearing.SHOWN].tolist()):
        heat[place, round((top + bottom) / 2), round((left + right) / 2)] = 1
    assert hearing.at_things(heat, first).tolist() == [1] * len(first)
    assert hearing.at_things(heat, second).tolist() == [0] * len(first)
    net, head = hearing.switch(1)
    assert hearing.where(net, head, first, second, sound=second).shape == heat.shape
    assert sounding.sound_map(net, head, seen, few.sounds[first]).shape == (len(first), 8, 8)
    moves = hearing.there(first, second).float().mean((1, 2))
    assert moves.min() > 0.005 and moves.max() < 0.5


def test_it_learns(monkeypatch) -> None:
    made = clips.bouncing(8, length=hearing.FRAMES, seed=0)
    levels = (255 * hearing.moving(made.clips)).round().byte()
    monkeypatch.setattr(hearing, "lessons", lambda: (levels, made.sounds))
    monkeypatch.setattr(hearing, "STEPS", 12)
    steps = list(hearing.train(*hearing.switch(0)))
    assert len(steps) == 13 and steps[-1].loss < steps[0].loss
