"""Slips that students make, each through the judge as ``course.check`` runs it: none passes, most are named."""

from __future__ import annotations

import ast
import json
import linecache
import re
from collections import Counter
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.lessons import slips
from u3lab import course
from u3lab.course import catalogue
from u3lab.course.reports import Report

ALL = slips.every()
NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
NAMED = 0.9  # of all slips at least
CELLS = count(1)


@cache
def imports(exercise: str) -> str:
    """What the notebook of an exercise imports."""
    for file in sorted(NOTEBOOKS.glob("*.ipynb")):
        cells = [cell for cell in json.loads(file.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
        if any(f"exercise-{exercise}" in cell["metadata"].get("tags", ()) for cell in cells):
            lines = [line for cell in cells for line in ast.parse("".join(cell["source"])).body]
            return "\n".join(ast.unparse(line) for line in lines if isinstance(line, ast.Import | ast.ImportFrom))
    raise AssertionError(f"no notebook has a stub of {exercise}")


def answered(exercise: str, source: str) -> Any:
    """The function that a cell of the notebook defines; its source can be looked up, as in a notebook."""
    name = f"/tmp/ipykernel_1/{next(CELLS)}.py"
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(imports(exercise), space)
    exec(compile(source, name, "exec"), space)
    return space[re.findall(r"^def (\w+)", source, re.MULTILINE)[-1]]


def checked(exercise: str, source: str) -> Report:
    return course.check(exercise, answered(exercise, source))
