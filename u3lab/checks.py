"""What a function asks of its arguments. Each slip gets one sentence: what was given, what is wanted.

    samples = whole("samples", samples)                        # 1, 2, 3 …
    share = number("share", share, 0, 1, without_low=True)     # in (0, 1]
    rule = one_of("rule", rule, RULES)
    which = wholes("which", which, 0, len(data) - 1)           # several of them, in a list or a tensor
    titles = words("titles", titles)                           # several texts
    tensors(features=(features, "NU"), labels=(labels, "N"))   # shapes that fit each other, finite numbers
    booleans("give masks > 0.5", masks=(masks, "NHW"))         # the same, of yes and no
    room("size", 7000, 7000)                                   # before pictures are made: are they too large?
    floats("blur", x)                                          # pictures (B,C,H,W) to compute with
    alike(x=x, truth=truth)                                    # floats of one shape, whatever it is
    function("task", task, 2, "give a function of x and x₀")   # something to call with two arguments
    folder = place("root", root, "the folder that has the set")   # a path, "~" opened

Pictures are checked by :func:`u3lab.images.check`, networks by :func:`u3lab.nets.ready`, settings by themselves.
"""

import inspect
import math
import os
from collections.abc import Callable, Collection, Iterable, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from u3lab.errors import U3Error

T = TypeVar("T")
MOST = 2**31 - 1  # of seeds: as the settings have it
STEPS = 100_000  # or samples, at most, that one call goes through before it returns: more would take days
MAX_PIXELS = 50_000_000  # in all pictures that one call makes: 600 MB as floats, what a laptop can spare
SIDE = 2048  # pixels, at most, of a square that is drawn from formulas or goes through a network, with some GB
FLOATS = (torch.float32, torch.float64)  # what pictures are computed in


def whole(name: str, value: object, low: int = 1, high: int | None = None) -> int:
    """A whole number from ``low`` to ``high``: steps, samples, a seed. NumPy's are taken as well, True and 3.0 not."""
    most = MOST if high is None else high
    if not (isinstance(value, Integral) and not isinstance(value, bool) and low <= value <= most):
        to = "on" if high is None else f"to {high}"
        raise U3Error(f"{name} = {shown(value)}; give a whole number from {low} {to}")
    return int(value)


def wholes(name: str, values: object, low: int = 1, high: int | None = None, *, none: bool = False) -> list[int]:
    """Several whole numbers, in a list, an array or a tensor; ``none`` allows an empty one. True is no number."""
    given = values.tolist() if isinstance(values, Tensor) else values
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise U3Error(f"{name} = {shown(values)}; give a list of whole numbers, such as [{low}]")
    found = [whole(f"{name}[{n}]", one, low, high) for n, one in enumerate(given)]
    if not found and not none:
        raise U3Error(f"{name} is empty; give at least one whole number, such as [{low}]")
    return found


def words(name: str, values: object, *, none: bool = False) -> list[str]:
    """Several texts, such as names; ``none`` allows an empty list. A text alone is no list of texts."""
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise U3Error(f"{name} = {shown(values)}; give a list of texts, such as ['a', 'b']")
    found = [is_a(f"{name}[{n}]", one, str, "give a text") for n, one in enumerate(values)]
    if not found and not none:
        raise U3Error(f"{name} is empty; give at least one text")
    return found


def number(name: str, value: object, low: float = -math.inf, high: float = math.inf, *,
           without_low: bool = False) -> float:
    """A finite number in [low, high], or in (low, high]. NumPy's are taken as well; True is no number."""
    fits = (isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
            and low <= value <= high and not (without_low and value == low))
    if not fits:
        if without_low:
            within = f" above {low:g}" + ("" if high == math.inf else f", at most {high:g}")
        elif high < math.inf:
            within = f" from {low:g} to {high:g}"
        else:
            within = "" if low == -math.inf else f", {low:g} or more"
        raise U3Error(f"{name} = {shown(value)}; give a number{within}")
    return float(value)


