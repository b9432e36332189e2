"""What a call gives as a flat list of values, and whether two such values are the same.

A class is what it holds: a NamedTuple is its values, a dataclass its fields, a network its numbers. So a class that
moves or gets another name does not differ; a number that changes does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

LARGE = 2**12  # bytes
Value = Tensor | str | int | float | bool | None


def parts(value: object, at: str = "") -> Iterator[tuple[str, Value]]:
    """Every tensor, number and word in nested collections, with its place."""
    if isinstance(value, Tensor):
        yield at, value.detach().contiguous()
    elif value is None or isinstance(value, bool):
        yield at, value
    elif isinstance(value, bytes):  # a file: where it differs, no word on it helps
        yield at, f"{len(value)} bytes {hashlib.sha256(value).hexdigest()}"
    elif isinstance(value, (str, int, float)):  # of a class of its own too: torch.load knows the plain ones alone
        yield at, next(plain(value) for plain in (str, int, float) if isinstance(value, plain))
    else:
        for n, item in enumerate(_items(value)):
            yield from parts(item, f"{at}.{n}")


def _items(value: object) -> Iterable[object]:
    """What a collection, or anything that holds values, has in it."""
    if isinstance(value, Mapping):
        return [item for pair in value.items() for item in pair]
    if isinstance(value, nn.Module):
        return list(value.state_dict().values())
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, field.name) for field in fields(value)]
    if isinstance(value, Set):
        return sorted(value, key=str)
    if isinstance(value, np.generic):
        return [value.item()]
    if isinstance(value, np.ndarray):
        return [torch.from_numpy(value.copy()) if value.dtype.kind in "biufc" else value.tolist()]
    if isinstance(value, Image.Image):
        return [value.mode, np.asarray(value)]
    if isinstance(value, (torch.dtype, torch.device)):
        return [str(value)]
    if isinstance(value, Path):
        return [value.name]
    if isinstance(value, Iterable):
        return value
    raise TypeError(f"a {type(value).__name__} has no values that could be compared; give what it tells")


def sealed(value: object) -> list[Value]:
    """All values; of large tensors the hash, since all their numbers would fill the disk."""
    return [_hash(one) if isinstance(one, Tensor) and one.nbytes > LARGE else one for _, one in parts(value)]


def _hash(x: Tensor) -> str:
    return f"{x.dtype} {tuple(x.shape)} {hashlib.sha256(x.cpu().numpy().tobytes()).hexdigest()}"


def same(a: object, b: object) -> bool:
    """Whether two values are equal to the last bit, NaN being equal to NaN."""
    if isinstance(a, Tensor):
        return isinstance(b, Tensor) and a.dtype == b.dtype and a.shape == b.shape and bool(
            torch.isclose(a, b, rtol=0, atol=0, equal_nan=True).all())
    return type(a) is type(b) and (a == b or (a != a and b != b))


def told(a: object, b: object) -> str:
    """How two values differ."""
    if isinstance(a, Tensor) and isinstance(b, Tensor) and a.shape == b.shape and a.is_floating_point():
        return f"differs by at most {float((a.double() - b.double()).abs().max()):.2e} of {float(a.abs().max()):.2e}"
    return f"was {str(a)[:60]!r}, is {str(b)[:60]!r}"
