"""Find words for what is wrong with an answer: a mistake of the exercise, a slip that many make, or what mends it."""

import inspect
import itertools
import math
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F

from u3course.course import raised
from u3course.course.definitions import Mistake
from u3course.course.diagnosis import mixed_up, of_loss, of_results
from u3course.course.differences import Trial, all_same, difference
from u3course.course.edits import one_slip, two_slips
from u3course.course.repairs import repairs, used
from u3course.course.trying import Cases, Tried, made, parts

Ways = Iterator[tuple[str, Callable[..., Any]]]  # words, and a function of which they would be true
_SHAPES = RuntimeError, IndexError  # what torch raises where shapes do not fit


@dataclass(frozen=True)
class Asked:
    """What an exercise asks for, as :func:`u3course.course.by_cases` has it."""

    reference: Callable[..., Any]
    cases: Cases
    mistakes: tuple[Mistake, ...]
    rtol: float
    atol: float
    finish: Callable[[Any], Any]

    @cached_property
    def finished(self) -> Callable[..., Any]:
        """The reference, finished as the answer."""
        return self.finish(self.reference)

    @property
    def names(self) -> dict[str, Any]:
        """What the text of a mistake may use: the names of the file that has the cases, and torch, F and math."""
        return {"torch": torch, "F": F, "math": math, **self.cases.__globals__}

    def same(self, some: list[tuple], others: list[tuple]) -> bool:
        """Whether two lists of results agree."""
        return all_same(some, others, self.rtol, self.atol)


@dataclass(frozen=True)
class Wrong:
    """An answer that returned or raised something else than is wanted; ``names`` are those of its arguments.

    What changes the answer itself is tried ``until`` a moment of the clock, ``within`` what depends on the case.
    """

    asked: Asked
    answer: Callable[..., Any]
    names: list[str]
    found: Tried
    wanted: list[tuple]
    until: float
    within: Callable[[tuple], AbstractContextManager]

    def told(self) -> str:
        """What is wrong, as a sentence and details.

        Raises what the answer has raised, if nothing more is known of it.
        """
        asked, error = self.asked, self.found.error
        known = asked.reference, asked.mistakes, asked.names
        for function, message in itertools.chain(one_slip(*known), two_slips(*known)):
            if self._known(asked.finish(function)):
                return message
        if not error:
            trials = list(map(Trial, made(asked.cases), self.wanted, self.found.got))
            words = (of_results(trials, self.names, asked.rtol, asked.atol)
                     or self._first(of_loss(asked.reference), self._known)
                     or self._first(repairs(self.answer, True, self.until), self._mended)
                     or self._constant()
                     or self._first(mixed_up(asked.reference, self.names, used(self.answer)), self._known)
                     or self._first(repairs(self.answer, False, self.until), self._mended))
            return difference(trials, self.names, asked.rtol, asked.atol, words)
        words = (self._first(repairs(self.answer, True, self.until), self._mended)
                 or self._first(mixed_up(inspect.unwrap(self.answer), self.names, used(self.answer)), self._mended)
                 or self._first(repairs(self.answer, False, self.until), self._mended))
        if not words:
            raise error
        return "\n".join([f"your code raises {type(error).__name__}; {words}", *raised.told(error).split("\n")[1:]])

    def _first(self, ways: Ways, fits: Callable[[Callable[..., Any]], bool]) -> str:
        return next((words for words, function in ways if fits(self.asked.finish(function))), "")

    def _constant(self) -> str:
        """That one number comes out everywhere; a change of arguments, too, may give that, by chance."""
        values = {value for got in self.found.got for part in got for value in part.unique().tolist()}
        return f"it is {values.pop():.4g} everywhere, whatever your function is given" if len(values) == 1 else ""

    def _known(self, function: Callable[..., Any]) -> bool:
        """Whether a mistake behaves as the answer; one that was right so far is known by its error alone."""
        got, _, error = self.found
        so_far = self.asked.same(got, self.wanted[:len(got)])
        for n, case in enumerate(made(self.asked.cases)):
            try:
                result = parts(function(*case))
            except _SHAPES as other:
                alike = _words(error) == _words(other) if n else str(error) == str(other)
                return bool(error) and n == len(got) and (not so_far or alike)
            except Exception:  # a change that such arguments do not know
                return False
            if n == len(got) or not self.asked.same([got[n]], [result]):
                return False
        return not error

    def _mended(self, function: Callable[..., Any]) -> bool:
        """Whether a change of the answer makes it right, if there is time to see."""
        with suppress(Exception, SystemExit):
            for case, want in zip(made(self.asked.cases), self.wanted, strict=True):
                with self.within(case):
                    if time.monotonic() > self.until or not self.asked.same([parts(function(*case))], [want]):
                        return False
            return True
        return False


def _words(error: Exception | None) -> str:
    """What an error says, without its numbers."""
    return re.sub(r"\d+", "", f"{type(error).__name__}: {error}")
