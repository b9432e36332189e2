"""Notebook 02c, tissues of a brain: the slices, the patches, and what is asked."""

from __future__ import annotations

import pytest
import torch

from u3lab.descent import last
from u3lab.lessons.selfsup import tissues
from u3lab.selfsup.matching import hungarian_accuracy


def test_patches_are_of_the_slices_that_are_learnt_from():
    found, (made, _) = tissues.patches(), tissues.slices()
    assert found.shape == (tissues.PATCHES, 3, tissues.SIDE, tissues.SIDE)
    assert ((found[:, 0] > 0).double().mean((1, 2)) > tissues.BRAIN).all()
    windows = [one[0].unfold(0, tissues.SIDE, 1).unfold(1, tissues.SIDE, 1) for one in made]
    assert [n for n, of in enumerate(windows) if (of == found[0, 0]).all(-1).all(-1).any()][0] in tissues.LEARNT_FROM


def test_no_slice_that_is_held_out_is_learnt_from(monkeypatch: pytest.MonkeyPatch):
    """Each slice has one grey value, its own."""
    made = torch.arange(1.0, 7).view(6, 1, 1, 1).expand(6, 3, 60, 50)
    monkeypatch.setattr(tissues, "slices", lambda: (made, made[:, 0].long()))
    learnt, held = tissues.patches.__wrapped__().unique(), tissues.spoilt(0.0, 7).unique()
    assert sorted({*learnt.tolist(), *held.tolist()}) == [1, 2, 3, 4, 5, 6] and len(learnt) + len(held) == 6


@pytest.mark.parametrize("way", tissues.LIGHTS)
def test_a_field_differs_from_place_to_place_and_another_light_does_not(way: str):
    seen = tissues.LIGHTS[way](torch.full((4, 3, 40, 40), 0.5), torch.Generator().manual_seed(0))
    assert (seen.flatten(1).std(1).max() > 1e-3) == (way == "IIC, views with fields") and (seen - 0.5).abs().max() > 0


def test_the_truth_is_right_and_all_grey_matter_is_not():
    true = tissues.slices()[1][[*tissues.HELD]]
    assert tissues.accuracy((true.clamp_min(0) + 1) % 3) == 1  # under other names
    assert tissues.accuracy(torch.zeros_like(true)) == pytest.approx(float((true[true >= 0] == 0).double().mean()))


def test_a_field_darkens_and_none_leaves_the_slices():
    plain = tissues.slices()[0][[*tissues.HELD]]
    assert torch.equal(tissues.spoilt(0.0, 7), plain)
    assert (tissues.spoilt(0.4, 7) <= plain + 1e-6).all() and not torch.equal(tissues.spoilt(0.4, 7), plain)
    assert tissues.conditions()[:2] == [(0.0, 7), (0.2, 7)] and len(tissues.conditions()) == 13


def test_a_short_training_sorts():
    steps, learnt = tissues.learning("IIC, views with fields", 0, 1)
    last(steps)
    found = learnt().sorted(tissues.spoilt(0.0, 7))
    assert found.shape == tissues.slices()[1][[*tissues.HELD]].shape and set(found.unique().tolist()) <= {0, 1, 2}


def test_slices_have_three_tissues_and_an_outside():
    slices, tissue = tissues.slices()
    assert slices.shape == (6, 3, 233, 197) and tissue.shape == (6, 233, 197)
    assert set(tissue.unique().tolist()) == {-1, 0, 1, 2} and (slices[:, 0][tissue < 0] == 0).all()
    inside = tissue >= 0
    bright = (slices[:, 0] > 0.82).long()[inside]  # white matter is brighter than grey
    assert hungarian_accuracy(bright, tissue[inside]) > 0.7


def test_a_field_spoils_grey_values_and_hardly_what_is_flattened():
    clean, spoilt = (tissues.spoilt(b, 7) for b in (0.0, 0.6))
    grey = [tissues.accuracy(tissues.by_grey(given)) for given in (clean, spoilt)]
    flat = [tissues.accuracy(tissues.by_grey(tissues.flattened(given))) for given in (clean, spoilt)]
    assert grey[0] > flat[0] > 0.8 and flat[1] > grey[1] + 0.2
    assert ((tissues.by_grey(clean) >= 0) == (tissues.slices()[1][[*tissues.HELD]] >= 0)).all()
