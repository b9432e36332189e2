"""The tests themselves: each asserts something."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
FILES = sorted(TESTS.rglob("test_*.py"))
# Calls that fail by themselves when something is wrong; what is defined in the file itself is looked into.
ASSERTING = {"assert_close", "assert_allclose", "raises", "slip", "gradcheck", "fail", "warns", "says"}


def called(node: ast.AST) -> set[str]:
    """The last names of all functions that are called in there."""
    functions = (call.func for call in ast.walk(node) if isinstance(call, ast.Call))
    return {function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            for function in functions}


def asserts(node: ast.AST, known: set[str]) -> bool:
    return any(isinstance(part, ast.Assert) for part in ast.walk(node)) or bool(called(node) & (ASSERTING | known))


def without_assertion(tree: ast.Module, imported: set[str]) -> Iterator[str]:
    own = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    known = imported | {node.name for node in own if not node.name.startswith("test_") and asserts(node, imported)}
    yield from (node.name for node in own if node.name.startswith("test_") and not asserts(node, known))


@cache
def helpers_that_assert() -> set[str]:
    """Functions of the tests' own helpers, by name, that hold an assertion."""
    files = (file for file in TESTS.rglob("*.py") if not file.name.startswith("test_"))
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in files)
    return {node.name for tree in trees for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef) and asserts(node, set())}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(TESTS).as_posix())
def test_every_test_asserts_something(file: Path):
    assert not list(without_assertion(ast.parse(file.read_text(encoding="utf-8")), helpers_that_assert()))


def test_a_test_that_asserts_nothing_would_be_seen():
    tree = ast.parse("def test_a():\n    1 + 1\n\ndef test_b():\n    assert True\n\ndef test_c():\n    helper()\n")
    assert list(without_assertion(tree, set())) == ["test_a", "test_c"]
    assert list(without_assertion(tree, {"helper"})) == ["test_a"]
