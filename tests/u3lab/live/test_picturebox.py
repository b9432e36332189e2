"""The picture box: a menu of shipped pictures, and the student's own file beside it."""

import pytest
import torch

from tests.helpers import refuses
from tests.u3lab.live.toys import png, upload
from u3lab import images
from u3lab.live import PictureBox


@pytest.fixture
def box():
    made = PictureBox(["dog", "coffee"])
    made.seen = []
    made.observe(lambda change: made.seen.append(change["new"]), names="value")
    return made


def labels(box):
    return [label for label, _ in box.menu.options]


def test_the_menu_chooses(box):
    assert box.value == "dog" and labels(box) == ["dog", "coffee"]
    box.menu.value = "coffee"
    assert box.value == "coffee" and box.seen == ["coffee"]


def test_without_names_all_everyday_pictures_are_there_and_a_name_alone_is_one():
    assert labels(PictureBox()) == images.names("everyday") and labels(PictureBox("coffee")) == ["coffee"]


def test_a_good_file_is_chosen_at_once_and_only_it_is_told(box):
    box.menu.value = "coffee"
    upload(box, "mine.png", png("red"))
    assert box.value == box.menu.value == png("red") and box.line.value == ""
    box.menu.value = "dog"  # back, and forth
    box.menu.value = png("red")
    assert box.seen == ["coffee", png("red"), "dog", png("red")]
    assert labels(box) == ["dog", "coffee", "your own: mine.png"]
    assert torch.equal(images.load(box.value)[0, :, 0, 0], torch.tensor([1.0, 0.0, 0.0]))


def test_a_second_file_replaces_the_first(box):
    upload(box, "mine.png", png("red"))
    upload(box, "other.png", png("blue"))
    assert box.value == png("blue") and labels(box) == ["dog", "coffee", "your own: other.png"]
    assert box.seen == [png("red"), png("blue")]


@pytest.mark.parametrize("content", [b"", b"not a picture", png("red")[:30], b"\0" * 128 + b"DICM" + b"rubbish"])
def test_a_bad_file_is_one_line_and_the_picture_stays(box, content):
    box.menu.value = "coffee"
    upload(box, "<my>.jpg", content)
    assert box.value == "coffee" and box.seen == ["coffee"] and labels(box) == ["dog", "coffee"]
    assert box.line.value.startswith('<b role="alert">&lt;my&gt;.jpg') and "\n" not in box.line.value
    box.menu.value = "dog"
    assert box.line.value == "" and box.value == "dog"
    upload(box, "<my>.jpg", content)
    upload(box, "mine.png", png("red"))
    assert box.line.value == "" and box.value == png("red")


@pytest.mark.parametrize("names, words", [(["dog", "cofee"], "did you mean 'coffee'"), ("cofee", "did you mean"),
                                          ([], "at least one"), (3, "names = 3"), ([None], "names of pictures")])
def test_names_that_are_none(names, words):
    refuses(PictureBox, names, says=words)
