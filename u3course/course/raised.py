"""Say what an error of somebody's code means: a sentence, and the lines of their own that it comes from."""

import dis
import os
import re
import sysconfig
import traceback
from collections.abc import Iterable, Iterator
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from types import FrameType, FunctionType, ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

import u3lab

DETAILS = 6  # lines below the sentence
_LIBRARIES = [*map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib"))]
_HOUSES = [Path(__file__).parents[1], Path(u3lab.__file__).parent]
_NOT_YOURS = ("<frozen", *{str(Path(p)) + os.sep for p in _HOUSES + _LIBRARIES})
IMPORTS = {"F": "import torch.nn.functional as F", "torch": "import torch", "nn": "from torch import nn",
           "np": "import numpy as np", "math": "import math"}
PLACES = {"F": functional, "torch": torch}
# What is raised → what it means, with the words between the brackets.
MEANINGS = {
    r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\) at non-singleton dimension (\d+)":
        "two tensors do not fit together: axis {2} is {0} long in one and {1} in the other",
    r"cannot be multiplied \((\d+)x(\d+) and (\d+)x(\d+)\)":
        "matrices of ({0}, {1}) and ({2}, {3}) have no product: the second size of the one has to be the first of the "
        "other",
    r"at least three dimensions|match the convolution dimensions|Expected 3D \(unbatched\) or 4D":
        "`conv2d` takes pictures (B,C,H,W) and filters (D,C,k,l), of four axes each; `[:, :, None, None]` gives a "
        "matrix two more",
    r"same dtype|scalar type|dtypes match|dtype to be equal|should be the same":
        "two dtypes meet where one alone is wanted: give what you make that of the input, by `dtype=` or `.to(…)`",
    r"could not infer output dtype": "whole numbers, and masks, have no mean: `.float()` makes other numbers of them",
    r"does not require grad": "nothing that the loss is made of asks for a gradient: `x = x.detach().requires_grad_()` "
        "comes before the loss, in each step",
    r"appears to not have been used": "the loss is not made of the tensor by which the gradient is taken",
    r"through the graph a second time": "a gradient is taken through a step that is over: begin each step with a new "
        "leaf, `x = x.detach().requires_grad_()`",
    r"leaf Variable that requires grad|modified by an inplace operation":
        "a tensor that a gradient needs is changed in place; make a new one of it, `x = x.detach() - …`",
    r"implicitly created only for scalar": "a gradient is taken of one number: the loss has many, and needs a mean or "
        "a sum",
    r"Can't call numpy": "a tensor that asks for a gradient is no array; stay in torch",
    r"Boolean value of Tensor with more than one":
        "a tensor of many truths is no single one: choose with `torch.where`, join masks with `&` and `|`",
    r"with (?:a|two) bool tensors? is not supported":
        "masks know no minus: `~` turns one round, and `.to(x)` makes numbers of it",
    r"view size is not compatible": "`view` wants numbers that lie in a row in memory; `reshape` does not",
    r"index (-?\d+) is out of bounds for dimension (\d+) with size (\d+)":
        "there is no place {0} on axis {1}: it has {2}, counted from 0",
    r"Dimension out of range \(expected to be in range of \[-?\d+, (-?\d+)\], but got (-?\d+)\)":
        "there is no axis {1}: the last one is {0}",
    r"(\w+)\(\) missing \d+ required positional arguments?: (.*)": "`{0}` has to be told {1} as well",
    r"unsupported operand type\(s\) for (\S+): 'list' and 'list'": "lists know no `{0}`: go through both with `zip`",
    r"tensors used as indices must be": "an index is the place of something, a whole number, as `argmax` gives it; a "
        "mask that chooses has to be bool: `mask.bool()`",
    r"object is not callable": "something that is no function stands before brackets; is a `*` missing?"}


def told(error: BaseException) -> str:
    """What it means, or else that it was raised; then its own lines, type, message and notes, a few lines in all."""
    try:
        message = str(error)
    except BaseException:
        message = "(its message cannot be shown)"
    kind = type(error).__name__  # what the error says of itself, in __class__, may raise as well
    frames = traceback.extract_tb(error.__traceback__)
    notes = getattr(error, "__notes__", ())  # an answer may have put anything there
    notes = [note for note in notes if isinstance(note, str)] if isinstance(notes, list | tuple) else []
    head = kind + (f": {message.splitlines()[0][:200]}" if message.strip() else "")
    details = "\n".join([*own_lines(frames), head, *notes]).splitlines()[:DETAILS]
    meaning = ""
    with suppress(Exception):  # whatever an error holds was somebody's to write
        meaning = _meaning(error, message, frames)
    return "\n".join([meaning or f"your code raised {kind}", *details])


