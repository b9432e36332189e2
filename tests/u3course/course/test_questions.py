"""Quizzes as text: what a file says is what is asked, and a broken one is told in a sentence with its line."""

from pathlib import Path

import pytest

from evidence._riddles import riddles_of
from tests.helpers import refuses
from u3course.course import catalogue, state
from u3course.course.questions import questions, read_questions
from u3lab import U3Error
from u3lab._system import paths

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
    refuses(read_questions, written(b"## \xff\xfe"), says=r"6\.md is no text in UTF-8")


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


def test_a_question_with_an_id_is_known_by_it_wherever_it_stands(written):
    file = written(GOOD.replace("a or *b*?", "a or *b*? {#larger 4}").replace("now?", "now? {#now 0 retired}"))
    first, second = questions(file)
    assert (first.text, first.id, first.was, first.retired) == ("Which is larger, a or *b*?", "larger", "4", False)
    assert (second.text, second.id, second.was, second.retired) == ("And now?", "now", "0", True)
    refuses(questions, written(file.read_text().replace("#now", "#larger")), says=r"6\.md has two questions {#larger}")
    assert [one.id for one in questions(written(GOOD))] == ["", ""]


@pytest.fixture
def reformed(written, monkeypatch, tmp_path):
    """Chapter 6 in a new form: one question has an id and was the third, one is retired, one is new; and an exercise
    that is gone."""
    file = written(GOOD.replace("a or *b*?", "a or *b*? {#larger 2}").replace("now?", "now? {#now 0 retired}")
                   + GOOD.partition("\n\n")[2].partition("## And")[0].replace("Which is larger", "Which is smaller"))
    monkeypatch.setattr(catalogue.paths, "data", lambda *parts: file)
    monkeypatch.setattr(catalogue, "RETIRED", frozenset({"6-gone"}))
    monkeypatch.setattr(catalogue, "CHAPTERS", {"6": "saliency"})
    monkeypatch.setattr(catalogue, "quizzes", lambda chapter: {chapter: catalogue.questions(chapter)})
    monkeypatch.setenv("U3LAB_STATE", str(tmp_path))
    catalogue._renamed.cache_clear()
    yield
    catalogue._renamed.cache_clear()


def test_what_was_answered_in_an_older_form_still_counts(reformed):
    assert [one.text.split()[2] for one in catalogue.questions("6")] == ["larger,", "smaller,"]
    assert catalogue.asked("6") == {"6/larger", "6/1"}
    assert [catalogue.today(key) for key in ("6/2", "6/0", "6/1", "9/9")] == ["6/larger", "6/now", "6/1", "9/9"]
    for kind, key in (("questions", "6/2"), ("questions", "6/0"), ("exercises", "6-gone")):
        state.record(kind, key)
    said = str(state.progress())
    assert "1 of 2" in said
    assert said.endswith("2 more of earlier forms of the notebooks, which nobody is asked any more")


def test_an_exercise_of_an_earlier_form_says_where_the_new_one_is(reformed):
    refuses(catalogue.find, "6-gone", says="6-gone belongs to an earlier form of its notebook")
