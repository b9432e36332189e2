"""Notebook 02c on natural pictures: what is drawn, what clusters tell, and the floor."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import mutual_info_score

from u3lab.datasets import cutouts
from u3lab.lessons.selfsup import naturals


def test_each_kind_is_the_largest_of_its_group():
    for kind, group in zip(naturals.KINDS, ("animal", "food", "plant life", "thing", "transport"), strict=True):
        assert kind == max(cutouts.KINDS[group], key=lambda one: len(cutouts.names(one, split="train")))


def test_pictures_are_even_and_rows_keep_their_thing_but_not_their_photo():
    one, other = naturals.drawn("test", 3), naturals.drawn("test", 4)
    assert one.images.shape == (300, 3, 48, 48) and one.images.min() >= 0 and one.images.max() <= 1
    assert one.kinds.bincount().tolist() == [60] * 5
    assert torch.equal(one.things, other.things) and (one.photos != other.photos).double().mean() > 0.5
    names = [name for kind in naturals.KINDS for name in cutouts.names(kind, split="test")]
    assert [cutouts.about(names[n]).kind for n in one.things] == [naturals.KINDS[kind] for kind in one.kinds]


def test_a_view_is_of_the_same_size_and_drawn_by_the_generator():
    pictures = naturals.drawn("test", 3).images[:8]
    a, b = (naturals.views(pictures, torch.Generator().manual_seed(0)) for _ in range(2))
    assert torch.equal(a, b) and a.shape == pictures.shape and not torch.allclose(a, pictures)


def test_what_is_told_is_that_of_another_library():
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randint(most, (60,), generator=generator) for most in (4, 7))
    assert naturals.information(a, b) == pytest.approx(mutual_info_score(a, b), abs=1e-6)


def test_things_at_random_are_the_floor():
    right, nats = naturals.by_chance(draws=20)
    assert torch.equal(right, right.sort().values) and 0.2 < right[0] < right.mean() < right[-1] < 0.8
    assert 0 < nats[0] < nats[-1] < torch.tensor(5.0).log()
