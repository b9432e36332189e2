"""Judge an answer that is a function: try it on cases beside the reference, and know the typical mistakes by name."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from u3lab.course.definitions import Judge, Mistake, NotTried
from u3lab.course.differences import Trial, all_same, described, difference

Cases = Callable[[torch.Generator], Iterable[tuple]]  # made anew for each function, so that none can spoil another's
SEED = 0  # fixed: the same answer gets the same report
TIPS = {"list": "join the parts with torch.stack or torch.cat", "ndarray": "stay in torch, without .numpy()",
        "float": "keep the tensor, without .item() or float()", "generator": "use return, not yield",
        "bool": "keep the tensor, without bool()", "int": "keep the tensor, without .item() or int()"}
_SHAPES = RuntimeError, IndexError  # what torch raises where shapes do not fit


def by_cases(reference: Callable[..., Any], cases: Cases, mistakes: tuple[Mistake, ...] = (), *, rtol: float = 1e-4,
             atol: float = 1e-6) -> Judge:
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
        case as the answer, where shapes do not fit.
    rtol, atol
        How far values may be from the reference's.
    """
    same = functools.partial(all_same, rtol=rtol, atol=atol)

    def judge(answer: Any) -> str:
        if not callable(answer):
            return f"give the function itself, without brackets after its name: this is a {type(answer).__name__}"
        names = list(inspect.signature(reference).parameters)
        pristine = _made(cases)
        wanted = [_parts(reference(*case)) for case in pristine]
        got, slip, error = _tried(answer, _made(cases), pristine, wanted, names)
        if slip:
            return slip
        right = same(got, wanted[:len(got)])  # as far as the answer came
        if right and not error:
            return ""
        for mistake in mistakes:
            results, other = _behaviour(mistake, pristine)
            if same(got, results) and (not right or _words(error) == _words(other)):  # right: known by the error alone
                return mistake.message
        if error:
            raise error
        return difference([Trial(*trial) for trial in zip(pristine, wanted, got, strict=True)], names, rtol, atol)

    return judge


def by_number(reference: Callable[..., Any], cases: Cases, mistakes: tuple[Mistake, ...]) -> Judge:
    """As :func:`by_cases`, for answers that are one number: as a tensor of any float type, or as a plain one."""
    def judge(answer: Any) -> str:
        known = tuple(Mistake(_as_tensor(mistake.function), mistake.message) for mistake in mistakes)
        given = _as_tensor(answer) if callable(answer) else answer
        return by_cases(_as_tensor(reference), cases, known)(given)

    return judge


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


def not_contiguous(x: Tensor) -> Tensor:
    """The same values, laid out in memory with the last two axes swapped: ``view`` fails on it."""
    return x.transpose(-1, -2).contiguous().transpose(-1, -2)


def _tried(answer: Any, cases: list[tuple], pristine: list[tuple], wanted: list[tuple],
           names: list[str]) -> tuple[list[tuple], str, Exception | None]:
    """What the answer returns on the cases, up to a slip or to what it raises where shapes do not fit."""
    got = []
    for given, case, want in zip(cases, pristine, wanted, strict=True):
        try:
            got.append(_called(answer, given, names))
        except _SHAPES as error:
            return got, "", error
        if slip := _type_slip(got[-1], want) or _in_place(given, case, names):
            return got, slip, None
    return got, "", None


def _made(cases: Cases) -> list[tuple]:
    return list(cases(torch.Generator().manual_seed(SEED)))


def _called(answer: Callable[..., Any], given: tuple, names: list[str]) -> tuple:
    """What the answer returns, as a tuple."""
    try:
        result = answer(*given)
    except Exception as error:
        if isinstance(error, NotImplementedError) and not str(error):  # the other way to write a stub
            raise NotTried from None
        error.add_note("it was called with " + described(given, names))
        raise
    parts = _parts(result)
    if any(part is ... for part in parts):
        raise NotTried
    return parts


def _parts(result: Any) -> tuple:
    if isinstance(result, tuple):
        return tuple(result)
    return (result,)


def _type_slip(parts: tuple, wanted: tuple) -> str:
    if len(parts) == 1 and parts[0] is None:
        return "your function returns nothing; did you forget `return`?"
    if len(parts) != len(wanted):
        returned = _kind(parts[0]) if len(parts) == 1 else f"a tuple of {len(parts)}"
        return f"your function returns {returned}, but {_number(len(wanted))} wanted"
    for part in parts:
        if not isinstance(part, Tensor):
            tip = TIPS.get(type(part).__name__, "")
            return f"your function returns {_kind(part)} where a tensor is wanted" + (f"; {tip}" if tip else "")
    return ""


def _kind(thing: Any) -> str:
    name = "nothing" if thing is None else type(thing).__name__
    if isinstance(thing, Tensor):
        return "one tensor"
    return name if thing is None else f"an {name}" if name[:1] in "aeiou" or name == "ndarray" else f"a {name}"


def _number(count: int) -> str:
    return "one tensor is" if count == 1 else f"{count} tensors, as in `return a, b`, are"


def _in_place(given: tuple, case: tuple, names: list[str]) -> str:
    for name, now, before in zip(names, given, case, strict=False):
        if isinstance(before, Tensor) and not (now.shape == before.shape and torch.equal(now, before)):
            return (f"your function changes its input `{name}` in place, and whoever called it needs it; make a new "
                    "tensor: functions whose name ends in `_`, and `x[...] =`, write into the old one")
    return ""


def _behaviour(mistake: Mistake, cases: list[tuple]) -> tuple[list[tuple], Exception | None]:
    """What the mistake returns on the cases, up to the one where shapes do not fit, and what it raises there."""
    results = []
    try:
        for case in cases:
            results.append(_parts(mistake.function(*case)))
    except _SHAPES as error:
        return results, error
    return results, None


def _words(error: Exception | None) -> str:
    """What an error says, without its numbers."""
    return re.sub(r"\d+", "", f"{type(error).__name__}: {error}")
