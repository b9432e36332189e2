"""What a figure is given, checked: its words, and numbers of any form as arrays."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from u3lab.checks import is_a, shown
from u3lab.errors import U3Error

Numbers = Sequence[float] | np.ndarray | Tensor


def required(alt: str) -> str:
    """The alt text on one line; U3Error if there is none."""
    if not isinstance(alt, str) or not alt.strip():
        raise U3Error("the figure has no alt text; say in one sentence what it shows: alt='…'")
    return " ".join(alt.split())


def texts(**given: str) -> None:
    """U3Error unless all are texts."""
    for name, value in given.items():
        is_a(name, value, str, f"give a text: {name}='…'")


def numbers(name: str, values: Numbers) -> np.ndarray:
    """Plain numbers of any form as an array."""
    try:
        whole = isinstance(values, (Tensor, np.ndarray))  # a list would become float32
        found = torch.as_tensor(values, dtype=None if whole else torch.float64)
        if found.is_complex():
            raise TypeError("complex numbers have no place on an axis")
        return found.detach().cpu().double().numpy()
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise U3Error(f"{name!r} holds no numbers ({str(error)[:200]}); give a list, an array or a tensor") from None


def line(name: str, parts: Numbers | tuple) -> list[np.ndarray]:
    """y, (x, y) or (x, y, low, high) → the parts as arrays of one length, with x."""
    arrays = [numbers(name, part) for part in parts] if isinstance(parts, tuple) else [numbers(name, parts)]
    arrays = [np.arange(arrays[0].size), *arrays] if len(arrays) == 1 else arrays
    if len(arrays) not in (2, 4) or any(a.ndim != 1 or a.size != arrays[0].size or not a.size for a in arrays):
        raise U3Error(f"the curve {name!r} has parts of shapes {', '.join(str(a.shape) for a in arrays)}; "
                      "give y, (x, y) or (x, y, low, high), flat and of one length")
    if any(np.isinf(array).any() or np.isnan(array).all() for array in arrays):
        raise U3Error(f"the curve {name!r} has infinite values, or nothing but NaN; give numbers, NaN only for gaps")
    return arrays


def bar(name: str, value: float | tuple) -> tuple[float, float, float]:
    """value or (value, low, high) → all three."""
    given = numbers(name, value)
    triple = given if given.shape == (3,) else given.repeat(3) if given.size == 1 else np.array([np.nan])
    if not np.isfinite(triple).all() or not triple[1] <= triple[0] <= triple[2]:
        raise U3Error(f"the bar {name!r} is {shown(value)}; give a finite number, or (value, low, high) in the order "
                      "low ≤ value ≤ high")
    return tuple(triple.tolist())


def point(name: str, value: tuple, *, above: float = -np.inf) -> tuple[tuple[float, float, float], ...]:
    """(x, y, low, high), or with two ends of x after these → x and y with their ends; x lies above a number."""
    given = numbers(name, value)
    if given.shape not in ((4,), (6,)) or not np.isfinite(given).all() or given[0] <= above:
        raise U3Error(f"the point {name!r} is {shown(value)}; give (x, y, low, high), four finite numbers, or six with "
                      "the ends of x, which lies above 0 on a logarithmic axis")
    return bar(name, given[[0, 4, 5]] if len(given) == 6 else given[0]), bar(name, given[1:4])
