"""An answer that runs in another process: the judge sends arguments there, and only values come back.

The judge pickles what he sends, and the kernel with the student's code unpickles it. On the way back nothing is ever
unpickled, since it may be forged: a line of JSON says what each part is, and tensors follow as safetensors.
"""

import ast
import base64
import inspect
import json
import pickle
import traceback
from collections.abc import Callable
from numbers import Real
from typing import Any

import safetensors.torch
from torch import Tensor

from u3course import course
from u3course.course import guard, raised

HERE = f"__import__({__name__!r}, fromlist=['called'])"  # what the judge asks is an expression of this module's
_RAISED = RuntimeError, IndexError, NotImplementedError, *guard.RAISED  # what judging tells apart; others are as one
MOST = 2**26  # letters of one message
Ask = Callable[[str], str]  # an expression → what its value is in the kernel, which is a string


# In the kernel, beside the student's code, which may have changed all of it.


def named(thing: Any) -> str:
    """What stands under a name: a function, of which only that is told, or a value."""
    tensors: list[Tensor] = []
    return _packed({"function": True} if callable(thing) else {"value": _part(thing, tensors)}, tensors)


def called(function: Callable[..., Any], sent: str) -> str:
    """What a function returns, and its arguments afterwards, or what it raises; a generator is gone through here."""
    given = unpickled(sent)
    try:
        result = function(*given)
        steps = list(result) if (yields := inspect.isgenerator(result)) else []
    except BaseException as error:
        kinds = [kind.__name__ for kind in type(error).__mro__]
        where = raised.own_lines(traceback.extract_tb(error.__traceback__))
        return _packed({"raised": kinds, "says": str(error), "where": "\n".join(where)}, [])
    tensors: list[Tensor] = []
    parts = [_part(part, tensors) for part in (steps if yields else result if isinstance(result, tuple) else (result,))]
    after = [[_part(one, tensors) for one in _tensors(argument)] for argument in given]
    form = "steps" if yields else "tuple" if isinstance(result, tuple) else "one"
    return _packed({"form": form, "parts": parts, "given": after}, tensors)


def _tensors(given: Any) -> list[Tensor]:
    """What a function may change of an argument: a tensor, or those of a list."""
    return [one for one in (given if isinstance(given, list) else [given]) if isinstance(one, Tensor)]


def unpickled(sent: str) -> Any:
    """What the judge sent. Never for what comes from a student."""
    return pickle.loads(base64.b64decode(sent))


def _part(thing: Any, tensors: list[Tensor]) -> list:
    if isinstance(thing, Tensor):
        tensors.append(thing.detach().cpu().contiguous().clone())
        return ["tensor", str(len(tensors) - 1)]
    if thing is ...:
        return ["..."]
    if thing is None or isinstance(thing, int):
        return ["plain", thing]
    return ["plain", float(thing)] if isinstance(thing, Real) else ["other", type(thing).__name__]


def _packed(said: dict, tensors: list[Tensor]) -> str:
    rest = safetensors.torch.save({str(n): one for n, one in enumerate(tensors)})
    return base64.b64encode(json.dumps(said).encode() + b"\n" + rest).decode()


# With the judge.


class Names(dict):
    """The names of a checking cell: ``course`` is ours, what it binds is kept, all others are the kernel's."""

    def __init__(self, ask: Ask) -> None:
        super().__init__(course=course)
        self._ask = ask

    def __missing__(self, name: str) -> Any:
        """What the student's code has under a name, or KeyError: Python then looks among its own."""
        try:
            said, tensors = _received(self._ask(f"{HERE}.named({name})"))
        except ValueError:
            raise KeyError(name) from None
        return _elsewhere(name, self._ask) if "function" in said else _thing(said["value"], tensors)


def checked(source: str, ask: Ask) -> tuple[Any, dict[str, Any]]:
    """Run a checking cell that is ours beside answers that are not.

    Returns:
        tuple: The cell's last value, and the names that it has bound.
    """
    names, (*lines, last) = Names(ask), ast.parse(source).body
    exec(compile(ast.Module(lines, []), "<check>", "exec"), {}, names)
    value = eval(compile(ast.Expression(last.value), "<check>", "eval"), {}, names)
    return value, {name: thing for name, thing in names.items() if name != "course"}


def pickled(thing: Any) -> str:
    """Something of the judge's on its way to the kernel."""
    return base64.b64encode(pickle.dumps(thing)).decode()


def _elsewhere(name: str, ask: Ask) -> Callable[..., Any]:
    """A function here that calls the one there. What it does to its arguments in place is done here, too."""
    def answer(*given: Any) -> Any:
        said, tensors = _received(ask(f"{HERE}.called({name}, {pickled(given)!r})"))
        if "raised" in said:
            raise _error(said)
        for argument, after in zip(given, said["given"], strict=True):
            for mine, part in zip(_tensors(argument), after, strict=True):
                mine.data = _thing(part, tensors)
        parts = tuple(_thing(part, tensors) for part in said["parts"])
        return iter(parts) if said["form"] == "steps" else parts if said["form"] == "tuple" else parts[0]

    answer.__name__ = name
    return answer


def _received(said: str) -> tuple[dict, dict[str, Tensor]]:
    """What the kernel has told, and its tensors; ValueError where it is none of our messages, or a very long one."""
    if len(said) > MOST:
        raise ValueError("the kernel has sent more than an answer can be")
    try:
        line, _, rest = base64.b64decode(said, validate=True).partition(b"\n")
        return dict(json.loads(line)), safetensors.torch.load(rest)
    except Exception as error:
        raise ValueError("the kernel has sent something that is no message") from error


def _thing(part: list, tensors: dict[str, Tensor]) -> Any:
    match part:
        case ["tensor", str(name)]:
            return tensors[name]
        case ["..."]:
            return ...
        case ["plain", int() | float() | None as thing]:
            return thing
        case ["other", str(kind)]:  # a thing of which reports say only what it is
            return type(kind if kind.isidentifier() else "thing", (), {})()
    raise ValueError("the kernel has sent something that is no value")


def _error(said: dict) -> BaseException:
    """An error of the same name, and of the kind by which judging knows it."""
    known = {kind.__name__: kind for kind in _RAISED}
    name, kind = said["raised"][0], next((known[one] for one in said["raised"] if one in known), Exception)
    error = (kind if name == kind.__name__ else type(name[:80], (kind,), {}))(said["says"])
    if said["where"]:
        error.add_note(said["where"])
    return error