def one_of(name: str, value: T, choices: Collection[T]) -> T:
    """One of a few values, such as the names in a registry."""
    if not any(value is choice or (type(value) is type(choice) and value == choice) for choice in choices):
        raise U3Error(f"{name} = {shown(value)}; choose one of {', '.join(map(str, choices))}")
    return value


def is_a(name: str, value: T, kind: type[T] | tuple[type, ...], how: str) -> T:
    """An object of a kind, of ours or such as Callable; ``how`` says where one comes from."""
    if not isinstance(value, kind) or (isinstance(value, Tensor) and not is_plain(value)):
        raise U3Error(f"{name} is {shown(value)}; {how}")
    return value


def listed(name: str, value: object, kind: type = object, what: str = "") -> list:
    """A list, tuple or other sequence of at least one object of a kind; ``what`` says of what, in the plural."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence) or not len(value):
        raise U3Error(f"{name} = {shown(value)}; give a list of {what or name}, at least one")
    for n, one in enumerate(value):
        if not isinstance(one, kind):
            raise U3Error(f"{name}[{n}] is {shown(one)}; give a list of {what or name}")
    return list(value)


def place(name: str, value: object, what: str) -> Path:
    """The path of a file or a folder, "~" being one's own folder; ``what`` says of what."""
    text = os.fspath(value) if isinstance(value, (str, os.PathLike)) else ""
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise U3Error(f"{name} = {shown(value)}; give the path of {what}")
    if (path := os.path.expanduser(text)).startswith("~"):
        raise U3Error(f"{name} = {shown(value)}, but nobody of that name has a home here; give the whole path of "
                      f"{what}, or ./{text[:40]} if it is called so")
    return Path(path)


def function(name: str, value: T, takes: int, how: str, named: Iterable[str] = ()) -> T:
    """Something to call with so many arguments and with those of these names; ``how`` says which, or what will do."""
    try:
        inspect.signature(value).bind(*range(takes), **dict.fromkeys(named))
    except TypeError:
        raise U3Error(f"{name} = {shown(value)}; {how}") from None
    except ValueError:
        pass  # written in C, such as torch.dist: what it takes shows only when it is called
    return value


def tensors(**given: tuple[object, str]) -> None:
    """Tensors by name, each with its axes: a letter for a length from 1 on, a digit for just that length.

    One letter means one length in all of them. NaN, infinities and what has an infinite square are refused.
    """
    lengths: dict[str, int] = {}
    for name, (value, axes) in given.items():
        wanted = "(" + ",".join(axes) + ")"
        if not is_plain(value):
            raise U3Error(f"{name} is {shown(value)}; give a tensor {wanted}")
        fits = value.ndim == len(axes) and value.numel() > 0 and all(
            length == (int(axis) if axis.isdigit() else lengths.setdefault(axis, length))
            for axis, length in zip(axes, value.shape, strict=True))
        if not fits:
            known = ", ".join(f"{axis} = {lengths[axis]}" for axis in dict.fromkeys(axes) if lengths.get(axis))
            raise U3Error(f"{name} has the shape {tuple(value.shape)}; give {wanted}{' with ' if known else ''}{known}")
        if value.is_floating_point() or value.is_complex():
            _computable(f"{name} has", value)


def booleans(how: str, **given: tuple[object, str]) -> None:
    """As :func:`tensors`, for tensors of yes and no; ``how`` says how they are made from numbers."""
    tensors(**given)
    for name, (value, _) in given.items():
        if value.dtype != torch.bool:
            raise U3Error(f"{name} is of {value.dtype}; bool is wanted: {how}")


def room(what: str, height: int, width: int, count: int = 1, most: int = MAX_PIXELS) -> None:
    """Refuse to make more pixels than ``most`` in one call, before their memory is taken; ``what`` asks for them."""
    if height * width * count > most:
        much = "a picture" if count == 1 else f"{count} pictures"
        raise U3Error(f"{what} asks for {much} of {height}×{width} pixels; at most {most / 10**6:.3g} million pixels "
                      "are made at once, so give less")


