"""Notebook 03b, chairs: two views of one chair."""

from __future__ import annotations

from u3lab.lessons.landmarks import parts


def test_chairs_are_counted_in_twos_so_that_odd_ones_stay_odd(monkeypatch) -> None:
    numbers, views = [], parts.turntable.views
    monkeypatch.setattr(parts.turntable, "views", lambda kind, number, *given, **how: (
        numbers.append(number) or views(kind, number, *given, **how)))
    parts.chairs(3, 1001)
    assert numbers == [1001, 1003, 1005]


def test_two_views_are_of_one_chair_before_one_wall() -> None:
    made = parts.chairs(5, 0, each=2)
    azimuth, corner = made.azimuth.unflatten(0, (5, 2)), made.images[:, :, 0, 0].unflatten(0, (5, 2))
    assert (azimuth[:, 0] - azimuth[:, 1]).abs().max() <= parts.APART and made.azimuth.abs().max() <= 80
    assert (corner[:, 0] - corner[:, 1]).abs().max() < 0.05
