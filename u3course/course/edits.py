"""A mistake as a function: the reference with other lines, "rate * gradient → gradient", or with another body."""

from __future__ import annotations

import contextlib
import functools
import inspect
import itertools
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from u3course.course.definitions import Mistake
from u3lab.errors import U3Error

ARROW, AND = " → ", " ;; "  # of an edit; between two that are one mistake


def one_slip(reference: Callable[..., Any], mistakes: tuple[Mistake, ...], names: dict[str, Any],
             ) -> Iterator[tuple[Callable[..., Any], str]]:
    """Each way to make each mistake, as a function with its message; ``names`` are what an edit may use.

    Raises U3Error if the reference has no such lines.
    """
    for mistake in mistakes:
        for one in mistake.wrong:
            yield edited(reference, one, **names), mistake.message


def two_slips(reference: Callable[..., Any], mistakes: tuple[Mistake, ...], names: dict[str, Any],
              ) -> Iterator[tuple[Callable[..., Any], str]]:
    """Two edits of different mistakes at once, with both messages, where each still finds its lines."""
    for first, second in itertools.combinations(mistakes, 2):
        for one, other in itertools.product(first.wrong, second.wrong):
            if ARROW in one and ARROW in other:
                with contextlib.suppress(U3Error, SyntaxError):  # what the first has left of the second
                    yield edited(reference, one, other, **names), f"{first.message}; and {second.message}"


def edited(reference: Callable[..., Any], *edits: str, **names: Any) -> Callable[..., Any]:
    """The reference with other lines: each edit is "old → new", and old stands in the source, or "return new"."""
    function = inspect.unwrap(reference)
    source = _source(function)
    for edit in itertools.chain.from_iterable(edit.split(AND) for edit in edits):
        old, _, new = edit.partition(ARROW)
        if ARROW not in edit:
            takes = inspect.signature(function).parameters.values()
            given = ", ".join(one.name for one in takes if one.kind != one.KEYWORD_ONLY)
            source = f"def {function.__name__}({given}):\n    {edit}"
        elif old in source:
            source = source.replace(old, new)
        else:
            raise U3Error(f"the reference of this exercise has no {old!r}; write the mistake anew")
    made: dict[str, Any] = {}  # not among the names, so that a mistake may call the reference itself
    # Annotations stay text, as in this file.
    exec(compile(source, f"<{function.__name__} with a slip>", "exec"), {**names, **function.__globals__}, made)
    made[function.__name__].__defaults__ = function.__defaults__
    return made[function.__name__]


@functools.cache
def _source(function: Callable[..., Any]) -> str:
    return textwrap.dedent(inspect.getsource(function))
