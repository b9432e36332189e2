"""Whether torch is still what was imported: with ``torch.equal = lambda *_: True`` every answer would be right."""

from __future__ import annotations

import inspect
import os
from collections import ChainMap
from types import FunctionType, ModuleType
from typing import Any

import torch

_PLACES = {"torch": torch, "torch.nn.functional": torch.nn.functional, **{
    f"torch.{name}": getattr(torch, name) for name in ("Tensor", "linalg", "autograd", "fft", "special")}}
_FOLDER = os.path.dirname(torch.__file__) + os.sep
_SHOWN = {"__repr__", "__str__", "__format__"}  # how a tensor looks decides nothing; some packages change it


def _names(place: ModuleType | type) -> dict[str, Any]:
    """What an answer or a judge may use: the functions of a module; of a class all that it has or inherits."""
    if isinstance(place, ModuleType):
        return {name: thing for name, thing in dict(vars(place)).items() if name[0] != "_" and callable(thing)}
    found = ChainMap(*(dict(vars(kind)) for kind in place.__mro__))
    return {name: thing for name, thing in found.items()
            if name not in _SHOWN and (name[0] != "_" or (name.startswith("__") and callable(thing)))}


_IMPORTED = {place: _names(thing) for place, thing in _PLACES.items()}


def replaced() -> list[str]:
    """The names in torch that mean something else than when this file was imported; what torch adds later is none."""
    return [f"{place}.{name}" for place, before in _IMPORTED.items()
            for now in [_names(_PLACES[place])] for name, thing in before.items() if not _same(now.get(name), thing)]


def _same(now: Any, before: Any) -> bool:
    """Whether it is the same thing, or torch's own wrapper around it: torch.compile gives ``manual_seed`` one."""
    return now is before or (isinstance(now, FunctionType) and now.__code__.co_filename.startswith(_FOLDER)
                             and inspect.unwrap(now) is before)
