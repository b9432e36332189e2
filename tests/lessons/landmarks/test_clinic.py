"""Points of a head through made warps: where they are said to go, and errors in millimetres."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from u3lab.datasets import scans
from u3lab.landmarks import codes_at
from u3lab.lessons.landmarks import clinic


def test_a_view_is_as_wide_as_it_says():
    slices, half = clinic.canvas("brain1")
    assert slices.shape == (10, 3, 168, 168) and half == pytest.approx(270 / 2 * scans.load("brain1").spacing[1])
    assert (slices[:, :, :10] == 0).all() and slices.mean() == pytest.approx(
        float(scans.load("brain1").images.sum()) * (168 / 472.5) ** 2 / slices.numel(), rel=0.03)


def test_points_keep_their_grey_value_and_lie_on_tissue():
    given = clinic.test_pairs("brain2")
    assert given.points.shape == given.moved.shape == (clinic.TESTS, clinic.POINTS, 2)
    there, here, other = (codes_at(one[:, :1], at) for one, at in
                          ((given.x, given.points), (given.gx, given.moved), (given.gx, given.points)))
    assert (there - here).abs().mean() < 0.25 * (there - other).abs().mean() and there.min() > clinic.TISSUE
    assert given.moved.abs().max() < 1


def test_errors_are_in_millimetres():
    given = clinic.test_pairs("brain2")
    assert clinic.errors(given.moved, given).max() == 0
    assert torch.allclose(clinic.errors(given.moved + torch.tensor([0.0, 0.1]), given), torch.tensor(0.1 * given.mm))


def test_flow_follows_a_small_shift():
    given = clinic.test_pairs("brain1")
    x, gx = given.x[:2], given.x[:2].roll(2, 3)
    shifted = given._replace(x=x, gx=gx, points=given.points[:2], moved=given.points[:2] + torch.tensor([4 / 96, 0.0]))
    assert clinic.errors(clinic.flowed(shifted), shifted).median() < 1.5 < clinic.errors(
        shifted.points, shifted).median()


class Places(nn.Module):
    """Codes that are the place in the picture, twelve long: every point is found where it was."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        along = torch.linspace(-1, 1, 48)
        y, x = torch.meshgrid(along, along, indexing="ij")
        code = torch.nn.functional.normalize(torch.stack([x, y, torch.ones_like(x)]), dim=0)
        return 30 * code.expand(len(images), -1, -1, -1)


def test_a_labeller_carries_points_by_their_codes():
    given = clinic.test_pairs("brain1")
    assert (clinic.carried(Places(), given) - given.points).abs().mean() < 0.05
