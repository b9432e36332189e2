"""Several processes that share the pictures among them (torchrun). Alone, each function does nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.optim import Optimizer


@contextmanager
def joined() -> Iterator[None]:
    """Meet the other processes that torchrun has started, each with a GPU of its own if there are GPUs; or be alone."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    gpus = torch.cuda.is_available()
    if gpus:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if gpus else "gloo")
    try:
        yield
        dist.barrier()
    finally:
        dist.destroy_process_group()


def is_distributed() -> bool:
    """Whether this process is one of several."""
    return dist.is_available() and dist.is_initialized()


def rank() -> int:
    """The number of this process, from 0."""
    return dist.get_rank() if is_distributed() else 0


def world_size() -> int:
    """How many processes there are."""
    return dist.get_world_size() if is_distributed() else 1


def broadcast(value: Any) -> Any:
    """What the first process has, for all of them."""
    held = [value]
    if is_distributed():
        dist.broadcast_object_list(held)
    return held[0]


def all_reduce(values: Tensor, *, largest: bool = False) -> Tensor:
    """Put the sum over all processes (or the largest value) in place of a tensor's values; returns the tensor."""
    if is_distributed():
        dist.all_reduce(values, dist.ReduceOp.MAX if largest else dist.ReduceOp.SUM)
    return values


def total(term: Tensor) -> Tensor:
    """The sum of a term of the loss over all processes; its gradient is that of this process's own part."""
    return term + (all_reduce(term.detach().clone()) - term.detach()) if is_distributed() else term


def share_gradients(optimiser: Optimizer) -> Optimizer:
    """Let an optimiser take its steps by the sum of all processes' gradients; returns it."""
    def add_up(steered: Optimizer, *_: object) -> None:
        for group in steered.param_groups:
            for weight in group["params"]:
                all_reduce(weight.grad)

    if is_distributed():
        optimiser.register_step_pre_hook(add_up)
    return optimiser


def share(rows: Any) -> Any:
    """This process's part of a batch: of a tensor, or of each of a tuple. The batch has to be divisible."""
    if isinstance(rows, tuple):
        return tuple(share(one) for one in rows)
    return rows.chunk(world_size())[rank()]


def gathered(rows: Any) -> Any:
    """The parts of all processes together, a tensor or a tuple of them; the gradient is that of this process's own."""
    if isinstance(rows, tuple):
        return tuple(gathered(one) for one in rows)
    if not is_distributed():
        return rows
    parts = [torch.empty_like(rows) for _ in range(world_size())]
    dist.all_gather(parts, rows.detach().contiguous())
    parts[rank()] = rows
    return torch.cat(parts)