def each(name: str, value: object, count: int, check: Callable[..., T] = number, **within: object) -> list[T]:
    """A number for each of ``count`` axes, from one for all of them or a list with one for each."""
    values = list(value) if isinstance(value, (list, tuple)) else [value] * count
    if len(values) != count:
        raise U3Error(f"{name} = {shown(value)}; give one number, or {count} of them")
    return [check(name, one, **within) for one in values]


def floats(what: str, images: object, *, squares: bool = False, volumes: bool = False) -> None:
    """Pictures (B,C,H,W) of finite float32 or float64 with at least one pixel, as all of the course computes with.

    Half precision would be rounded at each step, and some of the operations do not have it. With ``squares`` those of
    the values have to be finite, too; ``volumes`` (B,C,D,H,W) are taken as well if so wanted.
    """
    if not is_plain(images) or images.ndim not in (4, 4 + volumes) or images.numel() == 0:
        raise U3Error(f"{what} takes a float tensor (B,C,H,W), not {shown(images)}; images.load(…) makes one")
    if images.dtype not in FLOATS:
        raise U3Error(f"{what} takes a float tensor of float32 or float64, this is {images.dtype}; "
                      + ("give x.float()" if images.is_floating_point() else "images.load(…) makes one"))
    _computable(f"{what} is given", images, squares)


def alike(finite: bool = True, /, **given: object) -> None:
    """Tensors of floats of one shape, whatever it is: two codes, a picture and the truth.

    ``finite`` = False leaves the values alone, for what is called at each step.
    """
    first, *_ = given
    for name, value in given.items():
        if not is_plain(value) or not value.is_floating_point() or not value.numel():
            what = f"of {value.dtype}, {tuple(value.shape)}" if is_plain(value) else shown(value)
            raise U3Error(f"{name} is {what}; give a tensor of floats")
        if value.shape != given[first].shape:
            raise U3Error(f"{first} has the shape {tuple(given[first].shape)} and {name} {tuple(value.shape)}; give "
                          "both the same")
        if finite:
            _computable(f"{name} has", value)


def of_one_kind(**given: Tensor) -> None:
    """Refuse tensors of different precisions, which PyTorch would not compute with together."""
    (first, one), *others = given.items()
    for name, other in others:
        if other.dtype != one.dtype:
            raise U3Error(f"{first} is of {one.dtype} and {name} of {other.dtype}; give both the same: "
                          f"{name}.to({first}.dtype)")


def _computable(what: str, values: Tensor, squares: bool = True) -> None:
    """Refuse values that are NaN or infinite, or whose squares are: what is computed of these would be.

    Their length √Σ v² is asked first, which is fast: it is finite only if all of that is.
    """
    wide = torch.float32 if values.dtype in (torch.float16, torch.bfloat16) else None
    if not torch.linalg.vector_norm(values.detach(), dtype=wide).isfinite():
        if not values.isfinite().all():
            raise U3Error(f"{what} NaN or infinite values; look for what made them before this line")
        if squares:
            raise U3Error(f"{what} values of up to {values.detach().abs().max():.0e}, too large to compute with; look "
                          "for what made them before this line")


def is_plain(value: object) -> bool:
    """Whether a value is a tensor to compute with: not sparse, nested or quantised, and none that has no numbers."""
    return isinstance(value, Tensor) and value.layout == torch.strided and not (
        value.is_nested or value.is_quantized or value.is_meta)


def of_wholes(values: Tensor) -> bool:
    """Whether a tensor's numbers are whole by their kind, as labels are; yes and no are none."""
    return not (values.is_floating_point() or values.is_complex() or values.dtype == torch.bool)


def shown(value: object) -> str:
    """A value as a message shows it, short: a tensor or an array by its shape."""
    if isinstance(value, Tensor) and not is_plain(value):
        kinds = {"nested": value.is_nested, "quantised": value.is_quantized, "meta": value.is_meta, "sparse": True}
        return f"a {next(kind for kind, holds in kinds.items() if holds)} tensor"
    if hasattr(value, "shape") and hasattr(value, "dtype") and getattr(value, "ndim", 0):
        return f"a {type(value).__name__} of shape {tuple(value.shape)}"
    try:
        text = repr(value).partition("\n")[0]
    except Exception:
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:59]}…"
