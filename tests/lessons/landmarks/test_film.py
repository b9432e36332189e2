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


def test_codes_that_name_the_place_find_what_has_not_moved(monkeypatch):
    y, x = torch.meshgrid(*2 * [torch.linspace(0, 1, 128)], indexing="ij")
    page = torch.stack([x, y, torch.ones_like(x)])[None].expand(132, -1, -1, -1)
    monkeypatch.setattr(marked, "frames", lambda: page)
    assert marked.coded(Knows(), torch.tensor([0, 5])).shape == (2, 3, marked.WHOLE // 2, marked.WHOLE // 2)
    assert (marked.matched(Knows()) - marked.between()[2]).abs().max() < 0.1
