"""Marked points of chapter 3: of a head through made warps, with errors in millimetres, and of a film's frames."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from u3course.lessons.landmarks import marked
from u3lab import warps
from u3lab.datasets import clips, scans
from u3lab.landmarks import codes_at


@pytest.mark.parametrize("patient", ["brain1", "brain2"])
def test_a_view_is_as_wide_as_it_says(patient: str):
    slices, half = marked.canvas(patient)
    assert slices.shape == (10, 3, 168, 168) and half == pytest.approx(270 / 2 * scans.load(patient).spacing[1])
    assert (slices[:, :, :10] == 0).all() and slices.mean() == pytest.approx(
        float(scans.load(patient).images.sum()) * (168 / 472.5) ** 2 / slices.numel(), rel=0.03)


def test_points_keep_their_grey_value_and_lie_on_tissue():
    given = marked.asked("brain2")
    assert given.points.shape == given.moved.shape == (marked.TESTS, marked.POINTS, 2)
    there, here, other = (codes_at(one[:, :1], at) for one, at in
                          ((given.x, given.points), (given.gx, given.moved), (given.gx, given.points)))
    assert (there - here).abs().mean() < 0.25 * (there - other).abs().mean() and there.min() > marked.TISSUE
    assert given.moved.abs().max() < 1


def test_each_patient_is_asked_about_in_its_own_slices(monkeypatch: pytest.MonkeyPatch):
    grey = {"brain1": 0.25, "brain2": 0.75}
    monkeypatch.setattr(marked, "canvas", lambda patient: (torch.full((2, 3, 168, 168), grey[patient]), 100.0))
    for patient, value in grey.items():
        given = marked.asked.__wrapped__(patient)
        assert given.x.median() == value == given.gx.median()


def test_flow_follows_a_small_shift():
    given = marked.asked("brain1")
    x, gx = given.x[:2], given.x[:2].roll(2, 3)
    shifted = given._replace(x=x, gx=gx, points=given.points[:2], moved=given.points[:2] + torch.tensor([4 / 96, 0.0]))
    assert marked.errors(marked.flowed(shifted), shifted).median() < 1.5 < marked.errors(
        shifted.points, shifted).median()


def test_an_affine_registration_finds_an_affine_motion():
    given = marked.asked("brain1")
    w = warps.affine(3, torch.Generator().manual_seed(0), shift=0.1, scale=1.1, turn=8)
    gx, points = warps.warp(given.x[:3], w), given.points[:3]
    moved = given._replace(x=given.x[:3], gx=gx, points=points, moved=warps.warp_points(points, w))
    assert marked.errors(marked.aligned(moved), moved).median() < 1 < 5 < marked.errors(points, moved).median()


def test_marked_points_are_compared_from_each_frame_to_all_later_ones():
    first, second, points, truth = marked.between()
    rabbit = clips.rabbit()
    assert len(first) == 15 * 14 // 2 and (first < second).all() and points.shape == truth.shape == (105, 3, 2)
    assert torch.equal(truth[0], rabbit.points[1]) and torch.equal(points[-1], rabbit.points[-2])


class Knows(nn.Module):
    """Finds by colour: of a film of one colour for each place, the codes are the places."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return 200 * F.normalize(F.avg_pool2d(images, 2) - 0.5, dim=1)


def test_points_are_looked_for_in_the_later_frame(monkeypatch):
    """A page that goes to the right, a fifth of its width in all."""
    y, x = torch.meshgrid(*2 * [torch.linspace(0, 1, 128)], indexing="ij")
    gone = 0.2 * torch.arange(132) / 131
    page = torch.stack([x - gone[:, None, None], y.expand(132, -1, -1), torch.ones(132, 128, 128)], 1)
    monkeypatch.setattr(marked, "frames", lambda: page.clamp(0, 1))
    first, second, points, _ = marked.between()
    wanted = points + 2 * torch.stack([gone[second] - gone[first], torch.zeros(len(first))], -1)[:, None]
    assert (marked.matched(Knows()) - wanted).norm(dim=-1).median() < 0.05 < (wanted - points).norm(dim=-1).median()


def test_points_that_are_asked_for_are_seen_in_both_views():
    given = marked.asked("brain2")
    assert given.points.abs().max() < 0.95 and given.moved.abs().max() < 0.95
