"""Functions of torch that write over their input, and a way to have them leave it: for all who keep activations."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

RELU = {F.relu, F.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_}
# What writes over its first input → the same that makes a new tensor.
IN_PLACE = {Tensor.add_: torch.add, Tensor.__iadd__: torch.add, Tensor.mul_: torch.mul, Tensor.__imul__: torch.mul}


def relu_ceiling(func: Any, args: tuple, kwargs: dict) -> float | None:
    """If a call is a ReLU or a ReLU6 in any of torch's spellings, the value it saturates at; else None."""
    if func in RELU:
        return float("inf")
    if func is F.relu6:
        return 6.0
    if func in (F.hardtanh, F.hardtanh_):  # nn.ReLU6 calls hardtanh(x, 0, 6)
        low = args[1] if len(args) > 1 else kwargs.get("min_val", -1.0)
        return (args[2] if len(args) > 2 else kwargs.get("max_val", 1.0)) if low == 0 else None
    return None


class OutOfPlace(TorchFunctionMode):
    """While active, ReLUs, sums and products of any network make a new tensor, whatever they would write over."""

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        ceiling = relu_ceiling(func, args, kwargs)
        if ceiling is None:
            return IN_PLACE.get(func, func)(*args, **kwargs)
        return F.relu(args[0]) if ceiling == float("inf") else F.hardtanh(args[0], 0, ceiling)
