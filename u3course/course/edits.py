"""A mistake as a change of the reference's own lines: "rate * gradient.sign() → rate * gradient"."""

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


def one_slip(reference: Callable[..., Any], mistakes: tuple[Mistake, ...]) -> Iterator[tuple[Callable[..., Any], str]]:
    """Each way to make each mistake, as a function with its message.

    Raises:
        U3Error: If the reference has no such lines.
    """
    for mistake in mistakes:
        for one in mistake.functions:
            yield (edited(reference, one) if isinstance(one, str) else one), mistake.message


def two_slips(reference: Callable[..., Any], mistakes: tuple[Mistake, ...]) -> Iterator[tuple[Callable[..., Any], str]]:
    """Two edits of different mistakes at once, with both messages, where each still finds its lines."""
    for first, second in itertools.combinations(mistakes, 2):
        for one, other in itertools.product(first.functions, second.functions):
            if isinstance(one, str) and isinstance(other, str):
                with contextlib.suppress(U3Error, SyntaxError):  # what the first has left of the second
                    yield edited(reference, one, other), f"{first.message}; and {second.message}"


def edited(reference: Callable[..., Any], *edits: str, **more: Any) -> Callable[..., Any]:
    """The reference with other lines: each edit is "old → new", and old stands in the source; with ``more`` names."""
    function = inspect.unwrap(reference)
    source = _source(function)
    for edit in itertools.chain.from_iterable(edit.split(AND) for edit in edits):
        old, _, new = edit.partition(ARROW)
        if old not in source:
            raise U3Error(f"the reference of this exercise has no {old!r}; write the mistake anew")
        source = source.replace(old, new)
    names = {**function.__globals__, **more}
    exec(compile(source, f"<{function.__name__} with a slip>", "exec"), names)  # annotations stay text, as in this file
    return names[function.__name__]


@functools.cache
def _source(function: Callable[..., Any]) -> str:
    return textwrap.dedent(inspect.getsource(function))
