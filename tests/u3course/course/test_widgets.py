"""The box of an exercise, hints that open one by one, solutions that are the library's own source."""

import inspect

import ipywidgets
import pytest

from tests.helpers import refuses
from u3course import course
from u3course.course import catalogue, page
from u3lab.saliency import perturbation, relevance

ALL = {task.id: task for chapter in catalogue.CHAPTERS for task in catalogue.exercises(chapter)}


def test_hints_open_one_by_one():
    hints = ALL["6-guided"].hints
    for count in (1, 2, 3, 3):  # after the last one, all stay
        shown = course.hint("6-guided")
        assert [hint in shown.text for hint in hints] == [n < count for n in range(3)]
        assert f"hint {count} of 3" in shown.text and "hint 4" not in shown.text
    assert "hint 2" not in course.hint("6-hits").text  # each exercise counts for itself


@pytest.mark.parametrize("name", ALL)
def test_the_solution_is_the_source(name: str):
    task = ALL[name]
    for function in (task.reference, *task.helpers):
        assert inspect.getsource(function).rstrip() in course.solution(name).text
    assert task.reference.__module__ in course.solution(name).text


def test_the_library_uses_the_references():
    """A solution that nobody else calls could be wrong for years."""
    assert "price(m, settings" in inspect.getsource(perturbation._search)
    assert "return cam(kept[layer]" in inspect.getsource(relevance._grad_cam)
    assert "modulate(activation" in inspect.getsource(relevance.cam)


def test_a_solution_as_a_page():
    shown = page.python("def f(x):\n    return x < 1  # less & more\n")
    assert "mirror-editor-keyword-color" in shown and "mirror-editor-comment-color" in shown
    assert "&lt;" in shown and "&amp; more" in shown and " < 1" not in shown


@pytest.mark.parametrize("name", ALL)
def test_the_box(name: str):
    task, live = ALL[name], course.exercise(name)
    bundle = live._repr_mimebundle_()
    assert {"application/vnd.jupyter.widget-view+json", "text/html", "text/plain"} <= set(bundle)
    for fact in (task.title, task.difficulty, f"{task.minutes} minutes", task.id):
        assert fact in bundle["text/html"] and fact in bundle["text/plain"]
    assert task.goal in bundle["text/plain"] and task.signature in bundle["text/plain"]
    assert "display" not in bundle["text/plain"]


def test_the_buttons_do_the_same_as_the_functions():
    live = course.exercise("6-agreement")
    _, row, below_hint, below_solution = live.widget.children
    hint, solution = row.children
    assert isinstance(hint, ipywidgets.Button) and (hint.description, solution.description) == ("Hint", "Solution")
    assert below_hint.value == below_solution.value == ""
    hint.click()
    assert "hint 1 of 3" in below_hint.value and "hint 2" not in below_hint.value
    assert "hint 2 of 3" in course.hint("6-agreement").text  # one count for both
    hint.click()
    assert "hint 3 of 3" in below_hint.value and below_solution.value == ""
    solution.click()
    assert below_solution.value == course.solution("6-agreement").html


def test_words():
    assert page.words("a `b < c` d") == "a <code>b &lt; c</code> d"
    assert page.words("a lone ` stays") == "a lone ` stays"
    assert page.words("it is *not* so, `2*a*b` is") == "it is <em>not</em> so, <code>2*a*b</code> is"
    for plain in ("2 * 3 * 4", "a*b*c", "f(*args, **more)", "a * lone one"):
        assert page.words(plain) == plain


@pytest.mark.parametrize("function", [course.exercise, course.hint, course.solution, course.yours])
def test_an_unknown_exercise(function):
    refuses(function, "6-guide", says="did you mean '6-guided'")
    refuses(function, "x", says="choose one of 0-match, ")


def test_definitions_refuse_slips():
    given = {field: getattr(ALL["6-guided"], field) for field in ALL["6-guided"].__dataclass_fields__}
    for field, value in (("id", "6 guided"), ("id", "guided"), ("difficulty", "so-so")):
        refuses(course.Exercise, **{**given, field: value}, says="6|guided")
    for options, answer, why, picture in ((("a", "a"), 0, ("", ""), b""), (("a", "b"), 0, ("",), b""),
                                          (("a", "b"), 2, ("", ""), b""), (("a", "b"), 0, ("", ""), b"x")):
        refuses(course.Question, "?", options, answer, why, picture)
