"""The Deep Quizzes of chapters 5b and 6 as they ship: complete, small, silent about the answers; and who knows them."""

import json
import re

import pytest
import torch
from PIL import Image

from evidence.icons import RIDDLES
from evidence.mask_riddles import RIDDLES as MASKS
from u3course.course import catalogue
from u3course.lessons.inversion import icon_table as icons
from u3lab import images, nets
from u3lab._system import paths

FOLDERS = {quiz: paths.data("quiz", quiz) for quiz in ("5", "6")}
INDEX = {quiz: json.loads((folder / "index.json").read_text(encoding="utf-8")) for quiz, folder in FOLDERS.items()}


def words(text: str, least: int) -> set[str]:
    """The words of so many letters or more."""
    return set(re.findall(rf"[a-z]{{{least},}}", text.lower()))


@pytest.fixture(scope="module")
def judge():
    return nets.load(icons.JUDGE, device="cpu")


@pytest.mark.parametrize("quiz, count, side, most", [("5", len(RIDDLES), 160, 16_000), ("6", len(MASKS), 227, 20_000)])
def test_the_files_are_those_of_the_index_in_order_square_small_and_without_metadata(quiz, count, side, most):
    names = [f"{number}.jpg" for number in range(1, count + 1)]
    assert [entry["file"] for entry in INDEX[quiz]] == names and len(RIDDLES) >= 20
    assert sorted(path.name for path in FOLDERS[quiz].iterdir()) == sorted([*names, "index.json"])
    for name in names:
        with Image.open(FOLDERS[quiz] / name) as picture:
            assert picture.size == (side, side) and picture.format == "JPEG" and not picture.getexif()
        assert (FOLDERS[quiz] / name).stat().st_size <= most
    assert {entry["answer"] for entry in INDEX["5"]} == {0, 1, 2, 3}
    assert len({entry["answer"] for entry in INDEX["6"]}) > 1


@pytest.mark.parametrize("entry", INDEX["6"], ids=lambda entry: entry["file"])
def test_a_mask_is_complete_and_gives_nothing_away(entry, net):
    assert set(entry) == {"file", "alt", "options", "answer", "why"}
    options, answer = entry["options"], entry["answer"]
    assert len(set(options)) == len(entry["why"]) == 4 and set(options) <= set(net.classes)
    assert ["when these parts are blurred" in text for text in entry["why"]] == [i == answer for i in range(4)]
    shown = [entry["alt"], *(text for i, text in enumerate(entry["why"]) if i != answer)]
    assert not words(options[answer], 3) & words(" ".join(shown), 3)
    assert not words(entry["alt"], 3) & words(" ".join(options), 3)


@pytest.mark.parametrize("entry", INDEX["5"], ids=lambda entry: entry["file"])
def test_an_icon_is_complete_and_gives_nothing_away(entry, judge):
    options = entry["options"]
    assert len(set(options)) == len(entry["why"]) == 4 and set(options) <= set(judge.classes)
    [riddle] = [riddle for riddle in RIDDLES if riddle.name == options[entry["answer"]]]
    assert set(options) == {riddle.name, *riddle.wrong} and entry["alt"] == f"A made picture: {riddle.sight}."
    for option, why in zip(options, entry["why"], strict=True):
        assert why.startswith(riddle.truth if option == riddle.name else riddle.wrong[option])
    assert entry["garish"] == riddle.garish and not words(entry["alt"], 4) & words(" ".join(options), 4)


def test_the_masks_answers_are_their_pictures_classes_and_most_of_them_is_grey():
    answers = {entry["options"][entry["answer"]] for entry in INDEX["6"]}
    assert answers == {images.label(riddle.picture) for riddle in MASKS}
    for entry in INDEX["6"]:
        x = images.load((FOLDERS["6"] / entry["file"]).read_bytes())
        assert ((x - 0.5).abs().amax(1) < 0.06).float().mean() > 0.7


def test_some_icons_are_marked_as_hard_for_people_and_most_are_not():
    marked = [question.text for question in catalogue.questions("5-deep")]
    assert marked.count(catalogue.GARISH) == sum(riddle.garish for riddle in RIDDLES) > 0
    assert marked.count(catalogue.RIDDLE) > len(marked) / 2


def test_a_network_that_had_no_part_in_them_knows_the_icons(judge):
    """At least 12 of 20 was the aim; the places are computed anew from the files."""
    found = [icons.places(judge, x, [name])[0] for x, name in icons.quiz_pictures()]
    assert sum(place <= 5 for place in found) >= 0.9 * len(found)
    assert sum(place == entry["place"] for place, entry in zip(found, INDEX["5"], strict=True)) > 0.8 * len(found)


def test_the_network_they_were_made_for_is_certain_of_them_moved(net):
    with torch.no_grad():
        sure = [float(net(x.roll((5, 9), (2, 3))).softmax(1)[0, net.class_index(name)])
                for x, name in icons.quiz_pictures()]
    assert sum(p > 0.99 for p in sure) > 0.9 * len(sure)
