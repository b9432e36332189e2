"""Slips that students make, each through the judge as ``course.check`` runs it: none passes, most are named.

So are right answers by other ways than the references, loops and other libraries among them: all pass.
"""

import ast
import json
import linecache
import math
import re
import tempfile
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.u3course.lessons import slips
from u3course import course
from u3course.course import catalogue, guard, judging, repairs
from u3course.course.reports import Report

ALL = slips.every()
NOTEBOOKS = Path(__file__).parents[3] / "notebooks"
DETAILS = 6  # lines below the sentence, at most
NAMED = 0.9  # of all slips, at least
CELLS = count(1)
# What a message may say of a slip that it does not name: all else asserts a cause.
UNSPECIFIC = re.compile(r"(part \d of )?the answer has the shape .* is wanted|(two tensors do not fit together: .*"
                        r"|matrices of .* have no product: .*|there is no place .*)?\s?(\w+Error: .*)?")
# By exercise; all others are named.
UNNAMED: dict[str, set[str]] = {
    "0-probe": {"the weights, not the scores"}, "1-parallel": {"no sum over channels"},
    "1b-predicted": {"M is left out"}, "2-upright": {"the share that is right"}, "2b-step": {"the gradient"},
    "2b-switch": {"rows twice"}, "2c-displaced": {"the other way"}, "3b-align": {"no sum"},
    "5-variation": {"the square of the sum"},
    "5-tikhonov": {"Mᵀ is missing on the right"}, "5b-climb": {"the largest score, not that of k"},
    "6-agreement": {"not divided"}, "6-hits": {"one argsort"},
    "6-guided": {"a vector of the positive ones", "the sum of both", "through is a function"},
    "7-layer": {"one threshold for all units"}, "7b-sparse": {"topk's pair"},
    "8-fill": {"shifted by one, of another size"}, "8-transplant": {"a tuple as an index", "the whole slice"}}


@cache
def imports(exercise: str) -> str:
    """What the notebook of an exercise imports."""
    for file in sorted(NOTEBOOKS.glob("*.ipynb")):
        cells = [cell for cell in json.loads(file.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
        if any(f"exercise-{exercise}" in cell["metadata"].get("tags", ()) for cell in cells):
            lines = [line for cell in cells for line in ast.parse("".join(cell["source"])).body]
            return "\n".join(ast.unparse(line) for line in lines if isinstance(line, ast.Import | ast.ImportFrom))
    raise AssertionError(f"no notebook has a stub of {exercise}")


def checked(exercise: str, source: str) -> Report:
    """What ``course.check`` says of the function of a cell; its source can be looked up, as in a notebook."""
    name = f"{tempfile.gettempdir()}/ipykernel_1/{next(CELLS)}.py"
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(imports(exercise), space)
    exec(compile(source, name, "exec"), space)
    return course.check(exercise, space[re.findall(r"^def (\w+)", source, re.MULTILINE)[-1]])


@pytest.fixture(autouse=True)
def no_clock(monkeypatch):
    """What a message says must not depend on how busy the machine is; the first optimiser imports half of torch."""
    torch.optim.Adam([torch.zeros(1, requires_grad=True)])
    monkeypatch.setattr(repairs, "SECONDS", math.inf)
    monkeypatch.setattr(judging, "PATIENCE", math.inf)
    monkeypatch.setattr(guard, "SECONDS", 600)


@pytest.mark.parametrize("exercise", ALL)
def test_slips_are_named(exercise: str):
    unnamed, wrong = set(), []
    for right, made in ALL[exercise]:
        assert checked(exercise, right).passed, right
        for source, truth, named in made:
            report = checked(exercise, source)
            assert report.state == "not yet", f"{truth}: {report}"
            sentence, *details = report.message.splitlines()
            assert not re.search(r"[.!?] [A-Z]", sentence) and len(details) <= DETAILS, f"{truth}: {report}"
            if not (slips.names(named, report.message) or slips.undone(report.message, source, right)):
                unnamed.add(truth)
                if not UNSPECIFIC.fullmatch(slips.said(report.message).strip()):
                    wrong.append(f"{truth}: {sentence}")
    assert not wrong
    assert unnamed <= UNNAMED.get(exercise, set()), "name it by a mistake in the text, or note it in UNNAMED"


def test_most_are_named():
    count = sum(len(made) for rights in ALL.values() for _, made in rights)
    assert sum(map(len, UNNAMED.values())) <= (1 - NAMED) * count, UNNAMED


def test_every_exercise_has_two_right_answers_and_slips():
    assert ALL.keys() == {task.id for chapter in catalogue.CHAPTERS for task in catalogue.exercises(chapter)}
    assert all(len(rights) >= 2 for rights in ALL.values())
    assert all(sum(len(made) for _, made in rights) >= 5 for rights in ALL.values())
    truths = {exercise: [slip[1] for _, made in rights for slip in made] for exercise, rights in ALL.items()}
    assert all(len(set(of)) == len(of) for of in truths.values())
