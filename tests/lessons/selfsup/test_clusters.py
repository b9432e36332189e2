"""The trials of notebook 02c and their shipped table."""

from __future__ import annotations

import statistics

import pytest
import torch

from u3lab.lessons.selfsup import clusters
from u3lab.lessons.selfsup.clusters import Clustered
from u3lab.selfsup.matching import hungarian_accuracy


def test_the_shipped_table_has_the_rival_of_each_run_and_what_the_notebook_says_of_it():
    rows = clusters.shipped()
    for run, (chosen, best) in rows.items():
        assert run._replace(way="k-means") in rows and 0 < chosen <= best <= 1
    digits = {way: [rows[run][0] for run in rows if (run.data, run.way) == ("digits", way)] for way in clusters.WAYS}
    assert len(digits["IIC"]) >= 3 and statistics.median(digits["IIC"]) >= 0.8
    assert min(digits["IIC"]) > max(digits["k-means"])


def test_the_loss_chooses_and_labels_only_tell_what_was_possible():
    labels = torch.arange(12) % 3
    good, bad = torch.eye(3)[labels], torch.eye(3)[torch.zeros(12).long()]
    assert clusters.of_heads(torch.stack([bad, good]), labels, 0) == (pytest.approx(1 / 3), 1.0)


@pytest.mark.parametrize("data", ["textures", "satellite"])
def test_a_run_is_a_function_of_its_name(data: str):
    run = Clustered(data, "IIC", 1)
    chosen, best = clusters.reached(run, steps=1)
    assert clusters.reached(run, steps=1) == (chosen, best) and 0.2 < chosen <= best <= 1


def test_brains_have_three_tissues_and_an_outside():
    slices, tissue = clusters.brains()
    assert slices.shape == (6, 1, 233, 197) and tissue.shape == (6, 233, 197)
    assert set(tissue.unique().tolist()) == {-1, 0, 1, 2} and (slices[:, 0][tissue < 0] == 0).all()
    inside = tissue >= 0
    bright = (slices[:, 0] > 0.82).long()[inside]  # white matter is brighter than grey
    assert hungarian_accuracy(bright, tissue[inside]) > 0.7
