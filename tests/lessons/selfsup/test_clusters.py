"""The trials of notebook 02c and their shipped table."""

from __future__ import annotations

import statistics

import pytest
import torch

from u3lab.lessons.selfsup import clusters


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


def test_a_sheared_digit_is_brought_upright_and_to_the_middle():
    upright = torch.zeros(1, 1, 28, 28)
    upright[..., 4:24, 13:15] = 1
    leaning = torch.zeros_like(upright)
    for row in range(4, 24):
        leaning[..., row, 3 + row // 2:5 + row // 2] = 1
    found = clusters.deskewed(torch.cat([upright, leaning]))
    assert torch.allclose(found[0], upright[0], atol=0.02)
    columns = found[1, 0].sum(0)
    assert float(columns[12:16].sum() / columns.sum()) > 0.95  # nearly all ink in four columns
