"""Chapter 6's Deep Quiz as it ships: consistent, small, and silent about the answers."""

import json
import re

import pytest

from tests.data.quiz_files import check_files
from u3lab import images
from u3lab._system import paths
from u3lab.experiments import mask_riddles as riddles

FOLDER = paths.data("quiz", "6")
INDEX = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
WORDS = re.compile(r"[a-z]{3,}")


def test_the_files_are_those_of_the_index_and_small():
    check_files(FOLDER, INDEX, len(riddles.RIDDLES), 227, 20_000)


@pytest.mark.parametrize("entry", INDEX, ids=lambda entry: entry["file"])
def test_an_entry_is_complete_and_gives_nothing_away(entry, net):
    assert set(entry) == {"file", "alt", "options", "answer", "why"}
    options, answer = entry["options"], entry["answer"]
    assert len(set(options)) == len(entry["why"]) == 4 and set(options) <= set(net.classes)
    assert ["when these parts are blurred" in text for text in entry["why"]] == [i == answer for i in range(4)]
    shown = [entry["alt"], *(text for i, text in enumerate(entry["why"]) if i != answer)]
    secret = set(WORDS.findall(options[answer].lower()))
    assert not secret & set(WORDS.findall(" ".join(shown).lower()))
    assert not set(WORDS.findall(entry["alt"].lower())) & set(WORDS.findall(" ".join(options).lower()))


def test_the_answers_are_the_pictures_classes_and_stand_at_several_places():
    answers = {entry["options"][entry["answer"]] for entry in INDEX}
    assert answers == {images.label(riddle.picture) for riddle in riddles.RIDDLES}
    assert len({entry["answer"] for entry in INDEX}) > 1


def test_the_shipped_pictures_are_mostly_grey():
    for entry in INDEX:
        x = images.load((FOLDER / entry["file"]).read_bytes())
        assert ((x - 0.5).abs().amax(1) < 0.06).float().mean() > 0.7
