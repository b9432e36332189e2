"""Weights of the course's own small networks: written as half-precision numbers, read back into a fresh network."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from u3lab._system import paths
from u3lab.errors import U3Error

Net = TypeVar("Net", bound=nn.Module)


def save(net: nn.Module, path: str | Path, **facts: object) -> None:
    """Write a network's weights, half of them the size in memory, with the facts of how they were made."""
    from safetensors.torch import save

    halves = {name: value.half() if value.is_floating_point() else value for name, value in net.state_dict().items()}
    content = save({name: value.contiguous() for name, value in halves.items()},
                   metadata={name: str(value) for name, value in facts.items()})
    paths.write_atomically(Path(path), content)


def restore(net: Net, name: str) -> Net:
    """Fill a fresh network with the shipped weights of that name, and make it ready for use: fixed, in evaluation mode.

    Raises
    ------
    U3Error
        If the file is not there, damaged, or of another network.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = paths.data("weights", f"{name}.safetensors")
    try:
        net.load_state_dict({key: value.float() if value.is_floating_point() else value
                             for key, value in load_file(path).items()})
    except (SafetensorError, RuntimeError, OSError, LookupError, ValueError, TypeError) as error:
        raise U3Error(f"the weights file {path.name} is damaged or of another version; "
                      "install u3lab again (`make lab`)") from error
    return net.eval().requires_grad_(False).to(memory_format=torch.channels_last)
