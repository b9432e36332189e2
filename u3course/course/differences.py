"""Say how an answer differs from what is wanted: in shape, in dtype, or in values, with an example."""

from collections.abc import Callable
from itertools import zip_longest
from typing import NamedTuple

import torch
from torch import Tensor

EXAMPLE = "; here is an example"
FEW = 24  # numbers of a tensor that an example shows in full
MOST = 4  # arguments that an example writes down, a line each
SHORT = 60  # letters of an argument that is no tensor
DTYPE = ("all values are right; give what you make the dtype of `{given}`, `torch.zeros(…, dtype={given}.dtype)`, and "
         "in the place of `.float()` write `.to({given})`")


class Trial(NamedTuple):
    """One call: its arguments, what the reference returned and what the answer returned (tuples of tensors)."""

    case: tuple
    wanted: tuple
    got: tuple


def all_same(some: list[tuple], others: list[tuple], rtol: float, atol: float) -> bool:
    """Whether two lists of results agree: shapes and values; what is true or false is no number.

    Precision is another matter, :func:`same_dtypes`: who has it wrong may have more to mend.
    """
    return len(some) == len(others) and all(
        len(a) == len(b) and all(_same(x, y, rtol, atol) for x, y in zip(a, b, strict=True))
        for a, b in zip(some, others, strict=True))


def _same(a: Tensor, b: Tensor, rtol: float, atol: float) -> bool:
    return (isinstance(b, Tensor) and a.shape == b.shape and _kind(a) == _kind(b)
            and torch.allclose(_plain(a), _plain(b), rtol=rtol, atol=atol, equal_nan=True))


def same_dtypes(some: list[tuple], others: list[tuple]) -> bool:
    """Whether the parts of two lists of results, which agree, have the same dtypes."""
    return all(x.dtype == y.dtype for a, b in zip(some, others, strict=True) for x, y in zip(a, b, strict=True))


def _kind(x: Tensor) -> str:
    return "bool" if x.dtype == torch.bool else "complex" if x.is_complex() else "number"


def _plain(x: Tensor) -> Tensor:
    return x.detach().cpu().double()


def difference(trials: list[Trial], names: list[str], rtol: float, atol: float, slip: str = "") -> str:
    """What is wrong, as a sentence and lines of details; ``names`` are those of the arguments.

    ``slip`` says what the answer is instead, where that is known.
    """
    told = (_forms(trials, names, _shape, _shape, "{which} has the shape {got}, and {wanted} is wanted")
            or _forms(trials, names, _kind, _dtype, "{which} is {got}, and {wanted} is wanted")
            or _values(trials, names, rtol, atol))
    sentence, *details = told.split("\n")
    if slip:
        sentence = f"{sentence.removesuffix(EXAMPLE)}: {slip}{EXAMPLE if sentence.endswith(EXAMPLE) else ''}"
    return "\n".join([sentence, *details])


def imprecise(trials: list[Trial], got: list[tuple], names: list[str], error: Exception | None) -> str:
    """What to say of an answer that would be right if all of it had the dtype of the input.

    It returned ``got`` as it is, up to an error.
    """
    made = [Trial(case, wanted, parts) for (case, wanted, _), parts in zip(trials, got, strict=False)]
    if error:
        told = f"torch raises, since two dtypes meet\nfor {described(trials[len(got)].case, names)}\n{error}"
    else:
        told = _forms(made, names, _dtype, _dtype, "{which} is {got}, and {wanted} is wanted")
    sentence, details = told.split("\n", 1)
    given = next((name if isinstance(value, Tensor) else f"{name}[0]" for name, value in zip(
        names, trials[0].case, strict=False) if any(isinstance(one, Tensor) and one.is_floating_point() for one in (
            value if isinstance(value, list | tuple) else [value]))), "x")
    return f"{sentence}: {DTYPE.format(given=given)}\n{details}"


def _forms(trials: list[Trial], names: list[str], form: Callable[[Tensor], object], shown: Callable[[Tensor], str],
           sentence: str) -> str:
    """The first part that has another form than is wanted: its shape, or its dtype."""
    for case, wanted, got in trials:
        for n, (want, part) in enumerate(zip(wanted, got, strict=True)):
            if form(want) != form(part):
                return (sentence.format(which=_which(n, wanted), got=shown(part), wanted=shown(want))
                        + f"\nfor {described(case, names)}")
    return ""


def _values(trials: list[Trial], names: list[str], rtol: float, atol: float) -> str:
    """The first case that differs, in full if it is small; "" if none does."""
    differs = next((t for t in trials if not all_same([t.wanted], [t.got], rtol, atol)), None)
    if differs is None:
        return ""
    case, wanted, got = differs
    right = [_same(want, part, rtol, atol) for want, part in zip(wanted, got, strict=True)]
    n = right.index(False)
    sentence = f"{_which(n, wanted)} does not have the right values yet{EXAMPLE}"
    if any(right):
        sentence = f"{_which(right.index(True), wanted)} is right, but {sentence}"
    want, part = _plain(wanted[n]), _plain(got[n])
    if len(case) <= MOST and all(map(_is_small, (*case, want))):
        lines = [*(f"{name} = {_written(value)}" for name, value in zip(names, case, strict=False)),
                 f"wanted {_numbers(want)}", f"got    {_numbers(part)}"]
    else:
        place = tuple((~torch.isclose(want, part, rtol=rtol, atol=atol, equal_nan=True)).nonzero()[0].tolist())
        lines = [f"for {described(case, names)}",
                 f"at {list(place)}: wanted {_numbers(want[place])}, got {_numbers(part[place])}"]
    return "\n".join([sentence, *lines])


def _which(n: int, parts: tuple) -> str:
    return "the answer" if len(parts) == 1 else f"part {n + 1} of the answer"


def described(case: tuple, names: list[str]) -> str:
    """Arguments by shape and dtype, on one line."""
    told = []
    for name, value in zip_longest(names, case, fillvalue="?"):
        if isinstance(value, Tensor):
            layout = "" if value.is_contiguous() else ", not contiguous"
            told.append(f"{name} of shape {_shape(value)}, {_dtype(value)}{layout}")
        else:
            told.append(f"{name} = {_short(value)}")
    return "; ".join(told)


def _short(value: object) -> str:
    """What is no tensor, in a few words."""
    text = repr(value)
    if "tensor(" in text and isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    if text[:1] != "<" and "\n" not in text and len(text) <= SHORT:
        return text
    return "a function" if callable(value) and hasattr(value, "__name__") else f"a {type(value).__name__}"


def _is_small(value: object) -> bool:
    if isinstance(value, list | tuple):
        return len(value) <= FEW and all(map(_is_small, value))
    return not isinstance(value, Tensor) or value.numel() <= FEW


def _written(value: object) -> str:
    """A small argument in full."""
    if isinstance(value, list) and all(isinstance(one, Tensor) for one in value):
        return "[" + ", ".join(map(_numbers, value)) + "]"
    return _numbers(value) if isinstance(value, Tensor) else _short(value)


def _numbers(x: Tensor) -> str:
    if x.ndim == 0:
        return f"{x.item() + 0:.4g}"  # + 0 makes −0 a plain 0
    return "[" + ", ".join(_numbers(row) for row in x) + "]"


def _shape(x: Tensor) -> str:
    return str(tuple(x.shape))


def _dtype(x: Tensor) -> str:
    return str(x.dtype).removeprefix("torch.")
