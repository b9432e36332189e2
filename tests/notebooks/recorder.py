"""Writes down as text what the figures of a notebook show: each call's data, labels and words, and each live figure.

The test puts this file's text into a kernel before its first cell: it stands alone.
"""

import builtins
import dataclasses
import functools
import html
import inspect
import io
import json
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

import u3lab  # noqa: F401  before torch

import numpy as np  # isort: skip
import torch
from IPython import get_ipython
from PIL import Image

from u3lab import figures, live

LINES: list[str] = []
CELLS = 6  # of a picture, along each side
FEW = 12  # of a longer list, so many evenly spaced values
NUMBER = re.compile(r"\d[\d.e+-]*")
_made: list[tuple[str, Any]] = []  # live figures of this cell
_state = {"cell": -1, "depth": 0}
_lines: set[tuple] = set()  # of this cell that have called: below a live figure once is enough, a player draws many


def few(values: Any) -> list:
    return [values[n * (len(values) - 1) // (FEW - 1)] for n in range(FEW)] if len(values) > FEW else list(values)


def picture(levels: np.ndarray) -> str:
    """The mean levels of 6 × 6 cells of (H,W), (C,H,W) or (H,W,C), row by row, each a digit to the base 36.

    Where levels do not lie in 0…1, the cells are shares of their range, which stands before them.
    """
    plane = levels.mean(0) if levels.ndim == 3 and levels.shape[2] > 4 else levels
    plane = plane.mean(2) if plane.ndim == 3 else plane
    plane = np.nan_to_num(plane)
    low, high, said = plane.min(), plane.max(), ""
    if low < 0 or high > 1:
        plane, said = (plane - low) / max(high - low, 1e-12), f"{low:.2g} to {high:.2g} "
    means = [part.mean() for row in np.array_split(plane, CELLS, 0) for part in np.array_split(row, CELLS, 1)]
    return said + "~" + "".join(np.base_repr(round(35 * float(mean)), 36) for mean in means)


def told(value: Any) -> str:
    """A value in one line: words as they are, numbers to three digits, a fingerprint of what is large."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if value is None or isinstance(value, bool | np.bool_):
        return str(value)
    if isinstance(value, int | float | np.number):
        return f"{value:.3g}"
    if isinstance(value, torch.Tensor):
        return told(value.detach().cpu().double().numpy())
    if isinstance(value, Image.Image):
        return told(np.asarray(value.convert("RGB")) / 255)
    if isinstance(value, np.ndarray):
        if value.ndim in (2, 3) and value.size > 100:
            return f"{'×'.join(map(str, value.shape))} {picture(value.astype(float))}"
        return told(list(value) if value.ndim > 3 else value.tolist())
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{told(key)}: {told(value[key])}" for key in few(list(value))) + "}"
    if isinstance(value, list | tuple | set | range):
        listed = sorted(value, key=str) if isinstance(value, set) else list(value)
        return f"{len(listed)} of " * (len(listed) > FEW) + "[" + ", ".join(map(told, few(listed))) + "]"
    if dataclasses.is_dataclass(value) and not isinstance(value, figures.Figure | type):
        return type(value).__name__ + told({part.name: getattr(value, part.name) for part in dataclasses.fields(value)})
    if hasattr(value, "comm"):  # a control
        kept = {name: getattr(value, name) for name in ("min", "max", "options", "value") if hasattr(value, name)}
        return type(value).__name__ + told(kept)
    return type(value).__name__


def note(call: str, parts: Mapping[str, Any]) -> None:
    """A chart of seconds keeps its words alone: another machine has other numbers."""
    timed = any(isinstance(value, str) and "seconds" in value for value in parts.values())
    said = {name: NUMBER.sub("#", told(value)) if timed else told(value) for name, value in parts.items()}
    LINES.extend(f"{_state['cell']} {call}.{name} = {value}" for name, value in said.items())


def recorded(function: Callable[..., Any], *, is_live: bool = False) -> Callable[..., Any]:
    """The same function, which notes what it is given by the notebook; what it calls itself is its own affair."""
    @functools.wraps(function)
    def noting(*given: Any, **named: Any) -> Any:
        if is_new(sys._getframe(1), function.__name__):
            try:
                note(function.__name__, inspect.signature(function).bind(*given, **named).arguments)
            except TypeError:  # a wrong call: the function says so
                pass
        _state["depth"] += 1
        try:
            answer = function(*given, **named)
        finally:
            _state["depth"] -= 1
        if is_live:
            _made.append((function.__name__, answer))
        return answer
    return noting


def is_new(caller: Any, call: str) -> bool:
    """Whether a call stands at the top, or below a live figure in a line of the notebook that has not called yet."""
    line = caller.f_code.co_filename, caller.f_lineno, call
    if _state["depth"] and (caller.f_globals["__name__"] != "__main__" or line in _lines):
        return False
    _lines.add(line)
    return True


def printing(*words: Any, then: Callable[..., None] = print, **named: Any) -> None:
    """What a cell prints."""
    caller = sys._getframe(1)
    if _state["cell"] >= 0 and caller.f_globals["__name__"] == "__main__" and is_new(caller, "print"):
        note("print", {"text": " ".join(map(str, words))})
    then(*words, **named)


def end_of_cell(*_: Any) -> None:
    """How the live figures of the cell stand."""
    _lines.clear()
    while _made:
        call, figure = _made.pop(0)
        seen = Image.open(io.BytesIO(bytes(figure.picture.value))) if figure.picture.value else None
        note(call, {"line": html.unescape(figure.line.value), "picture": seen})


def own_figure(figure: Any, then: Callable[[Any], None] = figures.Figure.__post_init__) -> None:
    """A figure that a lesson draws without the library's charts."""
    then(figure)
    if not _state["depth"] and sys._getframe(2).f_globals["__name__"].startswith("u3course."):
        note("Figure", {"alt": figure.alt, "picture": Image.open(io.BytesIO(figure.data))})


def install() -> None:
    for name, thing in vars(figures).items():
        if inspect.isfunction(thing):
            setattr(figures, name, recorded(thing))
    figures.Figure.__post_init__, builtins.print = own_figure, printing
    live.explore, live.play = recorded(live.explore, is_live=True), recorded(live.play, is_live=True)
    events = get_ipython().events
    events.register("pre_run_cell", lambda *_: _state.update(cell=_state["cell"] + 1))
    events.register("post_run_cell", end_of_cell)
