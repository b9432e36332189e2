"""Every exercise: the reference passes, the stub is not tried, and mutants made by other code are recognised."""

import ast
import contextlib
import inspect
import os
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from u3course import course
from u3course.course import catalogue, repairs
from u3course.course.definitions import LEVELS
from u3course.course.diagnosis import RESULTS, mixed_up, of_loss
from u3course.course.differences import all_same
from u3course.course.edits import one_slip

ALL = {task.id: task for chapter in catalogue.CHAPTERS for task in catalogue.exercises(chapter)}


@pytest.mark.parametrize("name", ALL)
def test_the_reference_passes(name: str):
    report = course.check(name, ALL[name].reference)
    assert report.passed and report.state == "passed" and report.points == ALL[name].points > 0, report


@pytest.mark.parametrize("name", ALL)
def test_the_stub_is_not_tried(name: str):
    report = course.check(name, ...)
    assert (report.state, report.points, report.passed) == ("not tried yet", 0, False)
    assert name in repr(report) and f'course.hint("{name}")' in report.message


@pytest.mark.parametrize("name", ALL)
def test_both_kinds_of_stub(name: str):
    def stub(*_):
        return ...

    def raising(*_):
        raise NotImplementedError

    assert course.check(name, stub).state == course.check(name, raising).state == "not tried yet"


@pytest.mark.parametrize("name", ALL)
def test_what_is_written_about_it(name: str):
    task = ALL[name]
    assert 1 <= len(task.hints) <= 4 and task.difficulty in LEVELS and 1 <= task.minutes <= 60
    # The signature is code that can be copied; its arguments are those that the reference needs.
    head = ast.parse(task.signature.replace(":   #", ": ...   #")).body[0]
    assert len(head.args.args) == len(arguments(name))


def arguments(name: str) -> list[str]:
    """The names of what the reference cannot do without."""
    return [p.name for p in inspect.signature(ALL[name].reference).parameters.values() if p.default is p.empty]


def judged(name: str) -> dict[str, Any]:
    """What the judge by cases of an exercise holds: reference, cases, mistakes, tolerances."""
    judge = ALL[name].judge
    asked = (judge if isinstance(judge, partial) else inspect.getclosurevars(judge).nonlocals["judge"]).args[0]
    return {**vars(asked), "reference": asked.finished, "names": asked.names}


def slips(name: str) -> Iterator[tuple[Callable, str]]:
    """The mistakes of an exercise as functions, each with what is said."""
    asked = judged(name)
    return one_slip(ALL[name].reference, asked["mistakes"], asked["names"])


def answers(name: str, function: Callable) -> list[tuple]:
    """What a function returns in each case of an exercise, as tuples."""
    found = [function(*case) for case in judged(name)["cases"](torch.Generator().manual_seed(0))]
    return [one if isinstance(one, tuple) else (one,) for one in found]


# Exercise → how many of the changes below leave every answer as it is: a sign under a square, a scale of directions …
SAME = {"0-match": 2, "0-occlusion": 5, "0-probe": 1, "1-parallel": 1, "1-train": 4, "1b-prior": 11, "1b-masked": 5,
        "2-upright": 2, "2-contrast": 8, "2-gain": 17, "2b-step": 2, "2b-shift": 2, "2b-switch": 6, "2c-joint": 7,
        "2c-iic": 7, "2c-displaced": 6, "3-pair": 2, "3-invariance": 3, "3-find": 4, "3b-rotation": 2, "3b-align": 4,
        "3c-bump": 4, "3c-loss": 6, "4-loop": 14, "4-masked": 14, "4-psnr": 9, "4-missing": 8, "4-mean": 9, "4-stop": 4,
        "5-code": 6, "5-variation": 9, "5-tikhonov": 1, "5-sample": 4, "5-excitation": 3, "5b-climb": 8, "6-guided": 3,
        "6-agreement": 5, "6-hits": 4, "6a-hide": 2, "6a-energy": 14, "6a-descent": 8, "6b-worst": 4, "6b-ball": 7,
        "6b-quiet": 9, "6c-stitch": 1, "7-threshold": 9, "7-iou": 3, "7-layer": 7, "7b-loss": 2, "7b-descent": 2,
        "7b-sparse": 1, "7b-similarity": 9, "8-fill": 5, "8-transplant": 4, "8-flips": 14}


