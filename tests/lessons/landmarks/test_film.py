"""Labels from a film: where its flow leads, on a film whose motion is known."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from u3lab.datasets import clips
from u3lab.lessons.landmarks import film
from u3lab.lessons.landmarks.film import Run


@pytest.fixture(autouse=True)
def moving(monkeypatch):
    """A blurred noise that goes two pixels to the right and one down in each of eight frames."""
    canvas = F.avg_pool2d(torch.rand(1, 3, 168, 168, generator=torch.Generator().manual_seed(0)), 5, 1, 2)
    frames = torch.cat([canvas[..., 20 - t : 148 - t, 20 - 2 * t : 148 - 2 * t] for t in range(8)])
    step = torch.tensor([2.0, 1.0]).view(1, 2, 1, 1).expand(7, 2, 128, 128)
    monkeypatch.setattr(film, "frames", lambda: frames)
    monkeypatch.setattr(film, "flows", lambda *_: (step, -step))
    return frames


def test_points_are_led_as_far_as_the_flow_says_and_lost_where_it_does_not_come_back(monkeypatch, moving):
    points, start = torch.tensor([[[0.0, 0.5]], [[-0.5, 0.0]]]), torch.tensor([0, 3])
    assert torch.allclose(film.tracked(points, start, 4), points + torch.tensor([8.0, 4.0]) / 64)
    there, _ = film.flows()
    monkeypatch.setattr(film, "flows", lambda *_: (there, there))
    assert (film.tracked(points, start, 4) == film.AWAY).all()


def test_pairs_show_the_same_colours_where_points_are_said_to_go():
    x, gx, u, gu = film.of_film(3)(4, torch.Generator().manual_seed(0))
    assert x.shape == gx.shape == (4, 3, 64, 64) and u.shape == gu.shape == (4, 1024, 2)
    stays = (gu.abs() < 0.95).all(-1) & (u.abs() < 0.95).all(-1)
    a, b, c = (F.grid_sample(one, at[:, :, None], align_corners=False)[..., 0].transpose(1, 2)[stays]
               for one, at in ((x, u), (gx, gu), (gx, u)))
    assert stays.double().mean() > 0.3 and (a - b).abs().mean() < 0.5 * (a - c).abs().mean()


def test_marked_points_are_compared_from_each_frame_to_all_later_ones():
    first, second, points, truth = film.between()
    marked = clips.rabbit()
    assert len(first) == 15 * 14 // 2 and (first < second).all() and points.shape == truth.shape == (105, 3, 2)
    assert torch.equal(truth[0], marked.points[1]) and torch.equal(points[-1], marked.points[-2])
    assert film.errors(truth).max() == 0
    assert torch.allclose(film.errors(truth + torch.tensor([3.0, 4.0]) / 64), torch.tensor(5.0))
    assert torch.equal(film.stayed(), points)


def test_who_follows_the_flow_of_a_film_that_stands_still_stays(monkeypatch):
    still = torch.zeros(131, 2, 128, 128)
    monkeypatch.setattr(film, "flows", lambda *_: (still, still))
    assert torch.equal(film.followed(), film.stayed())
    monkeypatch.setattr(film, "flows", lambda *_: (still + 0.5, still))
    first, second, points, _ = film.between()
    assert torch.allclose(film.followed() - points, ((second - first) / 128)[:, None, None].expand(-1, 3, 2), atol=1e-5)


def test_it_learns_from_the_film_and_finds_points_in_whole_frames(monkeypatch):
    net, steps = film.learnt(Run("labelling", 2, 2, 0))
    assert [step.iteration for step in steps] == [0, 1, 2]
    codes = film.coded(net, torch.tensor([0, 5]))
    assert codes.shape == (2, 3, film.WHOLE // 2, film.WHOLE // 2)


class Knows(nn.Module):
    """Finds by colour: of a film of one colour for each place, the codes are the places."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return 200 * F.normalize(F.avg_pool2d(images, 2) - 0.5, dim=1)


def test_codes_that_name_the_place_find_what_has_not_moved(monkeypatch):
    y, x = torch.meshgrid(*2 * [torch.linspace(0, 1, 128)], indexing="ij")
    page = torch.stack([x, y, torch.ones_like(x)])[None].expand(132, -1, -1, -1)
    monkeypatch.setattr(film, "frames", lambda: page)
    assert (film.matched(Knows()) - film.stayed()).abs().max() < 0.1
