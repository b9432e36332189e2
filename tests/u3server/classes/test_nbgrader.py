"""An instructor's way: generate the assignment, collect, autograde, read the points."""

import ast
import copy
import importlib.util
import os
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests.helpers import refuses
from u3course import course

ROOT = Path(__file__).resolve().parents[3]
STUBS = {"6-guided": "def my_guided(p, through):\n    return ...  # write me",
         "6-hits": "def hits(heat, where):\n    return ...  # write me"}
RIGHT = {"6-guided": "def my_guided(p, through):\n    return through(p) * (p > 0)"}
WRONG = {"6-guided": "def my_guided(p, through):\n    return through(p)", "6-hits": """
import warnings

def hits(heat, where):
    warnings.warn('a word on stderr')
    n = where.flatten(1).sum(1)
    rank = heat.flatten(1).argsort(1, descending=True).argsort(1)
    return ((rank < n[:, None]) & where.flatten(1)).sum(1) / n
"""}
CHEAT = {"6-guided": "course.check = lambda *_: None\nmy_guided = None"}
NAMES = {"6-guided": "my_guided", "6-hits": "hits"}


def tool():
    spec = importlib.util.spec_from_file_location("nbgrader_cells", ROOT / "tools" / "nbgrader_cells.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lesson(answers: dict[str, str]) -> nbformat.NotebookNode:
    """A notebook with cells of the same form as the course's; what an answer is called otherwise is ``mine``."""
    cells = [new_markdown_cell("# Saliency"), new_code_cell("import torch\n\nfrom u3course import course")]
    for name, source in answers.items():
        cells += [new_code_cell(f'course.exercise("{name}")'),
                  new_code_cell(source, metadata={"tags": [f"exercise-{name}"]}),
                  new_code_cell(f'course.check("{name}", {NAMES.get(name, "mine")})')]
    return new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "language": "python",
                                                              "display_name": "Python 3"}})


def test_marking():
    notebook = lesson(STUBS)
    tool().mark(notebook)
    _, _, task, answer, check = notebook.cells[:5]
    assert "nbgrader" not in task.metadata
    assert answer.metadata.nbgrader == {"schema_version": 3, "grade": False, "solution": False, "locked": False,
                                        "task": False, "grade_id": "6-guided-answer"}
    assert check.metadata.nbgrader == {"schema_version": 3, "grade": True, "solution": False, "locked": True,
                                       "task": False, "grade_id": "6-guided", "points": 2}
    assert answer.metadata.tags == ["exercise-6-guided"]
    once = copy.deepcopy(notebook)
    tool().mark(notebook)
    assert notebook == once


def test_marking_refuses_what_cannot_be_graded():
    for change, slip in ((lambda cells: cells.pop(3), "checks: 6-guided"), (lambda cells: cells.pop(4), "answers"),
                         (lambda cells: cells.append(cells[4]), "one check"),
                         (lambda cells: cells[3].update(source='course.check("6-guided", 1)'), "share a cell")):
        notebook = lesson(STUBS)
        change(notebook.cells)
        refuses(tool().mark, notebook, says=slip)


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_the_course_is_marked(path: Path):
    """And the value of each checking cell is the report: nbgrader gives all points to a cell without a value."""
    notebook = nbformat.read(path, as_version=4)
    before = copy.deepcopy(notebook)
    tool().mark(notebook)
    assert notebook == before, "run python tools/nbgrader_cells.py"
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            last = ast.unparse(ast.parse(cell.source).body[-1])
            assert last.startswith("course.check(") or f"{last} = course.check(" in cell.source


@pytest.mark.parametrize("answer, points", [("right", "2"), (..., "0"), (lambda p, through: through(p), "0")])
def test_a_graded_report_is_a_number(answer, points, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    report = course.check("6-guided", (lambda p, through: through(p).relu()) if answer == "right" else answer)
    assert report._repr_mimebundle_()["text/plain"] == points == str(report.points)
    assert "role=" in report._repr_mimebundle_()["text/html"]
    own = str(course.progress())  # grading does not count as the reader's own progress
    assert re.search(r"^chapter 6 +0 of 3", own, re.M)


def test_nbgrader_gives_the_right_points(tmp_path, monkeypatch):
    pytest.importorskip("nbgrader")
    from nbgrader.api import Gradebook
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    from u3server import grading

    if not grading._works(*grading.OWN_WORLD, "true"):  # root in a container may have no way to take rights away
        monkeypatch.setattr(grading, "_account", lambda user: None)
    # nbgrader calls `alembic` by its name, which lies beside this Python
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    config = Config()
    config.Exchange.root = str(tmp_path / "exchange")
    config.CourseDirectory.root = str(tmp_path)
    config.CourseDirectory.db_url = f"sqlite:///{tmp_path}/gradebook.db"
    api = NbGraderAPI(config=config)
    source = tmp_path / "source" / "ps1" / "lesson.ipynb"
    source.parent.mkdir(parents=True)
    notebook = lesson(STUBS)
    tool().mark(notebook)
    nbformat.write(notebook, source)
    assert api.generate_assignment("ps1")["success"]
    released = nbformat.read(tmp_path / "release" / "ps1" / "lesson.ipynb", as_version=4)
    assert [cell.source for cell in released.cells] == [cell.source for cell in notebook.cells]  # the stubs are kept
    config.Autograde.autograde_preprocessors = grading.PREPROCESSORS  # as docs/teaching.md has it
    apart = NbGraderAPI(config=config)
    for student, answers in {"untouched": {}, "right": RIGHT, "wrong": WRONG, "alone": WRONG, "cheat": CHEAT}.items():
        handed_in = copy.deepcopy(released)
        for cell in handed_in.cells:
            tags = cell.metadata.get("tags", [])
            cell.source = next((text for name, text in answers.items() if f"exercise-{name}" in tags), cell.source)
        path = tmp_path / "submitted" / student / "ps1" / "lesson.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(handed_in, path)
        graded = (api if student == "alone" else apart).autograde("ps1", student)
        assert graded["success"], graded["log"]
    with Gradebook(config.CourseDirectory.db_url) as book:
        points = {student: {name: book.find_grade(name, "lesson", "ps1", student).auto_score for name in NAMES}
                  for student in ("untouched", "right", "wrong", "alone", "cheat")}
    wrong = {"6-guided": 0, "6-hits": 3}
    assert points == {"untouched": {"6-guided": 0, "6-hits": 0}, "right": {"6-guided": 2, "6-hits": 0},
                      "wrong": wrong, "alone": wrong, "cheat": {"6-guided": 0, "6-hits": 0}}
