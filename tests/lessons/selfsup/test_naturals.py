"""Notebook 02c on natural pictures: what is drawn."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch

from u3lab.datasets import cutouts, photos
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


def test_no_thing_and_no_photo_of_the_test_is_learnt_from(monkeypatch: pytest.MonkeyPatch):
    seen: dict[str, set[str]] = {"train": set(), "test": set()}
    monkeypatch.setattr(naturals, "EACH", {"train": 1, "test": 1})  # all are loaded, whichever is drawn
    for split, some in seen.items():
        for module in (cutouts, photos):
            def load(name: str, some: set[str] = some, load: Callable = module.load, **how: object) -> object:
                some.add(name)
                return load(name, **how)
            monkeypatch.setattr(naturals, module.__name__.rpartition(".")[2], SimpleNamespace(
                **{**vars(module), "load": load}))
        naturals.drawn.__wrapped__(split, 7)
        monkeypatch.undo()
        monkeypatch.setattr(naturals, "EACH", {"train": 1, "test": 1})
    assert not seen["train"] & seen["test"] and set(naturals.behind("test")) <= seen["test"]
    assert all(len(some) > 30 for some in seen.values())


def test_a_view_is_of_the_same_size_and_drawn_by_the_generator():
    pictures = naturals.drawn("test", 3).images[:8]
    a, b = (naturals.views(pictures, torch.Generator().manual_seed(0)) for _ in range(2))
    assert torch.equal(a, b) and a.shape == pictures.shape and not torch.allclose(a, pictures)