@pytest.mark.parametrize("name", ALL)
def test_the_cases_tell_each_change_of_an_argument_or_of_the_result(name: str):
    """Every change that diagnosis knows by name, but for those that change nothing, whatever the case is."""
    held, right = judged(name), answers(name, judged(name)["reference"])
    changes = dict([*of_loss(held["reference"]), *mixed_up(held["reference"], arguments(name))]) | {
        words: lambda *case, change=change: tuple(
            map(change, part if isinstance(part := held["reference"](*case), tuple) else (part,)))
        for words, change in (RESULTS | {"transposed": lambda y: y.transpose(0, 1)}).items()}
    told, same = 0, []
    for words, function in changes.items():
        with contextlib.suppress(Exception):  # a change that such arguments do not know
            other = not all_same(answers(name, function), right, held["rtol"], held["atol"])
            told, same = told + other, same + [words] * (not other)
    os.environ["LANG"] = os.environ.get("LANG", "C.UTF-8")  # below Python, MKL sets it to C if it is asked about NaN
    assert told > 10 and len(same) == SAME.get(name, 0), f"a case has to tell them, or SAME counts them: {same}"


def spoilt(name: str, change: Callable) -> Callable:
    """The reference with another result: a function of the first tensor that is given and of the first result."""
    def answer(*case):
        right = ALL[name].reference(*case)
        first = next(one for one in case if isinstance(one, Tensor))
        if isinstance(right, tuple):
            return change(first, right[0]), *right[1:]
        return change(first, right)
    return answer


STEPS = ("1-train", "4-stop", "6a-descent")  # whose answers are steps


@pytest.mark.parametrize("name", [name for name in ALL if name not in STEPS])
@pytest.mark.parametrize("change, words", [
    (lambda x, y: y[None], "shape|axis of length 1"), (lambda x, y: 0.3 + 1.7 * y, "right values?"),
    (lambda x, y: y.tolist(), "where a tensor is wanted"), (lambda x, y: (y, y), "your function returns a tuple"),
    (lambda x, y: (x.logical_not_() if x.dtype == torch.bool else x.add_(1)).sum() * 0 + y, "changes its input")])
def test_a_result_of_another_form_is_told(name: str, change: Callable, words: str, monkeypatch):
    monkeypatch.setattr(repairs, "SECONDS", 0)  # the lines that could be changed are those of this test
    report = course.check(name, spoilt(name, change))
    assert report.state == "not yet" and re.search(words, report.message), report.message
    assert len(report.message.splitlines()) <= 7, report.message


# Exercise → an answer that goes by its last hint, whose pieces of code are {0}, {1}, …
FOLLOWED = {
    "0-probe": "A = y.mT @ y + lam * torch.eye(y.shape[1]).to(y)\nT = F.one_hot(labels).to(y)\n"
               "return new @ torch.linalg.solve(A, y.mT @ T)",
    "1-parallel": "return F.{0} + F.conv2d(x, {1}, stride=stride)",
    "1-fold": "c = f.shape[-1] // 2\n{0}\n{1} += alpha\nreturn folded",
    "1b-prior": "return cross_entropy + sum((a - b).square().sum() for a, b in zip(weights, centres)) / ({0})",
    "2-contrast": "scores, N = F.normalize(a) @ F.normalize(b).T / tau, len(a)\n"
                  "return ({0} + F.cross_entropy({1}, torch.arange(N))) / 2",
    "3-invariance": "return {0}", "3b-turn": "return {0}", "3c-point": "p = maps.flatten(2).softmax(2)\nreturn {0}",
    "3c-loss": "return ({0} - {1}).square().mean()", "4-masked": "return {0} / {1}",
    "4-missing": "mean = target.mean((2, 3), keepdim=True)\nreturn {0}",
    "5-code": "return {0} / wanted.square().sum()", "6-guided": "return through({0})",
    "6b-worst": "if norm == 'linf':\n    return {0}\nreturn {1}",
    "6b-quiet": "return {0} + {1} ({2} + {3})",
    "6c-flip": "axis = 3\nreturn {0}",
    "6c-carry": "return {0} + {1}",
    "6c-stitch": "x0, y0 = x - x.mean(0), y - y.mean(0)\n{0}\n{1}\nreturn W, {2}",
    "7-threshold": "{0}\nreturn values.{1}", "7-iou": "return {0} / (predicted | masks).sum()",
    "7b-similarity": "{0}\nb = second - second.diag().diag()\nreturn ({1}).sum() / ({2} * b.norm())"}


