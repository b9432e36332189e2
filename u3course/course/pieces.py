"""The pieces of a method that a reader has written: the figures of a notebook run them.

    parallel = course.yours("1-parallel")    # the reader's own, once it has passed its check; else the library's
    y = parallel(x, f, alpha)
    parallel.said                            # "1-parallel: yours"
"""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import perf_counter as clock
from typing import Any, NamedTuple

import torch
from torch import Tensor

from u3course.course import catalogue
from u3lab._system import credits, notebook
from u3lab.errors import U3Error

SLOWER = 5  # times the library's own, and such an answer no longer serves a slider
PATIENCE = 0.02  # seconds that are never too slow: a first call, and a busy machine
STRIKES = 3  # slow calls in a row, and the library's runs
REST = 20  # calls of the library's, and the reader's is tried again
FEW = 4  # parts whose forms are told
LIBRARY = "the library's"


class _Known(NamedTuple):
    """Of the library's result for arguments of some shapes: its form, the seconds it took, how far the reader's is."""

    form: str
    seconds: float
    apart: float | None

    @property
    def enough(self) -> float:
        """Seconds in which the reader's has to be there."""
        return max(PATIENCE, SLOWER * self.seconds)


@dataclass
class _Passed:
    """An answer that has passed its check, and how it has served since."""

    answer: Callable[..., Any]
    fault: str = ""
    rest: int = 0  # calls that are left to the library's
    slow: int = 0  # slow calls in a row
    apart: float | None = None  # how far its results are from the library's for arguments of such shapes
    known: dict[tuple, _Known] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether its name now means a function with other code: the reader has changed the cell."""
        now = getattr(notebook.shell(), "user_ns", {}).get(getattr(self.answer, "__name__", ""))
        code = getattr(now, "__code__", None)
        return code is not None and code != getattr(self.answer, "__code__", code)

    def fail(self, fault: str) -> None:
        """Leave the next calls to the library's."""
        self.fault, self.rest = fault, REST

    def call(self, reference: Callable[..., Any], given: tuple, named: dict[str, Any]) -> Any:
        """Its result, or the library's if it rests or is not fit; what is wrong is noted."""
        self.rest = max(self.rest - 1, 0)
        result, seconds = (None, 0.0) if self.rest else self._timed(given, named)
        if self.rest:  # still, or because it has raised
            return reference(*given, **named)
        self.apart = None
        if any(map(callable, given)) and all(isinstance(one, Tensor) for one in _parts(result)):
            return result  # a second call could move what is behind a function, such as a network that learns
        key = tuple(one if isinstance(one, int) else _form(one) for one in (*given, *named.values()))
        known = self.known.get(key, _Known("", 0.0, None))
        if _form(result) != known.form or seconds > known.enough:
            start = clock()
            right = reference(*given, **named)
            known = self.known[key] = _Known(_form(right), clock() - start, _apart(result, right))
            if _form(result) != known.form:
                self.fail(f"returned {_form(result)}, not {known.form}")
                return right
        self.apart = known.apart
        self.slow = self.slow + 1 if seconds > known.enough and self._timed(given, named)[1] > known.enough else 0
        if self.slow >= STRIKES:
            self.fail(f"took more than {SLOWER} times as long")
        return result

    def _timed(self, given: tuple, named: dict[str, Any]) -> tuple[Any, float]:
        """What it returns, and in how many seconds; that it raises is a fault."""
        start = clock()
        try:
            return self.answer(*given, **named), clock() - start
        except Exception as error:
            self.fail(f"raised {type(error).__name__}")
            return None, 0.0


_passed: dict[str, _Passed] = {}


def keep(exercise_id: str, answer: Any) -> None:
    """Note an answer that has passed its check; the figures of this kernel run it from now on."""
    if callable(answer):
        _passed[exercise_id] = _Passed(answer)


