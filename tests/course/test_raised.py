"""What an answer raises is said in a sentence, true of the code; what is not known is called by its type."""

import re
from pathlib import Path

import pytest
import torch

from tests.course.cells import cell
from u3course import course


def said(line: str, **names: object) -> str:
    """The report on an answer of one line to an exercise of two arguments, p (6,) and a function."""
    report = course.check("6-guided", cell(f"def rule(p, through):\n    {line}", **names))
    assert report.state == "not yet" and len(report.message.splitlines()) <= 7
    return report.message


STUB, EMPTY = cell("def my_gate(p):\n    return ..."), cell("def my_gate(p):\n    p + 1")
SENTENCES = dict(re.findall(r"^(\S.*)\n    (.+)$", Path(__file__).with_name("raised.txt").read_text(encoding="utf-8"),
                            re.MULTILINE))


@pytest.mark.parametrize("line", SENTENCES)
def test_a_sentence(line: str):
    message = said(line, my_gate=STUB, my_none=EMPTY)
    assert message.startswith(SENTENCES[line])


def test_a_name_that_is_not_known_shows_its_line_and_no_numbers():
    assert said("return oops").splitlines()[1:] == [
        "your cell, line 2, in rule", "    return oops", "NameError: name 'oops' is not defined"]


@pytest.mark.parametrize("head", ["p", "p, through, more", "", "*, p, through"])
def test_other_arguments_than_it_gets(head: str):
    report = course.check("6-guided", cell(f"def rule({head}):\n    return 0"))
    assert report.message == f"your function is called with 2 arguments, `p`, `through`; yours takes `({head})`"


def test_a_stub_is_one_only_if_it_does_nothing_else():
    assert course.check("6-guided", cell("def rule(p, through):\n    return ...")).state == "not tried yet"
    assert "calls" not in said("return my_gate(p) * oops", my_gate=lambda p: p[...])
    assert torch.equal(EMPTY.__globals__["torch"].ones(1), torch.ones(1))
