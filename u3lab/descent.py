"""The one optimisation loop of the course: a generator that yields a Step.

Tests take the last step, notebooks drain it under a progress bar (:func:`last`), live players show each step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from u3lab.errors import U3Error


class Step(NamedTuple):
    """One step of an optimisation, before its update.

    ``iteration`` counts from 0, ``loss`` is the energy, ``image`` what is being made (B,C,H,W; detached),
    ``terms`` the parts that the loss is the sum of, by name.
    """

    iteration: int
    loss: float
    image: Tensor
    terms: dict[str, float]


def descend(parameter: Tensor, energy: Callable[[], tuple[Tensor, dict[str, Tensor]]], *, steps: int,
            rate: Callable[[], float], project: Callable[[Tensor], object] | None = None) -> Iterator[Step]:
    """Minimise a sum of terms over one tensor with Adam, one step for every value that is asked for.

    Parameters
    ----------
    parameter
        The tensor to change in place; it needs a gradient.
    energy
        Returns the picture to show and the terms of the loss (scalars) at the present parameter.
    steps
        How many steps; the generator yields ``steps + 1`` values, the last one after the last update.
    rate
        Returns the learning rate; asked at every step, so that a slider can turn it.
    project
        Puts the parameter back into its set (for example [0,1]) after each update.

    Raises
    ------
    U3Error
        If the loss is no longer a finite number.
    """
    optimiser = torch.optim.Adam([parameter], lr=rate())
    for iteration in range(steps + 1):
        # Only the gradient by `parameter` is wanted: the network's own weights are left alone.
        with torch.enable_grad():
            image, terms = energy()
            loss = sum(terms.values())
        value = loss.item()
        if not abs(value) < float("inf"):
            raise U3Error(f"the loss became {value} at step {iteration}; lower the learning rate and start again")
        yield Step(iteration, value, image.detach().clone(), {name: term.item() for name, term in terms.items()})
        if iteration == steps:
            return
        optimiser.param_groups[0]["lr"] = rate()
        (parameter.grad,) = torch.autograd.grad(loss, [parameter])
        optimiser.step()
        if project is not None:
            with torch.no_grad():
                project(parameter)


T = TypeVar("T")


def last(steps: Iterable[T], total: int | None = None, title: str = "") -> T:
    """Drain an iterator of steps and return the last one; with ``total``, under a progress bar.

    Raises
    ------
    U3Error
        If there was no step at all.
    """
    if total is not None:
        from tqdm.auto import tqdm

        steps = tqdm(steps, total=total, desc=title, leave=False)
    newest = deque(steps, maxlen=1)
    if not newest:
        raise U3Error("no step was made; ask for at least one")
    return newest[0]
