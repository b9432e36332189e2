"""Try an answer on the cases of an exercise: what it returns, what it raises, and slips of form, which come first."""

import inspect
import itertools
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from u3course.course.definitions import NotTried
from u3course.course.differences import described

Cases = Callable[[torch.Generator], Iterable[tuple]]  # made anew for each function, so that none can spoil another's
SEED = 0  # fixed: the same answer gets the same report
TIPS = {"list": "join the parts with torch.stack or torch.cat", "ndarray": "stay in torch, without .numpy()",
        "float": "keep the tensor, without .item() or float()", "generator": "use return, not yield",
        "bool": "keep the tensor, without bool()", "int": "keep the tensor, without .item() or int()"}


class Tried(NamedTuple):
    """What an answer returned on the cases, up to a slip of form or to an error."""

    got: list[tuple]
    slip: str = ""
    error: Exception | None = None


def tried(answer: Callable[..., Any], cases: Cases, wanted: list[tuple], names: list[str],
          within: Callable[[tuple], AbstractContextManager] = nullcontext) -> Tried:
    """Call it, case by case, within a context that depends on the case."""
    got: list[tuple] = []
    for given, case, want in zip(made(cases), made(cases), wanted, strict=True):
        if slip := not got and _arguments_slip(answer, given, names):
            return Tried(got, slip)
        try:
            with within(case):
                got.append(_called(answer, given, names))
        except (NotTried, MemoryError, RecursionError):
            raise
        except Exception as error:
            return Tried(got, error=error)
        if slip := _type_slip(got[-1], want) or _in_place(given, case, names):
            return Tried(got, slip)
    return Tried(got)


def made(cases: Cases) -> Iterable[tuple]:
    """The cases, one after the other."""
    return cases(torch.Generator().manual_seed(SEED))


def parts(result: Any) -> tuple:
    """What a function returns, as a tuple."""
    return tuple(result) if isinstance(result, tuple) else (result,)


class _OneDtype(TorchFunctionMode):
    """Within, all numbers that torch makes have one dtype, as if whoever makes them had asked for it."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        made = function(*args, **(kwargs or {}))
        other = isinstance(made, Tensor) and made.is_floating_point() and made.dtype != self.dtype
        return made.to(self.dtype) if other else made


def of_one_dtype(case: tuple) -> AbstractContextManager:
    """The dtype of the first numbers that a case holds."""
    flat = itertools.chain.from_iterable(one if isinstance(one, list | tuple) else (one,) for one in case)
    dtypes = (one.dtype for one in flat if isinstance(one, Tensor) and one.is_floating_point())
    return next(map(_OneDtype, dtypes), nullcontext())


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
    if any(part is ... for part in parts(result)):
        raise NotTried
    return parts(result)


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


def _type_slip(got: tuple, wanted: tuple) -> str:
    if len(got) == 1 and got[0] is None:
        return "your function returns nothing; did you forget `return`?"
    if len(got) != len(wanted):
        returned = _kind(got[0]) if len(got) == 1 else f"a tuple of {len(got)}"
        if len(got) == 2 and all(isinstance(part, Tensor) for part in got) and got[1].dtype == torch.int64:
            returned += " (along an axis, `max` and `min` give values and places: `.values`, or `amax`)"
        number = "one tensor is" if len(wanted) == 1 else f"{len(wanted)} tensors, as in `return a, b`, are"
        return f"your function returns {returned}, but {number} wanted"
    for part in got:
        if isinstance(part, FunctionType | BuiltinFunctionType | MethodType):
            return f"your function returns the function `{part.__name__}` itself; brackets call it: `{part.__name__}()`"
        if not isinstance(part, Tensor):
            tip = TIPS.get(type(part).__name__)
            return f"your function returns {_kind(part)} where a tensor is wanted" + (f"; {tip}" if tip else "")
    return ""


def _kind(thing: Any) -> str:
    if thing is None:
        return "nothing"
    if isinstance(thing, Tensor):
        return "one tensor"
    name = type(thing).__name__
    return f"a{'n' if name[:1] in 'aeiou' or name == 'ndarray' else ''} {name}"


def _in_place(given: tuple, case: tuple, names: list[str]) -> str:
    for name, now, before in zip(names, given, case, strict=False):
        if isinstance(before, Tensor) and not (now.shape == before.shape and torch.equal(now, before)):
            return (f"your function changes its input `{name}` in place, and whoever called it needs it; make a new "
                    "tensor: functions whose name ends in `_`, and `x[...] =`, write into the old one")
    return ""
