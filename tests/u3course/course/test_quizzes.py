"""Quizzes: nothing chosen at first, a word on every option, a right answer is kept; the Deep Quiz shows pictures.

The first answer to a riddle is kept, and counted over the files of a class.
"""

import io
import json
from pathlib import Path

import ipywidgets
import pytest
from PIL import Image

from tests.helpers import refuses
from u3course import course
from u3course.course import catalogue, state
from u3lab import U3Error
from u3lab._system import paths


def parts(live):
    """(head, choice, explanation) of each question."""
    children = live.widget.children
    return list(zip(children[::3], children[1::3], children[2::3], strict=True))


# Quiz → how the right answer to each question begins. An index alone moves unnoticed when options are written anew.
KEYS = json.loads(Path(__file__).with_name("keys.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("chapter", catalogue.CHAPTERS)
def test_every_option_is_explained_and_the_right_one_begins_as_the_keys_say(chapter: str):
    for name, questions in catalogue.quizzes(chapter).items():
        begin = [tuple(option.startswith(key) for option in question.options)
                 for question, key in zip(questions, KEYS[name], strict=True)]
        assert begin == [tuple(k == question.answer for k in range(len(question.options))) for question in questions]
    questions = catalogue.questions(chapter)
    assert len(questions) >= 3
    for n, (question, (head, choice, why)) in enumerate(zip(questions, parts(course.quiz(chapter)), strict=True)):
        assert isinstance(choice, ipywidgets.RadioButtons) and choice.index is None and why.value == ""
        assert f"Question {n + 1}" in head.value
        seen = set()
        for k in range(len(question.options)):
            choice.index = k
            assert ("✓ yes" in why.value) == (k == question.answer) and 'role="status"' in why.value
            assert len(question.why[k]) > 20
            seen.add(why.value)
        assert len(seen) == len(question.options)


def test_each_quiz_has_keys_and_the_keys_have_a_quiz():
    assert set(KEYS) == {name for chapter in catalogue.CHAPTERS for name in catalogue.quizzes(chapter)}


def test_right_answers_are_kept():
    (_, first, why), (_, second, _), *_ = parts(course.quiz("6"))
    first.index = 0
    second.index = catalogue.questions("6")[1].answer
    assert state.load()[0]["questions"] == {"6/disc"}
    first.index = catalogue.questions("6")[0].answer
    assert state.load()[0]["questions"] == {"6/drawing", "6/disc"} and "2 of" in str(course.progress())
    first.index = 0  # to look at the other explanations costs nothing
    assert state.load()[0]["questions"] == {"6/drawing", "6/disc"} and "no" in why.value
    assert state.FIRST not in json.loads(state.file().read_text())  # of a quiz of words


def test_without_a_kernel_it_shows_questions_and_no_answers():
    bundle = course.quiz("6")._repr_mimebundle_()
    for question in catalogue.questions("6"):
        assert question.text in bundle["text/plain"]
        assert all(f"  - {option}" in bundle["text/plain"] for option in question.options)
        assert not any(why in bundle["text/html"] or why in bundle["text/plain"] for why in question.why)
    assert "application/vnd.jupyter.widget-view+json" in bundle and "<li>" in bundle["text/html"]


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """A Deep Quiz of two questions in a folder of the test."""
    folder = tmp_path / "quiz" / "6"
    folder.mkdir(parents=True)
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, "JPEG")
    rows = [{"file": f"{n}.jpg", "alt": f"a red square <{n}>", "options": ["espresso", "tripod", "hen"], "answer": n,
             "why": ["no cup", "three legs", "no beak"]} for n in (0, 1)]
    for row in rows:
        (folder / row["file"]).write_bytes(file.getvalue())
    (folder / "index.json").write_text(json.dumps(rows))
    shipped = paths.data

    def data(*names):
        if names[0] != "quiz" or names[-1].endswith(".md"):
            return shipped(*names)
        if not tmp_path.joinpath(*names).exists():
            raise U3Error("the shipped file is missing")
        return tmp_path.joinpath(*names)

    monkeypatch.setattr(paths, "data", data)
    return folder


def test_the_deep_quiz(pictures):
    (head, choice, why), _ = parts(course.quiz("6-deep"))
    assert '<img src="data:image/jpeg;base64,' in head.value and 'alt="a red square &lt;0&gt;"' in head.value
    choice.index = 1
    assert "three legs" in why.value and "✓" not in why.value
    choice.index = 0
    assert "no cup" in why.value and "✓" in why.value
    assert state.load()[0]["questions"] == {"6-deep/0"}
    assert f"1 of {len(catalogue.questions('6')) + 2}" in str(course.progress())
    bundle = course.quiz("6-deep")._repr_mimebundle_()
    assert bundle["text/html"].count("<img") == 2 and "[a red square <0>]" in bundle["text/plain"]


def test_a_chapter_without_pictures_has_no_deep_quiz(pictures):
    assert set(catalogue.quizzes("0")) == {"0"} and set(catalogue.quizzes("6a")) == {"6a", "6-deep"}
    refuses(course.quiz, "0-deep", says="missing")


@pytest.mark.parametrize("name", ["9", "deep", "9-deep", "", None, 6])
def test_an_unknown_quiz(name):
    refuses(course.quiz, name, says="choose one of 0, 1, 1b, 2, 2b, 2c, 3, 3b, 3c, 4, 5, 5b, 6")


def test_nothing_is_kept_while_nbgrader_runs(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    _, choice, _ = parts(course.quiz("0"))[0]
    choice.index = catalogue.questions("0")[0].answer
    assert state.load()[0]["questions"] == set()


def test_the_first_answer_stays():
    answer = catalogue.questions("5-deep")[3].answer
    _, choice, _ = parts(course.quiz("5-deep"))[3]
    choice.index = wrong = (answer + 1) % 4
    choice.index = answer
    assert json.loads(state.file().read_text())[state.FIRST] == [f"5-deep/3={wrong}"]
    assert state.load()[0]["questions"] == {"5-deep/3"}
    counts = course.first_answers("5-deep")
    assert counts[3] == (0, 1) and counts[:3] == [(0, 0)] * 3


def test_a_class_is_counted_and_other_files_are_passed_over(tmp_path):
    answer = catalogue.questions("5-deep")[0].answer
    for name, chosen in (("ada", answer), ("ben", answer), ("eve", (answer + 1) % 4)):
        (tmp_path / name).mkdir()
        later = f"5-deep/0={(chosen + 2) % 4}"  # nobody's u3lab writes a second one, but an editor does
        (tmp_path / name / "progress.json").write_text(json.dumps({state.FIRST: [f"5-deep/0={chosen}", 7, later]}))
    for number, other in enumerate(("[]", "{", "7", '{"first": "x"}', "{}")):
        (tmp_path / f"{number}.json").write_text(other)
    counts = course.first_answers("5-deep", tmp_path)
    assert counts[0] == (2, 3) and set(counts[1:]) == {(0, 0)}
    assert set(course.first_answers("5-deep")) == {(0, 0)}
    refuses(course.first_answers, "5-deep", tmp_path / "nobody", says="there is no folder")


@pytest.mark.parametrize("spoilt", ["x", [7], {"a": 1}])
def test_what_is_of_another_form_is_left_alone(spoilt):
    content = {"exercises": [], "questions": [], state.FIRST: spoilt}
    state.file().parent.mkdir(parents=True, exist_ok=True)
    state.file().write_text(json.dumps(content))
    state.record_first("5-deep/0", 1)
    assert json.loads(state.file().read_text()) == content
