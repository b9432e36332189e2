"""The sphere that becomes a dog, and its combed hair."""

from __future__ import annotations

import math

import pytest
import torch

from u3lab.lessons.landmarks import figures as panels


def silhouette(share: float, turn: float = 0.0) -> torch.Tensor:
    picture = panels.dog(share, turn, size=64)[0]
    return (picture - panels.PAPER).abs().amax(0) > 0.02


def test_without_a_dog_it_is_a_ball():
    ball = silhouette(0.0)
    rows, columns = ball.nonzero(as_tuple=True)
    assert ball.shape == (64, 80) and abs(float(rows.double().mean()) - 31.5) < 0.5
    assert ball.sum() == pytest.approx(math.pi * (64 / 3.6) ** 2, rel=0.03)  # a radius of 1 of 3.6 for the height
    assert rows.max() - rows.min() == columns.max() - columns.min()


def test_a_dog_sticks_out_and_turns():
    side, ball, front = silhouette(1.0), silhouette(0.0), silhouette(1.0, 90.0)
    assert (side & ~ball).sum() > 0.4 * ball.sum()
    columns = [shown.any(0).sum() for shown in (side, front)]
    assert columns[0] > 1.5 * columns[1]  # longer than wide


def test_one_direction_has_one_colour_whatever_the_shape():
    """Straight towards the camera lies the same direction in ball and trunk, up to the stretch of the axes."""
    ball, dog = (panels.dog(share, 0.0, size=64)[0, :, 32, 40] for share in (0.0, 0.3))
    hue = [one / one.max() for one in (ball, dog)]
    assert torch.allclose(*hue, atol=0.08)


def test_the_surface_is_where_it_is_said_to_be():
    n = torch.nn.functional.normalize(torch.tensor([[0.48, 0.26, -0.84], [0.0, 1.0, 0.0]]), dim=1)
    r = 1 + sum(height * (narrow * (n @ torch.nn.functional.normalize(torch.tensor(d), dim=0) - 1)).exp()
                for d, height, narrow in panels.BUMPS)
    on_it = r[:, None] * n * torch.tensor(panels.STRETCH)
    assert panels._beyond(on_it, 1.0).abs().max() < 1e-5
    assert panels._beyond(1.2 * on_it, 1.0).min() > 0 > panels._beyond(0.8 * on_it, 1.0).max()


@pytest.mark.parametrize("axis", [(0.0, 0.0, 1.0), (1.0, 2.0, -0.5)])
def test_hair_has_two_points_without_a_direction(axis: tuple[float, float, float]):
    picture, shortest = panels.combed(axis, size=64, hairs=40)
    assert picture.shape == (1, 3, 64, 128) and shortest < 1e-6
    red = (picture[0, 0] > 0.6) & (picture[0, 1] < 0.3)
    if axis[0] == 0:  # one pole in the middle of either half
        for half in red.split(64, 1):
            assert half.nonzero().double().mean(0).tolist() == pytest.approx([31.5, 31.5], abs=0.5)
    else:
        assert red.any()
