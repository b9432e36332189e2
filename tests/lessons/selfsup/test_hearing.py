"""The switch on films: it learns, and pictures with two things have both of them."""

from __future__ import annotations

import pytest
import torch

from u3lab.datasets import clips
from u3lab.lessons.selfsup import hearing
from u3lab.selfsup import sounding


@pytest.fixture
def few(monkeypatch):
    """Few films, so that the tests are quick."""
    made = clips.bouncing(12, length=hearing.FRAMES, size=hearing.SIZE, split="test", seed=1)
    monkeypatch.setattr(hearing, "films", lambda: made)
    return made


def test_a_table_of_all_pairs(few) -> None:
    net, head = hearing.switch(0)
    scores = hearing.tested(net, head)
    assert scores.shape == (12, 12) and scores.isfinite().all() and scores.std() > 0


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
