"""The pieces of a method that a reader has written: the figures of a notebook run them.

    parallel = course.yours("1-parallel")    # the reader's own, once it has passed its check; else the library's
    y = parallel(x, f, alpha)
    parallel.said                            # "1-parallel: yours"
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator
from typing import Any

from u3lab.course import catalogue
from u3lab.errors import U3Error

SLOWER = 5  # times the library's own, and such an answer no longer serves a slider
PATIENCE = 0.02  # seconds that are never too slow: a first call, and a busy machine
_passed: dict[str, Callable[..., Any]] = {}


def keep(exercise_id: str, answer: Any) -> None:
    """Note an answer that has passed its check; the figures of this kernel run it from now on."""
    if callable(answer):
        _passed[exercise_id] = answer


class Piece:
    """A function that the reader was to write; made by :func:`yours`.

    It is asked anew at each call whether there is an answer of the reader's. One that raises, or takes five times as
    long as the library's own, is left out until another one passes, and ``said`` says why.

    Attributes
    ----------
    exercise
        The id.
    reference
        The library's own function.
    """

    def __init__(self, exercise: str, reference: Callable[..., Any]) -> None:
        self.exercise, self.reference = exercise, reference
        self._failed: tuple[Callable[..., Any], str] | None = None  # whose fault it was, and what

    @property
    def own(self) -> Callable[..., Any] | None:
        """The reader's function, if it serves."""
        answer = _passed.get(self.exercise)
        return None if answer is None or (self._failed and self._failed[0] is answer) else answer

    @property
    def said(self) -> str:
        """Whose piece runs, for the line below a figure; if the reader's does not, why."""
        if self.own:
            return f"{self.exercise}: yours"
        reason = f" (yours {self._failed[1]})" if self._failed and self.exercise in _passed else ""
        return f"{self.exercise}: the library's{reason}"

    def __call__(self, *given: Any, **named: Any) -> Any:
        """What the reader's function returns, or the library's.

        Raises
        ------
        U3Error
            While one iterates over it: a generator of the reader's has raised. The next call gives the library's.
        """
        answer = self.own
        if answer is None:
            return self.reference(*given, **named)
        try:
            start = time.perf_counter()
            result = answer(*given, **named)
            seconds = time.perf_counter() - start
        except Exception as error:
            self._failed = answer, f"raised {type(error).__name__}"
            return self.reference(*given, **named)
        if seconds > PATIENCE:
            start = time.perf_counter()
            self.reference(*given, **named)
            if seconds > SLOWER * (time.perf_counter() - start):
                self._failed = answer, f"took more than {SLOWER} times as long"
        return self._steps(answer, result) if inspect.isgenerator(result) else result

    def _steps(self, answer: Callable[..., Any], generator: Iterator[Any]) -> Iterator[Any]:
        """The same values; what the reader's generator raises is said in a sentence."""
        try:
            yield from generator
        except Exception as error:
            self._failed = answer, f"raised {type(error).__name__}"
            raise U3Error(f"your {self.exercise} raised {type(error).__name__}: {error}; start again, and the "
                          "library's runs") from error


def yours(exercise_id: str) -> Piece:
    """The function of an exercise: the reader's as it last passed its check in this kernel, else the library's.

    Raises
    ------
    U3Error
        If there is no such exercise.
    """
    return Piece(exercise_id, catalogue.find(exercise_id).reference)