@pytest.mark.parametrize("name", FOLLOWED)
def test_whoever_follows_the_last_hint_passes(name: str):
    body = FOLLOWED[name].format(*re.findall("`([^`]+)`", ALL[name].hints[-1]))
    names = {"torch": torch, "F": F}
    exec(ALL[name].signature.partition("#")[0] + "\n    " + body.replace("\n", "\n    "), names)
    report = course.check(name, next(value for key, value in names.items() if key.startswith("my_")))
    assert report.passed, report.message


@pytest.mark.parametrize("chapter", catalogue.CHAPTERS)
def test_a_chapter_has_its_row_and_no_quiz_whose_answers_stand_at_one_place(chapter: str):
    tasks, asked = catalogue.exercises(chapter), sum(map(len, catalogue.quizzes(chapter).values()))
    (row,) = re.findall(rf"^chapter {chapter} .*", str(course.progress()), re.MULTILINE)
    counts = f"0 of {len(tasks)} 0 of {sum(task.points for task in tasks)} 0 of {asked}"
    assert row.split() == f"chapter {chapter} {counts}".split() and 2 <= len(tasks) <= 6 and asked >= 3
    assert len({question.answer for question in catalogue.questions(chapter)}) > 1 or chapter == "0"


SINGLE = {"1-train", "4-stop", "6-hits", "7-iou", "7-layer", "7b-descent", "7b-similarity", "8-flips"}


@pytest.mark.parametrize("name", sorted(ALL.keys() - SINGLE))
def test_an_answer_in_another_precision_is_told(name: str):
    assert "float32, and float64 is wanted" in course.check(name, spoilt(name, lambda x, y: y.float())).message


@pytest.mark.parametrize("name", ALL)
def test_at_most_five_mistakes_are_named(name: str):
    """Those that students of this formula make; the others are found by the course."""
    named = [mistake.message for mistake in judged(name)["mistakes"]]
    assert 1 <= len(named) <= 5 and len(set(named)) == len(named)


@pytest.mark.parametrize("name", ALL)
def test_each_named_mistake_gets_its_own_message(name: str):
    """No mistake hides behind another, and none is right by accident."""
    for function, message in slips(name):
        report = course.check(name, function)
        assert report.state == "not yet" and report.message == message


def trained(*given: Any):
    return ALL["1-train"].reference(*given)


@pytest.mark.parametrize("name, mutant, message", [
    ("1-train", lambda *given: list(trained(*given)), "your function does not yield"),
    ("1-train", lambda *given: None, "your function does not yield"),
    ("1-train", lambda *given: (torch.tensor(one) for one in trained(*given)), "you yield a Tensor"),
    ("3c-loss", lambda look, points, bumps, draw, x, target: (draw(look(target), bumps(points(x))) - x).square().mean(),
     "`x` and `target` in each other's place"),
    ("7b-similarity", lambda a, b: (a * b).sum() / ((a * a).sum() * (b * b).sum()),
     "and the square roots are missing")])
def test_what_is_no_mistake_that_an_exercise_names_is_told(name: str, mutant: Callable, message: str):
    report = course.check(name, mutant)
    assert report.state == "not yet" and report.points == 0 and message in report.message