def own_lines(frames: Iterable[traceback.FrameSummary]) -> list[str]:
    """The last two frames of the reader's own code, or how many there are and the last one."""
    own = [frame for frame in frames if is_own(frame.filename)]
    skipped = [f"… {len(own) - 1} more calls"] if len(own) > 2 else []
    shown = []
    for frame in own[-1 if skipped else -2:]:
        in_cell = frame.filename.startswith("<") or "ipykernel_" in frame.filename
        file = "your cell" if in_cell else Path(frame.filename).name
        shown += [f"{file}, line {frame.lineno}, in {frame.name}", f"    {frame.line}"]
    return skipped + shown


def is_own(file: str) -> bool:
    """Whether code of a file is the reader's: neither the library's nor Python's."""
    return not file.startswith(_NOT_YOURS)


def _meaning(error: BaseException, message: str, frames: list[traceback.FrameSummary]) -> str:
    """What the error means, "" if that is not known."""
    own = [(frame, summary.line or "") for (frame, _), summary in zip(
        traceback.walk_tb(error.__traceback__), frames, strict=True) if is_own(summary.filename)]
    if not own or not isinstance(error, Exception):
        return ""
    frame, line = own[-1]
    if isinstance(error, UnboundLocalError) and (name := re.search(r"variable '(\w+)'", message)):
        return f"`{name[1]}` is used before it has a value: your function gives it one only later"
    if isinstance(error, NameError) and error.name:
        return _unknown(error.name, frame)
    if "ellipsis" in message:
        return unfinished(frame.f_code.co_names, frame.f_globals) or "there is still a `...` in your answer"
    if "builtin_function_or_method" in message or "'method'" in message:
        return next(_without_brackets(line), "")
    if isinstance(error, AttributeError) and error.name:
        return _no_attribute(error.obj, error.name)
    found = ((words, re.search(pattern, message)) for pattern, words in MEANINGS.items())
    return next((words.format(*match.groups()) for words, match in found if match), "")


def _unknown(name: str, frame: FrameType) -> str:
    """That nothing has a name, and what may have been meant."""
    own = {*frame.f_code.co_varnames, *(one for one in frame.f_globals if one[:1] != "_")}
    near = get_close_matches(name, own, 1, 0.75)
    if name in IMPORTS:
        tip = f"run the cell with the imports, or write `{IMPORTS[name]}` above your function"
    elif place := _place(name):
        tip = f"write `{place}`"
    elif near:
        tip = f"did you mean `{near[0]}`?"
    elif name.startswith("my_"):
        tip = "it is the answer to another exercise; run its cell first"
    else:
        tip = "it is no argument of your function, and no cell that ran has defined it"
    return f"`{name}` is not known: {tip}"


def _no_attribute(thing: Any, name: str) -> str:
    """That something has no such attribute, and what may have been meant."""
    near = get_close_matches(name, dir(thing), 1, 0.75)
    kind = f"`{thing.__name__}`" if isinstance(thing, ModuleType) else f"a {type(thing).__name__}"
    if thing is None:
        return f"there is nothing, None, before `.{name}`: what stands there returns nothing, or has no gradient yet"
    if isinstance(thing, Tensor) and (place := _place(name)):
        tip = f"write `{place}(…)`"
    elif near:
        tip = f"did you mean `.{near[0]}`?"
    elif isinstance(thing, list | tuple | float | int) and hasattr(Tensor, name):
        tip = "tensors have one: `torch.stack` makes a tensor of several" if isinstance(thing, list | tuple) else (
            "tensors have one; keep the tensor, without `.item()`")
    else:
        return ""
    return f"{kind} has no `.{name}`: {tip}"


def _place(name: str) -> str:
    """Where torch has a function of this name, "" if nowhere; short names are variables."""
    return next((f"{short}.{name}" for short, place in PLACES.items()
                 if len(name) > 2 and callable(getattr(place, name, None))), "")


def _without_brackets(line: str) -> Iterator[str]:
    """The methods of tensors that a line has without brackets behind them."""
    for thing, name in re.findall(r"([\w)\]]+)\.([a-z]\w*)(?![\w(])", line):
        if callable(getattr(Tensor, name, None)):
            yield f"`{thing}.{name}` is the method itself; brackets call it: `{thing}.{name}()`"


def unfinished(names: Iterable[str], space: dict[str, Any]) -> str:
    """Which function of these names is still a stub, as a sentence; "" if none is."""
    stub = next((name for name in names if _is_stub(space.get(name))), "")
    return f"your answer calls `{stub}`, which is still the stub `...`: write that one first" if stub else ""


def _is_stub(thing: Any) -> bool:
    """Whether a function does nothing but return ``...``."""
    if thing is ... or not isinstance(thing, FunctionType):
        return thing is ...
    code = [one for one in dis.get_instructions(thing) if one.opname not in ("RESUME", "NOP")]
    return len(code) <= 2 and any(one.argval is ... for one in code)
