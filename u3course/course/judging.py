"""Judge an answer that is a function: try it on cases beside the reference, and find words for what is wrong."""

import functools
import inspect
import io
import time
from collections.abc import Callable
from contextlib import nullcontext, redirect_stderr, redirect_stdout, suppress
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from u3course.course.definitions import Judge, Mistake
from u3course.course.differences import Trial, imprecise, same_dtypes
from u3course.course.naming import Asked, Wrong
from u3course.course.trying import Cases, made, of_one_dtype, parts, tried

PATIENCE = 6.0  # seconds after which nothing more is tried; the guard has more


def by_cases(reference: Callable[..., Any], cases: Cases, mistakes: tuple[Mistake, ...] = (), *, rtol: float = 1e-4,
             atol: float = 1e-6, finish: Callable[[Any], Any] = lambda function: function) -> Judge:
    """The judge of an exercise whose answer is a function that returns a tensor or a tuple of tensors.

    Args:
        reference: The right function.
        cases: Tuples of arguments. The first, a tiny one, becomes the example of what is wrong; some should be awkward
            (a batch of one, float64, not contiguous).
        mistakes: The first that behaves as the answer on all cases is what the report says; also one that raises in the
            same case as the answer, where shapes do not fit. Slips that are the same everywhere are in ``diagnosis``,
            and what mends the answer's own lines in ``changes``.
        rtol, atol: How far values may be from the reference's.
        finish: What is done with the reference and with the mistakes, and was done with the answer.
    """
    return functools.partial(_judged, Asked(reference, cases, mistakes, rtol, atol, finish))


def _judged(asked: Asked, answer: Any) -> str:
    if not callable(answer):
        return f"give the function itself, without brackets after its name: this is a {type(answer).__name__}"
    until = time.monotonic() + PATIENCE
    right, own = _names(asked.reference), _names(answer)[:len(_names(asked.reference))]
    names = own if len(own) == len(right) else right
    wanted = [parts(asked.finished(*case)) for case in made(asked.cases)]
    first = tried(answer, asked.cases, wanted, names)
    if first.slip:
        return first.slip
    precise = not first.error and same_dtypes(first.got, wanted)
    if precise and asked.same(first.got, wanted):
        return ""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):  # the answer runs again, and has printed
        # Who has the precision wrong first hears of all else.
        again = first if precise else tried(answer, asked.cases, wanted, names, of_one_dtype)
        plain = precise or again.error or again.slip
        found = first if plain else again
        if found.error or not asked.same(found.got, wanted):
            return Wrong(asked, answer, names, found, wanted, until, nullcontext if plain else of_one_dtype).told()
        return imprecise(list(map(Trial, made(asked.cases), wanted, found.got)), first.got, names, first.error)


def _names(function: Callable[..., Any]) -> list[str]:
    """Those of the arguments that a function needs by their places."""
    with suppress(Exception):
        return [one.name for one in inspect.signature(function).parameters.values() if one.default is one.empty
                and one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    return []


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
