"""Notebook 03b, chairs: pairs of one chair, the points that are judged, and the shipped network."""

from __future__ import annotations

import pytest
import torch

from u3lab.lessons.landmarks import seats
from u3lab.worlds.turntable.made import held_out


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch):
    for name, value in {"LABELLED": 30, "TEST": 24, "CHAIRS": 4}.items():
        monkeypatch.setattr(seats, name, value)
    for one in (seats.marked, seats.stock):
        one.cache_clear()
    yield
    for one in (seats.marked, seats.stock):
        one.cache_clear()


def test_two_views_are_of_one_chair_before_one_wall() -> None:
    made = seats.drawn(5, 0, each=2)
    azimuth, corner = made.azimuth.unflatten(0, (5, 2)), made.images[:, :, 0, 0].unflatten(0, (5, 2))
    assert (azimuth[:, 0] - azimuth[:, 1]).abs().max() <= seats.APART and made.azimuth.abs().max() <= 80
    assert (corner[:, 0] - corner[:, 1]).abs().max() < 0.05


def test_the_tested_chairs_are_held_out() -> None:
    assert not any(held_out(number) for number in range(2 * seats.CHAIRS, 2 * (seats.CHAIRS + seats.LABELLED), 2)
                   if number > 23)
    assert all(held_out(number) for number in range(1001, 1001 + 2 * seats.TEST, 2))


def test_who_knows_the_points_is_not_off() -> None:
    _, tested = seats.marked(1.0)
    assert seats.off(tested.points) == 0 < seats.off(tested.points + 1 / 32) == pytest.approx(2**0.5, abs=1e-4)
    assert 2 < seats.mean_shape() < 15


def test_the_same_seed_teaches_the_same() -> None:
    losses = [[step.loss for step in seats.learnt(seed, 2)[1]] for seed in (1, 1, 2)]
    assert losses[0] == losses[1] != losses[2]


def test_the_shipped_points_tell_where_parts_of_unseen_chairs_are() -> None:
    model, untrained = seats.shipped(), seats.learnt(0, 0)[0]
    assert seats.measured(model) < seats.measured(untrained) and torch.isfinite(model.generator[0].weight).all()
