"""Notebook 02c on places: the number that sees stripes, and the rival."""

from __future__ import annotations

import pytest
import torch

from u3lab.lessons.selfsup import clusters
from u3lab.selfsup.matching import hungarian_accuracy


def test_one_map_for_all_is_the_same_and_each_its_own_is_not():
    stripes = (torch.arange(9) % 3).expand(5, 9, 9)
    assert clusters.sameness(stripes) == 1
    assert clusters.sameness(torch.arange(4).view(4, 1, 1).expand(4, 6, 6)) == pytest.approx(0.25)


def test_the_floor_sorts_colours():
    labels = (torch.arange(8) % 2).expand(2, 8, 8)
    pictures = (0.2 + 0.5 * labels)[:, None].expand(-1, 3, -1, -1)
    assert hungarian_accuracy(clusters.by_pixel(pictures, 2, 0).flatten(), labels.flatten()) == 1


def test_surroundings_tell_contrast_and_with_edges_direction():
    x = torch.arange(64)
    stripes = (x % 4 < 2).float().expand(64, 64)
    pictures = torch.stack([stripes, stripes.T, 0.5 + 0.1 * (stripes - 0.5)])[:, None].expand(-1, 3, -1, -1)
    contrast, edges = (clusters.around(pictures, edges=more)[..., 16:48, 16:48].mean((2, 3)) for more in (False, True))
    assert contrast.shape == (3, 1) and edges.shape == (3, 5)
    assert torch.allclose(contrast[0], contrast[1], atol=1e-3) and contrast[0] > contrast[2] + 1
    assert edges[0, 1] > edges[0, 3] + 1 and edges[1, 3] > edges[1, 1] + 1  # across, and down
