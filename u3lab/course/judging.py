"""Judge an answer that is a function: try it on cases beside the reference, and know the typical mistakes by name."""

from __future__ import annotations

import functools
import inspect
import itertools
import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from numbers import Real
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from u3lab.course.definitions import Judge, Mistake, NotTried
from u3lab.course.diagnosis import mixed_up, of_arguments, of_results
from u3lab.course.differences import Trial, all_same, described, difference, imprecise, same_dtypes
from u3lab.course.edits import one_slip, two_slips

Cases = Callable[[torch.Generator], Iterable[tuple]]  # made anew for each function, so that none can spoil another's
SEED = 0  # fixed: the same answer gets the same report
TIPS = {"list": "join the parts with torch.stack or torch.cat", "ndarray": "stay in torch, without .numpy()",
        "float": "keep the tensor, without .item() or float()", "generator": "use return, not yield",
        "bool": "keep the tensor, without bool()", "int": "keep the tensor, without .item() or int()"}
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
        case as the answer, where shapes do not fit. Slips that are the same everywhere are in ``diagnosis``.
    rtol, atol
        How far values may be from the reference's.
    finish
        What is done with the reference and with the mistakes, and was done with the answer.
    """
    raw, reference = reference, finish(reference)
    same = functools.partial(all_same, rtol=rtol, atol=atol)

    def judge(answer: Any) -> str:
        if not callable(answer):
            return f"give the function itself, without brackets after its name: this is a {type(answer).__name__}"
        names = [p.name for p in inspect.signature(raw).parameters.values() if p.default is p.empty]
        pristine = _made(cases)
        wanted = [_parts(reference(*case)) for case in pristine]
        if slip := _arguments_slip(answer, pristine[0], names):
            return slip
        tried = functools.partial(_tried, answer, cases, pristine, wanted, names)
        got, slip, error = tried()
        if slip:
            return slip
        precise = not error and same_dtypes(got, wanted[:len(got)])
        if precise and same(got, wanted):
            return ""
        if not precise:  # whoever has the precision wrong first hears of all else
            again = tried(_of_one_dtype)
            if not (again.slip or again.error):
                if same(again.got, wanted):
                    return imprecise([Trial(*trial) for trial in zip(pristine, wanted, again.got, strict=True)], got,
                                     names, error)
                got, _, error = again
        right = same(got, wanted[:len(got)])  # as far as the answer came

        def known(function: Callable[..., Any]) -> bool:
            """Whether a mistake behaves as the answer; one that was right so far is known by its error alone."""
            for n, case in enumerate(pristine):
                try:
                    result = _parts(function(*case))
                except _SHAPES as other:
                    alike = _words(error) == _words(other) if n else str(error) == str(other)
                    return bool(error) and n == len(got) and (not right or alike)
                except Exception:  # a change that such arguments do not know
                    return False
                if n == len(got) or not same([got[n]], [result]):
                    return False
            return not error

        def mended(function: Callable[..., Any]) -> bool:
            """Whether something made of the answer is right."""
            with suppress(Exception):
                return all(same([_parts(function(*case))], [want])
                           for case, want in zip(_made(cases), wanted, strict=True))
            return False

        for function, message in itertools.chain(one_slip(raw, mistakes), two_slips(raw, mistakes)):
            if known(finish(function)):
                return message
        trials = [Trial(*trial) for trial in zip(pristine, wanted, got, strict=False)]
        if not error:
            found = of_results(trials, names, rtol, atol) or next(
                (words for words, function in of_arguments(raw, names) if known(finish(function))), "")
            return difference(trials, names, rtol, atol, found)
        if found := next((words for words, function in mixed_up(answer, names) if mended(function)), ""):
            return f"the shapes do not fit: {found}"
        raise error

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


class _Tried(NamedTuple):
    """What an answer returns on the cases, up to a slip or to what it raises where shapes do not fit."""

    got: list[tuple]
    slip: str = ""
    error: Exception | None = None


def _tried(answer: Any, cases: Cases, pristine: list[tuple], wanted: list[tuple], names: list[str],
           within: Callable[[tuple], AbstractContextManager] = nullcontext) -> _Tried:
    """Call it, case by case, within a context that depends on the case."""
    got = []
    for given, case, want in zip(_made(cases), pristine, wanted, strict=True):
        try:
            with within(case):
                got.append(_called(answer, given, names))
        except _SHAPES as error:
            return _Tried(got, error=error)
        if slip := _type_slip(got[-1], want) or _in_place(given, case, names):
            return _Tried(got, slip)
    return _Tried(got)


class _OneDtype(TorchFunctionMode):
    """Within, all numbers that torch makes have one dtype, as if whoever makes them had asked for it."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        made = function(*args, **(kwargs or {}))
        other = isinstance(made, Tensor) and made.is_floating_point() and made.dtype != self.dtype
        return made.to(self.dtype) if other else made


