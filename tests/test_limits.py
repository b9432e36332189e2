"""Each house stays as small as it was meant to be: lines of Python that git tracks."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINES = {"u3lab": 20_000, "u3course": 13_000, "u3audit": 3200, "u3server": 2000, "evidence": 18_000, "": 95_000}
FILES = {"u3lab": 180}


def files_of(house: str) -> list[Path]:
    """What git tracks, of a house or of all; what lies there, where there is no git."""
    listed = subprocess.run(["git", "ls-files", "-z", f"{house}/*.py".lstrip("/")], cwd=ROOT, capture_output=True,
                            text=True)
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [file for file in files or (ROOT / house).rglob("*.py") if file.exists()]


@pytest.mark.parametrize("house", LINES, ids=lambda house: house or "all")
def test_a_house_has_no_more_lines_than_its_limit(house: str):
    lines = sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files_of(house))
    assert 0 < lines <= LINES[house] and len(files_of(house)) <= FILES.get(house, 1000)


def test_the_library_has_no_more_code_than_its_limit():
    """Lines that are neither blank nor a comment, a docstring or an import."""
    assert 0 < sum(map(code_of, files_of("u3lab"))) <= 9500


def code_of(file: Path) -> int:
    text = file.read_text(encoding="utf-8")
    other = {number for number, line in enumerate(text.splitlines(), 1) if not line.strip() or line.strip()[0] == "#"}
    for node in ast.walk(ast.parse(text)):
        documented = isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        if documented and ast.get_docstring(node) is not None:
            other |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            other |= set(range(node.lineno, node.end_lineno + 1))
    return len(text.splitlines()) - len(other)
