"""Notebook 02c, tissues of a brain: the patches, what is asked, and the shipped table."""

from __future__ import annotations

import pytest
import torch

from u3lab.descent import last
from u3lab.lessons.selfsup import tissues


def test_patches_are_of_the_slices_that_are_learnt_from():
    found, (made, _) = tissues.patches(), tissues.slices()
    assert found.shape == (tissues.PATCHES, 3, tissues.SIDE, tissues.SIDE)
    assert ((found[:, 0] > 0).double().mean((1, 2)) > tissues.BRAIN).all()
    windows = [one[0].unfold(0, tissues.SIDE, 1).unfold(1, tissues.SIDE, 1) for one in made]
    assert [n for n, of in enumerate(windows) if (of == found[0, 0]).all(-1).all(-1).any()][0] in tissues.LEARNT_FROM


def test_the_truth_is_right_and_all_grey_matter_is_not():
    true = tissues.slices()[1][[*tissues.HELD]]
    assert tissues.accuracy((true.clamp_min(0) + 1) % 3) == 1  # under other names
    assert tissues.accuracy(torch.zeros_like(true)) == pytest.approx(float((true[true >= 0] == 0).double().mean()))


def test_a_field_darkens_and_none_leaves_the_slices():
    plain = tissues.slices()[0][[*tissues.HELD]]
    assert torch.equal(tissues.spoilt(0.0, 7), plain)
    assert (tissues.spoilt(0.4, 7) <= plain + 1e-6).all() and not torch.equal(tissues.spoilt(0.4, 7), plain)
    assert tissues.asked()[:2] == [(0.0, 7), (0.2, 7)] and len(tissues.asked()) == 13


def test_a_short_training_sorts_and_the_table_has_all():
    steps, learnt = tissues.learning("IIC, views with fields", 0, 1)
    last(steps)
    found = learnt().sorted(tissues.spoilt(0.0, 7))
    assert found.shape == tissues.slices()[1][[*tissues.HELD]].shape and set(found.unique().tolist()) <= {0, 1, 2}
    table = tissues.shipped()
    assert len(table) == len(tissues.LIGHTS) * 10 * 13
    by_hand = [table["IIC, views with fields", 9, 0.4, field][0] for field in tissues.FIELDS]
    found = tissues.by_training("IIC, views with fields")
    assert found.shape == (10, 5) and float(found[9, 2]) == pytest.approx(sum(by_hand) / 3)
    assert float(found[9, 0]) == pytest.approx(table["IIC, views with fields", 9, 0.0, 7][0])
