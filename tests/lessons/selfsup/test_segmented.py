"""The trials of notebook 02c on places, and their shipped table."""

from __future__ import annotations

import statistics

import pytest
import torch

from u3lab.lessons.selfsup import segmented
from u3lab.lessons.selfsup.segmented import Segmented
from u3lab.selfsup.matching import hungarian_accuracy


def test_the_shipped_table_has_the_rival_of_each_run_and_what_the_notebook_says_of_it():
    rows = segmented.shipped()
    for run, (chosen, best, _) in rows.items():
        assert run._replace(way=segmented.KMEANS) in rows and 0 < chosen <= best <= 1
    found = [rows[run] for run in rows if (run.data, run.way) == ("textures", segmented.WAYS[0])]
    floor = [rows[run][0] for run in rows if (run.data, run.way) == ("textures", segmented.KMEANS)]
    assert len(found) >= 3 and statistics.median(one[0] for one in found) > max(floor)
    alike = [one[0] for one in found if one[2] > 0.9]  # one map for all pictures
    assert len(alike) <= 1 and all(one > 0.42 for one in alike)  # no stripes, which have 0.36, but all in one class


@pytest.mark.parametrize("run", [Segmented("textures", "IIC, ten classes first", 1),
                                 Segmented("satellite", "IIC, T = 0", 0)])
def test_a_run_is_a_function_of_its_name(run: Segmented):
    chosen, best, same = segmented.reached(run, steps=1)
    assert segmented.reached(run, steps=1) == (chosen, best, same) and 0.2 < chosen <= best <= 1 and 0 < same <= 1


def test_one_map_for_all_is_the_same_and_each_its_own_is_not():
    stripes = (torch.arange(9) % 3).expand(5, 9, 9)
    assert segmented.sameness(stripes) == 1
    assert segmented.sameness(torch.arange(4).view(4, 1, 1).expand(4, 6, 6)) == pytest.approx(0.25)


def test_the_floor_sorts_colours():
    labels = (torch.arange(8) % 2).expand(2, 8, 8)
    pictures = (0.2 + 0.5 * labels)[:, None].expand(-1, 3, -1, -1)
    assert hungarian_accuracy(segmented.by_colour(pictures, 2, 0).flatten(), labels.flatten()) == 1


def test_brains_have_three_tissues_and_an_outside():
    slices, tissue = segmented.brains()
    assert slices.shape == (6, 1, 233, 197) and tissue.shape == (6, 233, 197)
    assert set(tissue.unique().tolist()) == {-1, 0, 1, 2} and (slices[:, 0][tissue < 0] == 0).all()
    inside = tissue >= 0
    bright = (slices[:, 0] > 0.82).long()[inside]  # white matter is brighter than grey
    assert hungarian_accuracy(bright, tissue[inside]) > 0.7
