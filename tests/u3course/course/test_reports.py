"""A check never raises and comes back in time, whatever it is given; what it says can be read, and is true."""

import re
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.helpers import raising
from tests.u3course.course.cells import cell
from tests.u3course.course.test_guard import wait_for_answers
from u3course import course
from u3course.course import catalogue, guard
from u3course.course.guard import run


def said(answer, name="6-guided") -> str:
    report = course.check(name, answer)
    assert report.state == "not yet" and not report.passed and report.points == 0
    return report.message


RETURNED = [(None, "did you forget `return`"), ([1.0], "a list"), (np.zeros(3), "without .numpy()"), (1.5, "a float"),
            (3, "an int"), (True, "a bool"), ("x", "a str"), ({}, "a dict"), ((torch.zeros(1),) * 2, "a tuple of 2"),
            ((), "a tuple of 0"), (object(), "an object")]


@pytest.mark.parametrize("thing, message", RETURNED)
def test_wrong_types(thing, message: str):
    assert message in said(lambda p, through: thing)


def test_a_generator_a_result_instead_of_a_function_and_a_pair_of_dots():
    def yields(p, through):
        yield p

    assert "use return, not yield" in said(yields)
    assert "without brackets" in said(torch.zeros(3)) and "without brackets" in said(None)
    assert course.check("5-tikhonov", lambda *a: (..., ...)).state == "not tried yet"


def test_a_slip_shows_only_the_lines_of_the_reader():
    def inner(p):
        return p.view(-1, 10**6)  # torch raises

    def mine(p, through):
        return inner(p)

    lines = said(mine).splitlines()
    assert lines[0] == "your code raised RuntimeError"
    assert [line for line in lines if ", line " in line] == [
        f"test_reports.py, line {mine.__code__.co_firstlineno + 1}, in mine",
        f"test_reports.py, line {inner.__code__.co_firstlineno + 1}, in inner"]
    assert "    return inner(p)" in lines and any(line.startswith("RuntimeError: shape") for line in lines)
    assert lines[-1].startswith("it was called with p of shape (6,), float32; through = multiplies by")


@pytest.mark.parametrize("error, message", [
    (SystemExit(3), "use return instead"), (KeyboardInterrupt(), "KeyboardInterrupt"), (MemoryError(), "more memory"),
    (ZeroDivisionError("oh"), "ZeroDivision"), (GeneratorExit(), "GeneratorExit"), (StopIteration(), "StopIteration")])
def test_whatever_it_raises(error: BaseException, message: str):
    assert message in said(raising(error))


def test_recursion():
    def deep(p, through):
        return deep(p, through)

    message = said(deep)
    assert "calls itself without end" in message and "more calls" in message and len(message.splitlines()) < 12


def forever(p, through):
    while True:
        p = p + 1


def stubborn(p, through):
    while True:
        try:
            p = p + 1
        except:  # noqa: E722  (that is the point)
            pass


def sleepy(p, through):
    time.sleep(2.5)  # stuck in C: no exception reaches it


@pytest.mark.parametrize("answer", [forever, stubborn, sleepy])
def test_an_answer_that_never_ends(answer, monkeypatch):
    monkeypatch.setattr(guard, "SECONDS", 0.3)
    begin = time.monotonic()
    message = said(answer)
    assert time.monotonic() - begin < 2.5
    assert "still running after 0.3 seconds" in message and f"in {answer.__name__}" in message
    wait_for_answers()
    assert course.check("6-guided", lambda p, through: through(p).relu()).passed  # the next check is not disturbed


def test_the_real_deadline_is_under_ten_seconds():
    assert guard.SECONDS + guard._STOP_SECONDS < 10


