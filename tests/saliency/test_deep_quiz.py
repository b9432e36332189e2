"""The Deep Quiz: the recipe on one riddle, and what ships: consistent, small, and silent about the answers."""

from __future__ import annotations

import json
import re

import pytest
import torch

from tests.quiz_files import check_files
from u3lab import images, nets
from u3lab._system import paths
from u3lab.lessons.saliency import riddles
from u3lab.saliency.perturbation import MaskSettings

FOLDER = paths.data("quiz", "6")
INDEX = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
WORDS = re.compile(r"[a-z]{3,}")


@pytest.fixture(scope="module")
def net():
    return nets.load("squeezenet1_1", device="cpu")


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


def test_the_recipe_on_one_riddle(net):
    riddle = riddles.RIDDLES[0]
    settings = MaskSettings(lam=riddles.LAM, steps=2)
    first, again = ([*riddles.quiz(net, settings, seed=3, riddles=(riddle,))] for _ in range(2))
    assert first == again
    [(made, jpeg, entry)] = first
    assert made is riddle and entry["file"] == "1.jpg"
    assert entry["options"][entry["answer"]] == images.label(riddle.picture)
    assert images.load(jpeg).shape == (1, 3, 227, 227)
    assert "98 % for the whole photo" in entry["why"][entry["answer"]]


def test_what_the_mask_took_is_shown_and_nothing_else():
    image = torch.rand(1, 3, 8, 8)
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., 2:5, 3:6] = 1
    shown = riddles.iconic(image, mask)
    assert torch.equal(shown[..., 2:5, 3:6], image[..., 2:5, 3:6])
    assert (shown * (1 - mask)).unique().tolist() == [0, 0.5]


def test_the_shipped_pictures_are_mostly_grey():
    for entry in INDEX:
        x = images.load((FOLDER / entry["file"]).read_bytes())
        assert ((x - 0.5).abs().amax(1) < 0.06).float().mean() > 0.7


@pytest.mark.parametrize(("value", "words"), [(0.0, "less than 1 %"), (0.005, "less than 1 %"), (0.014, "1 %"),
                                              (0.5, "50 %"), (0.98, "98 %"), (0.999, "over 99 %")])
def test_a_probability_in_words(value, words):
    assert riddles._percent(torch.tensor(value)) == words
