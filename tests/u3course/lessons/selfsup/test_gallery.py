"""The comparison of chapter 2: the gallery has every task, which layer is read, and what a task gains."""

import re

import pytest

from evidence import pretexts
from u3course.lessons.selfsup import gallery
from u3lab import results
from u3lab.selfsup import LAYERS, TASKS


def test_every_task_has_an_entry_and_its_code():
    assert set(gallery.ENTRIES) == set(TASKS)
    page = gallery.Sources()._repr_html_()
    assert page.count("<details>") == page.count("<pre>") == len(TASKS)
    assert all(f"def {function.__name__}" in page for one in gallery.ENTRIES.values() for function in one.source)


def test_a_gain_is_that_of_the_tables():
    said = gallery.gain("contrast")
    crops, made = (results.evidence(table).summary["contrast"] for table in ("crops", "pretexts"))
    for value in (crops[gallery.WAY][0], made["faces"][0], made["textures"][0]):
        assert re.search(re.escape(f"{value:+.1f}"), said)
    assert gallery.gain("erase, adversary") == "not measured"


def test_both_tables_stand_side_by_side(monkeypatch: pytest.MonkeyPatch):
    drawn = {}
    monkeypatch.setattr(gallery, "bars", lambda groups, *words, **said: drawn.update(groups))
    gallery.side_by_side()
    crops, made = (results.evidence(table).summary for table in ("crops", "pretexts"))
    faces, photos = drawn.values()
    assert faces["moving"] == made["moving"]["faces"] and "moving" not in photos
    assert photos["jigsaw"] == crops["jigsaw"][gallery.WAY] and set(photos) | set(faces) <= set(TASKS)


def test_a_layer_is_chosen_by_validation_and_seeds_are_paired():
    """In validation upright is best at the last layer, random weights at the first; a layer counts for its test."""
    rows = {pretexts.Run("faces", task, 20, layer, seed): (0.5 + 0.01 * k * sign, 0.5 + 0.01 * k + 0.1 * seed)
            for task, sign in ((pretexts.FLOOR, -1), ("upright", 1)) for seed in (1, 0)
            for k, layer in enumerate(LAYERS)}
    last = 0.01 * (len(LAYERS) - 1)
    assert pretexts.of_seeds(rows, "faces", "upright", 20) == pytest.approx({0: 0.5 + last, 1: 0.6 + last})
    assert pretexts.gains(rows, "faces", "upright", 20) == pytest.approx([last, last])
