"""One small change of an answer's own lines that makes it right is named, and no other."""

import itertools
import re
import time
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from tests.helpers import raising
from tests.u3course.course.cells import cell
from u3course import course
from u3course.course import catalogue, judging, repairs
from u3course.course.repairs import repairs as tried

EACH = re.findall(r"^## (\S+): (.*)\n((?:(?!##).*\n)+)",
                  Path(__file__).with_name("repairs.txt").read_text(encoding="utf-8"), re.MULTILINE)


def answer(name: str, lines: str):
    head = catalogue.find(name).signature.partition("   #")[0]
    return cell(head + "\n" + "\n".join(f"    {line}" for line in lines.splitlines()))


@pytest.mark.parametrize("name, words, lines", EACH)
def test_what_mends_an_answer_is_named(name: str, words: str, lines: str):
    mine = answer(name, lines)
    report = course.check(name, mine)
    said = report.message.splitlines()
    assert report.state == "not yet" and words in said[0] and len(said) <= 7, report.message
    ways = itertools.chain(tried(mine, near=True), tried(mine, near=False))
    assert course.check(name, next(function for told, function in ways if told in said[0])).passed
    assert course.check(name, mine).message == report.message  # the lines are as they were


SIZE = "(image - original).square().mean().sqrt()"
RIGHT = f"return (original + (image - original) * (eps / {SIZE}.clamp(min=eps))).clamp(0, 1)"
FAR_OFF = RIGHT.replace("(original + (image", "(original.cos() / 3 + (image.exp()")
UNTRIED = {"a loop that may never end": f"while eps < 0:\n    eps = eps + 1\n{FAR_OFF}", "files": f"open\n{FAR_OFF}"}


@pytest.mark.parametrize("why", UNTRIED)
def test_what_is_not_tried(why: str):
    for near in (True, False):
        assert list(tried(answer("6b-ball", UNTRIED[why]), near)) == []


def test_lines_that_are_not_known_or_not_the_readers():
    space: dict = {}
    exec("def mine(x): return x", space)
    for function in (space["mine"], print, torch.relu, F.relu, "no function", [lambda x: x, 1][0]):
        assert list(tried(function, near=True)) == []


def test_a_lambda_and_a_decorated_function():
    source = RIGHT.removeprefix("return ").replace("(original + ", "(image + ")
    for made in (f"mine = lambda image, original, eps: {source}",
                 f"@torch.no_grad()\ndef mine(image, original, eps):\n    return {source}"):
        assert "right with `original + (image" in course.check("6b-ball", cell(made)).message


def test_what_is_tried_stays_within_its_time_and_prints_nothing(monkeypatch, capsys):
    mine = answer("6b-ball", f"print('once a case')\n{FAR_OFF}")
    assert "does not have the right values yet; here" in course.check("6b-ball", mine).message
    assert capsys.readouterr().out == "once a case\n" * 5
    monkeypatch.setattr(repairs, "SECONDS", 0.1)
    begin = time.thread_time()
    many = sum(1 for near in (True, False) for _ in tried(mine, near))
    assert 10 < many and time.thread_time() - begin < 0.5


def test_a_slow_answer_is_judged_in_time(monkeypatch):
    monkeypatch.setattr(judging, "PATIENCE", 0.5)
    slow = answer("6b-ball", f"wait(0.2)\n{FAR_OFF}")
    slow.__globals__["wait"] = time.sleep
    begin = time.monotonic()
    assert "does not have the right values yet; here" in course.check("6b-ball", slow).message
    assert time.monotonic() - begin < 4


def test_a_change_that_ends_python_is_not_made():
    mine = answer("6b-ball", f"if eps < 0:\n    leave()\n{FAR_OFF}")
    mine.__globals__["leave"] = raising(SystemExit())
    assert "does not have the right values yet; here" in course.check("6b-ball", mine).message
