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
    assert hungarian_accuracy(clusters.by_colour(pictures, 2, 0).flatten(), labels.flatten()) == 1
