"""The trials of notebook 02c on natural pictures, and their shipped table."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import mutual_info_score

from u3lab.datasets import cutouts
from u3lab.lessons.selfsup import naturals
from u3lab.lessons.selfsup.naturals import Natural
from u3lab.selfsup.matching import hungarian_accuracy


def test_the_shipped_table_has_every_way_as_often_and_says_what_its_clusters_say():
    rows = naturals.shipped()
    seeds = {run.seed for run in rows}
    assert len(seeds) >= 3 and set(rows) == {Natural(way, seed) for way in naturals.WAYS for seed in seeds}
    for run, found in rows.items():
        kinds, clusters = naturals.drawn("test", naturals.TESTS + run.seed).kinds, naturals.numbers(found)
        right = (clusters == kinds).double().mean() if run.way == naturals.LABELS else (
            hungarian_accuracy(clusters, kinds))
        assert found.accuracy == pytest.approx(float(right), abs=1e-4) and found.accuracy <= found.best <= 1


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


@pytest.mark.parametrize("way", [naturals.TWO, naturals.RIVALS[0], naturals.RIVALS[3], naturals.LABELS])
def test_a_run_is_a_function_of_its_name(way: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(naturals.SETTINGS, "batch_size", 10)
    found = naturals.reached(Natural(way, 1), steps=1)
    assert naturals.reached(Natural(way, 1), steps=1) == found
    assert 0.1 < found.accuracy <= found.best <= 1 and len(found.clusters) == 300


def test_what_is_told_is_that_of_another_library():
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randint(most, (60,), generator=generator) for most in (4, 7))
    assert naturals.told(a, b) == pytest.approx(mutual_info_score(a, b), abs=1e-6)


def test_things_at_random_are_the_floor():
    right, nats = naturals.by_chance(draws=20)
    assert torch.equal(right, right.sort().values) and 0.2 < right[0] < right.mean() < right[-1] < 0.8
    assert 0 < nats[0] < nats[-1] < torch.tensor(5.0).log()
