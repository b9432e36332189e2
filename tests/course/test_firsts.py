"""The first answer to a riddle is kept, and counted over the files of a class."""

import json

import pytest

from tests.course.test_quizzes import parts
from tests.helpers import refuses
from u3lab import course
from u3lab.course import catalogue, state


def test_the_first_answer_stays():
    answer = catalogue.questions("5-deep")[3].answer
    _, choice, _ = parts(course.quiz("5-deep"))[3]
    choice.index = wrong = (answer + 1) % 4
    choice.index = answer
    assert json.loads(state.file().read_text())[state.FIRST] == [f"5-deep/3={wrong}"]
    assert state.load()[0]["questions"] == {"5-deep/3"}
    counts = course.first_answers("5-deep")
    assert counts[3] == (0, 1) and counts[:3] == [(0, 0)] * 3


def test_a_quiz_of_words_keeps_no_first_answers():
    _, choice, _ = parts(course.quiz("5b"))[0]
    choice.index = 0
    assert not state.file().exists() or state.FIRST not in json.loads(state.file().read_text())


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
