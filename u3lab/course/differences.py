"""Say how an answer differs from what is wanted: in shape, in dtype, or in values, with an example."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from typing import NamedTuple

import torch
from torch import Tensor

EXAMPLE = "; here is an example"
FEW = 24  # numbers that an example shows in full


class Trial(NamedTuple):
    """One call: its arguments, what the reference returned and what the answer returned (tuples of tensors)."""

    case: tuple
    wanted: tuple
    got: tuple


def all_same(some: list[tuple], others: list[tuple], rtol: float, atol: float) -> bool:
    """Whether two lists of results agree: shapes, dtypes and values."""
    return len(some) == len(others) and all(
        len(a) == len(b) and all(_same(x, y, rtol, atol) for x, y in zip(a, b, strict=True))
        for a, b in zip(some, others, strict=True))


def _same(a: Tensor, b: Tensor, rtol: float, atol: float) -> bool:
    return (isinstance(b, Tensor) and a.shape == b.shape and a.dtype == b.dtype
            and torch.allclose(_plain(a), _plain(b), rtol=rtol, atol=atol, equal_nan=True))


def _plain(x: Tensor) -> Tensor:
    return x.detach().cpu().double()


def difference(trials: list[Trial], names: list[str], rtol: float, atol: float, slip: str = "") -> str:
    """What is wrong, as a sentence and lines of details; ``names`` are those of the arguments.

    ``slip`` says what the answer is instead, where that is known.
    """
    told = (_forms(trials, names, _shape, "{which} has the shape {got}, and {wanted} is wanted")
            or _forms(trials, names, _dtype, "{which} is {got}, and {wanted} is wanted: keep the dtype of the input")
            or _values(trials, names, rtol, atol))
    sentence, *details = told.split("\n")
    if slip:
        sentence = f"{sentence.removesuffix(EXAMPLE)}: {slip}{EXAMPLE if sentence.endswith(EXAMPLE) else ''}"
    return "\n".join([sentence, *details])


def _forms(trials: list[Trial], names: list[str], form: Callable[[Tensor], object], sentence: str) -> str:
    """The first part whose shape, or dtype, is another than is wanted."""
    for case, wanted, got in trials:
        for n, (want, part) in enumerate(zip(wanted, got, strict=True)):
            if form(want) != form(part):
                return (sentence.format(which=_which(n, wanted), got=form(part), wanted=form(want))
                        + f"\nfor {described(case, names)}")
    return ""


def _values(trials: list[Trial], names: list[str], rtol: float, atol: float) -> str:
    """The first case that differs, in full if it is small."""
    case, wanted, got = next(t for t in trials if not all_same([t.wanted], [t.got], rtol, atol))
    right = [_same(want, part, rtol, atol) for want, part in zip(wanted, got, strict=True)]
    n = right.index(False)
    sentence = f"{_which(n, wanted)} does not have the right values yet{EXAMPLE}"
    if any(right):
        sentence = f"{_which(right.index(True), wanted)} is right, but {sentence}"
    want, part = _plain(wanted[n]), _plain(got[n])
    if all(x.numel() <= FEW for x in (*case, want) if isinstance(x, Tensor)):
        lines = [*_written(case, names), f"wanted {_numbers(want)}", f"got    {_numbers(part)}"]
    else:
        wrong = ~torch.isclose(want, part, rtol=rtol, atol=atol, equal_nan=True)
        place = tuple(wrong.nonzero()[0].tolist())
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
            told.append(f"{name} = {value}")
    return "; ".join(told)


def _written(case: tuple, names: list[str]) -> list[str]:
    """Arguments in full, one a line."""
    return [f"{name} = {_numbers(value) if isinstance(value, Tensor) else value}"
            for name, value in zip(names, case, strict=False)]


def _numbers(x: Tensor) -> str:
    if x.ndim == 0:
        return f"{x.item() + 0:.4g}"  # + 0 makes −0 a plain 0
    return "[" + ", ".join(_numbers(row) for row in x) + "]"


def _shape(x: Tensor) -> str:
    return str(tuple(x.shape))


def _dtype(x: Tensor) -> str:
    return str(x.dtype).removeprefix("torch.")