class Piece:
    """A function that the reader was to write; made by :func:`yours`.

    It is asked anew at each call whether there is an answer of the reader's. The library's own runs in its place if it
    raises, if it returns something of another form (type, parts, shape, kind of numbers) than the library's for the
    same arguments, or if it was too slow in three calls in a row: more than five times as long as the library's, and
    again when it was timed a second time. ``said`` says why. After twenty calls it is tried again; one that was too
    slow has a single call to show that it no longer is.

    The library's own is called beside the reader's for the first arguments of each shape, for a result of another form,
    and for a call that seems slow; otherwise what is known of it serves, the difference of both results included. Where
    an argument is a function it is not, unless the reader's gives no tensors: a second call could move what is behind
    it, such as a network that learns. ``exercise`` is the id, ``reference`` the library's own function.
    """

    def __init__(self, exercise: str, reference: Callable[..., Any]) -> None:
        self.exercise, self.reference = exercise, reference

    @property
    def own(self) -> Callable[..., Any] | None:
        """The reader's function, if it serves."""
        passed = _passed.get(self.exercise)
        return passed.answer if passed and not passed.rest else None

    @property
    def said(self) -> str:
        """Whose piece runs, for the line below a figure; if the reader's does not, why."""
        passed = _passed.get(self.exercise)
        if passed and not passed.rest:
            return f"{self.exercise}: yours" + " (the version that passed; check the new one)" * passed.changed
        return f"{self.exercise}: the library's" + (f" (yours {passed.fault})" if passed else "")

    def differs(self, difference: float, whose: str = "the network") -> float:
        """The same difference as a number; the badge says it in place of that to the library's result."""
        if self.own:
            credits.credit(self.exercise, float(difference), whose)
        return float(difference)

    def __call__(self, *given: Any, **named: Any) -> Any:
        """What the reader's function returns, or the library's.

        Raises U3Error while one iterates over it: a generator of the reader's has raised; next comes the library's.
        """
        passed = _passed.get(self.exercise)
        if passed is None:
            return self.reference(*given, **named)
        result = passed.call(self.reference, given, named)
        if passed.rest:
            credits.withdraw(self.exercise)
            return result
        credits.credit(self.exercise, passed.apart, LIBRARY)
        return self._steps(passed, result) if inspect.isgenerator(result) else result

    def _steps(self, passed: _Passed, generator: Iterator[Any]) -> Iterator[Any]:
        """The same values; what the reader's generator raises is said in a sentence."""
        try:
            for value in generator:
                credits.credit(self.exercise, passed.apart, LIBRARY)
                yield value
        except Exception as error:
            passed.fail(f"raised {type(error).__name__}")
            raise U3Error(f"your {self.exercise} raised {type(error).__name__}: {error}; start again, and the "
                          "library's runs") from error


def _form(value: Any) -> str:
    """What a value looks like, in words: its type; of a tensor shape and kind; of a tuple its parts."""
    if isinstance(value, Tensor):
        kind = ("floats" if value.is_floating_point() else "complex numbers" if value.is_complex() else
                "truth values" if value.dtype == torch.bool else "whole numbers")
        return f"a tensor {tuple(value.shape)} of {kind}"
    if isinstance(value, tuple | list):
        return f"{len(value)} parts" + (f" ({', '.join(map(_form, value))})" if len(value) <= FEW else "")
    return "None" if value is None else f"a value of type {type(value).__name__}"


def _parts(result: Any) -> tuple:
    return tuple(result) if isinstance(result, tuple | list) else (result,)


def _apart(result: Any, right: Any) -> float | None:
    """The largest difference of two results, if they are numbers of one form."""
    if _form(result) != _form(right):
        return None
    both = [[one.detach().double().nan_to_num() for one in _parts(given) if isinstance(one, Tensor) and one.numel()]
            for given in (result, right)]
    return max(((a - b).abs().max().item() for a, b in zip(*both, strict=True)), default=None)


def yours(exercise_id: str) -> Piece:
    """The function of an exercise: the reader's as it last passed its check in this kernel, else the library's.

    Raises U3Error if there is no such exercise.
    """
    return Piece(exercise_id, catalogue.find(exercise_id).reference)
