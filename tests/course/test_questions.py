"""Quizzes as text: what a file says is what is asked, and a broken one is told in a sentence with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from u3lab import U3Error
from u3lab._system import paths
from u3lab.course import catalogue
from u3lab.course.questions import questions, read_questions
from u3lab.lessons.riddles import riddles_of

GOOD = """# A quiz, with a line for people

## Which is larger,
a or *b*?

- [ ] a, since it comes first
  and is shorter
  > No: "first" says
  > nothing, nor does < or &.
- [X] b
  > Yes.

## And now?
- [x] a
> It grew.
- [ ] b
> It
did not.
"""


@pytest.fixture
def written(tmp_path: Path):
    def write(text: str | bytes) -> Path:
        file = tmp_path / "6.md"
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file
    return write


def test_words_are_taken_as_they_stand_and_lines_joined(written):
    first, second = questions(written(GOOD))
    assert first.text == "Which is larger, a or *b*?" and first.options == (
        "a, since it comes first and is shorter", "b")
    assert first.why == ('No: "first" says nothing, nor does < or &.', "Yes.") and first.answer == 1
    assert (second.text, second.options, second.answer, second.why) == ("And now?", ("a", "b"), 0, (
        "It grew.", "It did not."))
    assert questions(written(GOOD.replace("\n", "\r\n"))) == (first, second)


@pytest.mark.parametrize("spoilt, said", [
    (("- [X] b", "- [ ] b"), "line 3: the question 'Which is larger,' has no right options"),
    (("- [ ] a, since", "- [x] a, since"), "has 2 right options"),
    (("  > Yes.\n", ""), "says nothing to 'b'"),
    (("  > No: \"first\" says\n  > nothing, nor does < or &.\n", ""), "says nothing to 'a, since"),
    (("- [ ] b\n> It", "- [ ] a\n> It"), "no two alike"),
    (("- [ ] b\n> It\ndid not.\n", ""), "needs two options"),
    (("- [ ] b\n> It", "- [ ] \n> It"), "none empty"),
    (("- [X] b", "- [y] b"), "line 10: '- [y] b' is neither"),
    (("- [X] b", "-[x] b"), "line 10: '-[x] b' is neither"),
    (("- [x] a", "- a"), "line 14: '- a' is neither"),
    (("## And now?", "### And now?"), "line 13: '### And now?' is neither"),
    (("## And now?\n", "## \n"), "has no words"),
    (("- [x] a\n", ""), "line 14: nothing is above this"),
    (("## ", "# "), "asks nothing"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_a_broken_file_is_told_by_its_line(written, spoilt, said):
    assert spoilt[0] in GOOD
    with pytest.raises(U3Error) as raised:
        read_questions(written(GOOD.replace(*spoilt)))
    assert said in str(raised.value) and str(raised.value).startswith("6.md") and "\n" not in str(raised.value)


def test_what_is_no_text(written):
    with pytest.raises(U3Error, match=r"6\.md is no text in UTF-8"):
        read_questions(written(b"## \xff\xfe"))


def test_every_file_belongs_to_a_quiz_and_every_quiz_has_a_file():
    named = {f"{chapter}.md" for chapter in catalogue.CHAPTERS} | {"5-riddles.md", "6-riddles.md"}
    assert {file.name for file in paths.data("quiz").glob("*.md")} == named


@pytest.mark.parametrize("chapter, marked", [("5", True), ("6", False)])
def test_riddles_are_those_of_the_index(chapter: str, marked: bool):
    """Each question of the Deep Quiz is one riddle, in the file's words."""
    posed = catalogue.questions(f"{chapter}-deep")
    assert len(posed) == len(riddles_of(chapter))
    for riddle in riddles_of(chapter):
        [question] = [question for question in posed if question.alt.endswith(f": {riddle.sight}.")]
        said = dict(zip(question.options, question.why, strict=True))
        right = question.options[question.answer]
        assert {*riddle.wrong, right} == set(said) and said[right][1:].startswith(riddle.truth[1:])
        assert all(said[option][1:].startswith(against[1:]) for option, against in riddle.wrong.items())
    assert any(riddle.garish for riddle in riddles_of(chapter)) == marked
