"""The gallery of pretexts: it has every task of the registry, shows its questions and its code, and says its gain."""

from __future__ import annotations

import re

import pytest

from u3lab import results
from u3lab.lessons.selfsup import gallery
from u3lab.selfsup import TASKS


def test_every_task_has_an_entry_and_its_code():
    assert set(gallery.ENTRIES) == set(TASKS)
    page = gallery.Sources()._repr_html_()
    assert page.count("<details>") == page.count("<pre>") == len(TASKS)
    assert all(f"def {function.__name__}" in page for one in gallery.ENTRIES.values() for function in one.source)


@pytest.mark.parametrize("name", ["upright", "erase", "arrow", "moving", "sound"])  # one of each kind of raw data
def test_questions_are_shown(name: str):
    figure = gallery.shown(name)
    assert name in figure.alt and len(figure.data) > 3000


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
