"""The film of chapter 3: its marked points, and where codes find them again."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from u3lab.datasets import clips
from u3lab.lessons.landmarks import marked


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


def test_codes_that_name_the_place_find_what_has_not_moved(monkeypatch):
    y, x = torch.meshgrid(*2 * [torch.linspace(0, 1, 128)], indexing="ij")
    page = torch.stack([x, y, torch.ones_like(x)])[None].expand(132, -1, -1, -1)
    monkeypatch.setattr(marked, "frames", lambda: page)
    assert marked.coded(Knows(), torch.tensor([0, 5])).shape == (2, 3, marked.WHOLE // 2, marked.WHOLE // 2)
    assert (marked.matched(Knows()) - marked.between()[2]).abs().max() < 0.1
