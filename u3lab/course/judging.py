"""Judge an answer that is a function: try it on cases beside the reference, and know the typical mistakes by name."""

from __future__ import annotations

import functools
import inspect
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
        The first that behaves as the answer on all cases is what the report says.
    rtol, atol
        How far values may be from the reference's.
    """
    def made() -> list[tuple]:
        return list(cases(torch.Generator().manual_seed(SEED)))

    def judge(answer: Any) -> str:
        if not callable(answer):
            return f"give the function itself, without brackets after its name: this is a {type(answer).__name__}"
        names = list(inspect.signature(reference).parameters)
        pristine = made()
        wanted = [_parts(reference(*case)) for case in pristine]
        got = []
        for given, case, want in zip(made(), pristine, wanted, strict=True):
            got.append(_called(answer, given, names))
            if slip := _type_slip(got[-1], want) or _in_place(given, case, names):
                return slip
        if all_same(got, wanted, rtol, atol):
            return ""
        for mistake in mistakes:
            if all_same(got, _behaviour(mistake, pristine), rtol, atol):
                return mistake.message
        trials = [Trial(*trial) for trial in zip(pristine, wanted, got, strict=True)]
        return difference(trials, names, rtol, atol)

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


def _behaviour(mistake: Mistake, cases: list[tuple]) -> list[tuple]:
    """What the mistake returns on the cases; nothing if it cannot be made on all of them."""
    try:
        return [_parts(mistake.function(*case)) for case in cases]
    except (RuntimeError, IndexError):  # shapes that do not fit
        return []