def _of_one_dtype(case: tuple) -> AbstractContextManager:
    """The dtype of the first numbers that a case holds."""
    flat = itertools.chain.from_iterable(one if isinstance(one, list | tuple) else (one,) for one in case)
    dtypes = (one.dtype for one in flat if isinstance(one, Tensor) and one.is_floating_point())
    return next(map(_OneDtype, dtypes), nullcontext())


def _made(cases: Cases) -> list[tuple]:
    return list(cases(torch.Generator().manual_seed(SEED)))


def _called(answer: Callable[..., Any], given: tuple, names: list[str]) -> tuple:
    """What the answer returns, as a tuple."""
    try:
        result = answer(*given)
    except Exception as error:
        if isinstance(error, NotImplementedError) and not str(error):  # the other way to write a stub
            raise NotTried from None
        if not isinstance(error, NameError | AttributeError):
            error.add_note("it was called with " + described(given, names))
        raise
    parts = _parts(result)
    if any(part is ... for part in parts):
        raise NotTried
    return parts


def _parts(result: Any) -> tuple:
    return tuple(result) if isinstance(result, tuple) else (result,)


def _arguments_slip(answer: Callable[..., Any], case: tuple, names: list[str]) -> str:
    """That it takes other arguments than it gets, "" if it does not or that cannot be known."""
    with suppress(Exception):
        takes = inspect.signature(answer)
        try:
            takes.bind(*case)
        except TypeError:
            return (f"your function is called with {len(names)} arguments, {', '.join(f'`{name}`' for name in names)}; "
                    f"yours takes `{takes}`")
    return ""


def _type_slip(parts: tuple, wanted: tuple) -> str:
    if len(parts) == 1 and parts[0] is None:
        return "your function returns nothing; did you forget `return`?"
    if len(parts) != len(wanted):
        returned = _kind(parts[0]) if len(parts) == 1 else f"a tuple of {len(parts)}"
        number = "one tensor is" if len(wanted) == 1 else f"{len(wanted)} tensors, as in `return a, b`, are"
        return f"your function returns {returned}, but {number} wanted"
    other = next((part for part in parts if not isinstance(part, Tensor)), wanted)
    if isinstance(other, FunctionType | BuiltinFunctionType | MethodType):
        return f"your function returns the function `{other.__name__}` itself; brackets call it: `{other.__name__}()`"
    tip = TIPS.get(type(other).__name__, "")
    return "" if other is wanted else (f"your function returns {_kind(other)} where a tensor is wanted"
                                       + (f"; {tip}" if tip else ""))


def _kind(thing: Any) -> str:
    name = type(thing).__name__
    return ("nothing" if thing is None else "one tensor" if isinstance(thing, Tensor) else
            f"a{'n' if name[:1] in 'aeiou' or name == 'ndarray' else ''} {name}")


def _in_place(given: tuple, case: tuple, names: list[str]) -> str:
    for name, now, before in zip(names, given, case, strict=False):
        if isinstance(before, Tensor) and not (now.shape == before.shape and torch.equal(now, before)):
            return (f"your function changes its input `{name}` in place, and whoever called it needs it; make a new "
                    "tensor: functions whose name ends in `_`, and `x[...] =`, write into the old one")
    return ""


def _words(error: Exception | None) -> str:
    """What an error says, without its numbers."""
    return re.sub(r"\d+", "", f"{type(error).__name__}: {error}")