def test_the_reader_can_interrupt(monkeypatch):
    """The stop button reaches the main thread; the answer is stopped and the interrupt goes on its way."""
    monkeypatch.setattr(threading.Event, "wait", raising(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        run(lambda: time.sleep(0.01), 1.0)


def test_in_place_changes_of_any_kind():
    def writes(p, through):
        p[p < 0] = 0
        return through(p)

    def grows(p, through):
        q = through(p).relu()
        p.resize_(1)
        return q

    for answer in (writes, grows):
        assert "changes its input `p` in place" in said(answer)


def test_an_answer_that_keeps_its_inputs_cannot_spoil_a_later_check():
    kept = []

    def hoards(p, through):
        for old in kept:
            old.zero_()
        kept.append(p)
        return through(p).relu()

    course.check("6-guided", hoards)
    assert course.check("6-guided", lambda p, through: through(p).relu()).passed


def test_an_answer_may_print_and_need_gradients(capsys):
    def mine(p, through):
        print("hello")
        return through(p).relu().requires_grad_()

    assert course.check("6-guided", mine).passed
    assert "hello" in capsys.readouterr().out


def test_a_small_example_is_shown_in_full_and_of_a_large_one_a_place():
    assert "wanted [1.5, 0, 0, 0, 0, 0]\ngot    [3, 0, 0, 0, 0, 0]" in said(lambda p, through: 2 * through(p).relu())
    assert "at [0, 0, 0, 0]: wanted" in said(lambda p, through: through(p).relu() + (p.numel() > 24))


@pytest.mark.parametrize("name", ["6-guide", "nothing", "", None, 7, [], "9-x", "<b>"])
def test_an_unknown_exercise_is_a_box(name):
    report = course.check(name, lambda: 0)
    assert report.state == "not tried yet" and "there is no exercise" in report.message
    assert "<b>'" not in report._repr_mimebundle_()["text/html"]


def test_a_chapter_that_cannot_be_imported_is_a_box(monkeypatch):
    monkeypatch.setitem(catalogue.CHAPTERS, "5", "u3lab.not_there")
    report = course.check("5-x", lambda: 0)
    assert "cannot be read (ModuleNotFoundError" in report.message


def test_the_box():
    mine = raising(ValueError("<script>alert(1)</script>"))
    for answer, state in ((mine, "not yet"), (..., "not tried yet"), (lambda p, t: t(p).relu(), "passed")):
        report = course.check("6-guided", answer)
        bundle = report._repr_mimebundle_()
        assert bundle["text/plain"] == repr(report) and state in bundle["text/plain"]
        page = bundle["text/html"]
        assert 'role="status"' in page and state in page and "currentColor" in page and "<script>" not in page
        assert "passed" not in page or state == "passed"
    assert "&lt;script&gt;" in course.check("6-guided", mine)._repr_mimebundle_()["text/html"]


def of_line(line: str, **names: object) -> str:
    """The report on an answer of one line to an exercise of two arguments, p (6,) and a function."""
    report = course.check("6-guided", cell(f"def rule(p, through):\n    {line}", **names))
    assert report.state == "not yet" and len(report.message.splitlines()) <= 7
    return report.message


STUB, EMPTY = cell("def my_gate(p):\n    return ..."), cell("def my_gate(p):\n    p + 1")
SENTENCES = dict(re.findall(r"^(\S.*)\n    (.+)$", Path(__file__).with_name("raised.txt").read_text(encoding="utf-8"),
                            re.MULTILINE))


@pytest.mark.parametrize("line", SENTENCES)
def test_what_an_answer_raises_is_said_in_a_sentence(line: str):
    message = of_line(line, my_gate=STUB, my_none=EMPTY)
    assert message.startswith(SENTENCES[line])


def test_a_name_that_is_not_known_shows_its_line_and_no_numbers():
    assert of_line("return oops").splitlines()[1:] == [
        "your cell, line 2, in rule", "    return oops", "NameError: name 'oops' is not defined"]


@pytest.mark.parametrize("head", ["p", "p, through, more", "", "*, p, through"])
def test_other_arguments_than_it_gets(head: str):
    report = course.check("6-guided", cell(f"def rule({head}):\n    return 0"))
    assert report.message == f"your function is called with 2 arguments, `p`, `through`; yours takes `({head})`"


def test_a_stub_is_one_only_if_it_does_nothing_else():
    assert course.check("6-guided", cell("def rule(p, through):\n    return ...")).state == "not tried yet"
    assert "calls" not in of_line("return my_gate(p) * oops", my_gate=lambda p: p[...])
    assert torch.equal(EMPTY.__globals__["torch"].ones(1), torch.ones(1))
