"""Mend an answer by one small change of its own lines: the change that makes it right is what was wrong.

Whatever is said of it is true, since the changed answer has passed all cases.
"""

from __future__ import annotations

import ast
import inspect
import math
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import FunctionType
from typing import Any

from u3course.course.changes import Change, changes
from u3course.course.raised import is_own

OUTSIDE = {"plt", "display", "open", "input", "exit", "quit", "os", "sys", "time", "subprocess", "threading"}
SECONDS = 1.5  # of work, for all changes of one answer that are near, and again for the others


def repairs(answer: Callable[..., Any], near: bool,
            until: float = math.inf) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The answer with one change each, and the words for an answer that is right with it: "it would be right with …".

    The changes are usual ones, which come ``near``, or the others; they end at a moment of the clock, ``until``.

    There are none of a function whose lines are not known, which has a ``while`` (changed, that may never end), or
    which does something outside of Python.
    """
    tree, name, known = None, "", {}
    with suppress(Exception):  # whose lines are not there, or are part of others
        function = inspect.unwrap(answer)
        tree = _tree(function)
        (head,) = tree.body
        name = head.name if isinstance(head, ast.FunctionDef) else head.targets[0].id
        head.decorator_list = []  # of the function itself, that is, without them
        known = {**function.__globals__, **inspect.getclosurevars(function).nonlocals}
    if known and is_own(function.__code__.co_filename) and not any(isinstance(one, ast.While) or (
            isinstance(one, ast.Name) and one.id in OUTSIDE) for one in ast.walk(tree)):
        yield from _tried(changes(tree, near), tree, name, known, until)


def used(answer: Callable[..., Any]) -> set[str]:
    """The names that a function's lines use; none if its lines are not known."""
    with suppress(Exception):
        return {one.id for one in ast.walk(_tree(inspect.unwrap(answer)))
                if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}
    return set()


def _tree(function: Callable[..., Any]) -> ast.Module:
    lines, first = inspect.getsourcelines(function)
    return ast.increment_lineno(ast.parse(textwrap.dedent("".join(lines))), first - 1)


def _tried(some: Iterator[Change], tree: ast.Module, name: str, known: dict[str, Any],
           until: float) -> Iterator[tuple[str, FunctionType]]:
    spent = time.thread_time() + SECONDS
    for change in some:
        if time.monotonic() > until or time.thread_time() > spent:
            return
        for place, old, new in change.new:
            for one in new if isinstance(new, list) else [ast.copy_location(new, old)]:
                ast.fix_missing_locations(one)
            place.put(new)
        made = dict(known)
        with suppress(SyntaxError, ValueError, TypeError):  # a change that gives no code
            exec(compile(tree, "<mended>", "exec"), made)
        for place, old, _ in reversed(change.new):
            place.put(old)
        if made.get(name) is not known.get(name):
            yield f"it would be right with {change.words}", made[name]
