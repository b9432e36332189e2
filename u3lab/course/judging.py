"""Judge an answer that is a function: try it on cases beside the reference, and know the typical mistakes by name."""

from __future__ import annotations

import functools
import inspect
import io
import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from u3lab.course import raised
from u3lab.course.definitions import Judge, Mistake
from u3lab.course.diagnosis import mixed_up, of_loss, of_results
from u3lab.course.differences import Trial, all_same, difference, imprecise, same_dtypes
from u3lab.course.edits import one_slip, two_slips
from u3lab.course.repairs import repairs
from u3lab.course.trying import Cases, Tried, made, of_one_dtype, parts, tried

_SHAPES = RuntimeError, IndexError  # what torch raises where shapes do not fit


def by_cases(reference: Callable[..., Any], cases: Cases, mistakes: tuple[Mistake, ...] = (), *, rtol: float = 1e-4,
             atol: float = 1e-6, finish: Callable[[Any], Any] = lambda function: function) -> Judge:
    """The judge of an exercise whose answer is a function that returns a tensor or a tuple of tensors.

    Parameters
    ----------
    reference
        The right function.
    cases
        Tuples of arguments. The first, a tiny one, becomes the example of what is wrong; some should be awkward (a
        batch of one, float64, not contiguous).
    mistakes
        The first that behaves as the answer on all cases is what the report says; also one that raises in the same
        case as the answer, where shapes do not fit. Slips that are the same everywhere are in ``diagnosis``, and what
        mends the answer's own lines in ``changes``.
    rtol, atol
        How far values may be from the reference's.
    finish
        What is done with the reference and with the mistakes, and was done with the answer.
    """
    names = [p.name for p in inspect.signature(reference).parameters.values() if p.default is p.empty]
    right = finish(reference)
    same = functools.partial(all_same, rtol=rtol, atol=atol)

    def judge(answer: Any) -> str:
        if not callable(answer):
            return f"give the function itself, without brackets after its name: this is a {type(answer).__name__}"
        wanted = [parts(right(*case)) for case in made(cases)]
        first = tried(answer, cases, wanted, names)
        if first.slip:
            return first.slip
        precise = not first.error and same_dtypes(first.got, wanted)
        if precise and same(first.got, wanted):
            return ""
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):  # the answer runs again, and has printed
            if precise:
                return named(answer, first, wanted)
            again = tried(answer, cases, wanted, names, of_one_dtype)
            if again.error or again.slip:
                return named(answer, first, wanted)
            if same(again.got, wanted):  # only now: whoever has the precision wrong first hears of all else
                trials = list(map(Trial, made(cases), wanted, again.got))
                return imprecise(trials, first.got, names, first.error)
            return named(answer, again, wanted)

    def named(answer: Callable[..., Any], found: Tried, wanted: list[tuple]) -> str:
        """What is wrong with an answer that does not agree with what is wanted."""
        got, _, error = found
        so_far = same(got, wanted[:len(got)])

        def known(function: Callable[..., Any]) -> bool:
            """Whether a mistake behaves as the answer; one that was right so far is known by its error alone."""
            for n, case in enumerate(made(cases)):
                try:
                    result = parts(function(*case))
                except _SHAPES as other:
                    alike = _words(error) == _words(other) if n else str(error) == str(other)
                    return bool(error) and n == len(got) and (not so_far or alike)
                except Exception:  # a change that such arguments do not know
                    return False
                if n == len(got) or not same([got[n]], [result]):
                    return False
            return not error

        def mended(function: Callable[..., Any]) -> bool:
            """Whether a change of the answer makes it right."""
            with suppress(Exception):
                return all(same([parts(function(*case))], [want])
                           for case, want in zip(made(cases), wanted, strict=True))
            return False

        for function, message in itertools.chain(one_slip(reference, mistakes), two_slips(reference, mistakes)):
            if known(finish(function)):
                return message
        def first(ways: Iterator[tuple[str, Callable[..., Any]]], fits: Callable[[Callable[..., Any]], bool]) -> str:
            return next((words for words, function in ways if fits(finish(function))), "")

        trials = list(map(Trial, made(cases), wanted, got))
        words = (("" if error else of_results(trials, names, rtol, atol) or first(of_loss(reference), known))
                 or first(repairs(answer, near=True), mended)
                 or (first(mixed_up(inspect.unwrap(answer), names), mended) if error else
                     first(mixed_up(reference, names), known))
                 or first(repairs(answer, near=False), mended))
        if not error:
            return difference(trials, names, rtol, atol, words)
        if not words:
            raise error
        return "\n".join([f"your code raises {type(error).__name__}; {words}", *raised.told(error).split("\n")[1:]])

    return judge


def by_number(reference: Callable[..., Any], cases: Cases, mistakes: tuple[Mistake, ...]) -> Judge:
    """As :func:`by_cases`, for answers that are one number: as a tensor of any float type, or as a plain one."""
    judge = by_cases(reference, cases, mistakes, finish=_as_tensor)
    return lambda answer: judge(_as_tensor(answer) if callable(answer) else answer)


def _as_tensor(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, with its number as float64; what is no number stays as it is."""
    @functools.wraps(function)
    def call(*case: Any) -> Any:
        result = function(*case)
        if isinstance(result, Tensor):
            return result.double()
        plain = isinstance(result, Real) and not isinstance(result, bool)
        return torch.tensor(float(result), dtype=torch.float64) if plain else result

    return call


def drawn(g: torch.Generator, *shape: Any, dtype: torch.dtype = torch.float32) -> Tensor:
    """Normal random numbers of a shape, not contiguous."""
    return not_contiguous(torch.randn(*shape, generator=g, dtype=dtype))


def not_contiguous(x: Tensor) -> Tensor:
    """The same values, laid out in memory with the last two axes swapped: ``view`` fails on it."""
    return x.transpose(-1, -2).contiguous().transpose(-1, -2)


def _words(error: Exception | None) -> str:
    """What an error says, without its numbers."""
    return re.sub(r"\d+", "", f"{type(error).__name__}: {error}")
