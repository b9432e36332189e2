"""The one optimisation loop of the course: a generator that yields a Step.

Tests take the last step, notebooks drain it under a progress bar (:func:`last`), live players show each step.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from u3lab.errors import U3Error


class Step(NamedTuple):
    """One step of an optimisation, before its update.

    ``iteration`` counts from 0, ``loss`` is the energy, ``value`` what is being made (a picture, a mask,
                                                                                       a matrix; detached),
    ``terms`` the parts that the loss is the sum of, by name; ``returns`` how often the run has diverged so far and gone
    back to a better state.
    """

    iteration: int
    loss: float
    value: Tensor
    terms: dict[str, float]
    returns: int = 0


Energy = Callable[[], tuple[Tensor, dict[str, Tensor]]]
ADAM = partial(torch.optim.Adam, fused=True)


def descend(parameters: Tensor | Iterable[Tensor], energy: Energy, *, steps: int, lr: Callable[[], float],
            project: Callable[[Tensor], object] | None = None, tolerance: float | None = None,
            optimiser: Callable[..., torch.optim.Optimizer] = ADAM) -> Iterator[Step]:
    """Minimise a sum of terms over one or more tensors, one step for every value that is asked for.

    Parameters
    ----------
    parameters
        What to change in place: a tensor, or several (a network's weights). They need a gradient.
    energy
        Returns the picture to show and the terms of the loss (scalars) at the present parameters.
    steps
        How many steps; the generator yields ``steps + 1`` values, the last one after the last update.
    lr
        Returns the learning rate; asked at every step, so that a slider can turn it.
    project
        Puts a parameter back into its set (for example [0,1]) after each update.
    tolerance
        If the loss rises to so many times the smallest running mean of it so far, or is no longer finite, go back to
        the last good parameters and on from there at half the rate. Without it a loss that is not finite is an error.
    optimiser
        Makes the optimiser from the parameters and ``lr``: Adam, unless the method asks for another.

    Raises
    ------
    U3Error
        If the loss is no longer a finite number, or it diverges again and again.
    """
    parameters = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    rollback, steered = Rollback(parameters, tolerance), optimiser(parameters, lr=lr())
    for iteration in range(steps + 1):
        image, terms, loss = _evaluate(energy)
        while rollback.left(loss.item(), iteration):
            steered = optimiser(parameters, lr=lr())
            image, terms, loss = _evaluate(energy)
        yield Step(iteration, loss.item(), image.detach().clone(), {name: term.item() for name, term in terms.items()},
                   rollback.returns)
        if iteration == steps:
            return
        steered.param_groups[0]["lr"] = lr() / 2**rollback.returns
        for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            parameter.grad = _laid_out_as(parameter, gradient)
        steered.step()
        if project is not None:
            with torch.no_grad():
                for parameter in parameters:
                    project(parameter)


def clamp(x: Tensor, low: float, high: float = math.inf) -> Tensor:
    """x between low and high, inside an energy: the derivative is 1 on [low, high], both bounds included, and else 0.

    torch.clamp has the same values, but what its derivative is *at* the bounds differs: 1 up to torch 2.13, 0 from 2.15
    on. A mask's cell at m = 1 would then no longer feel what it hides. Best is not to clamp at all, and to ``project``
    after the step.
    """
    return torch.where((low <= x) & (x <= high), x, x.detach().clamp(low, high))


def _laid_out_as(parameter: Tensor, gradient: Tensor) -> Tensor:
    """The gradient with the strides of its parameter. Fused Adam takes both as plain rows of numbers, in this order."""
    if gradient.stride() == parameter.stride():
        return gradient
    return torch.empty_like(parameter).copy_(gradient)


def _evaluate(energy: Energy) -> tuple[Tensor, dict[str, Tensor], Tensor]:
    # Only the gradient by the parameters is wanted: the weights of a network that is looked at are left alone.
    with torch.enable_grad():
        image, terms = energy()
        return image, terms, sum(terms.values())


class Rollback:
    """The last good parameters of a descent, to go back to when it diverges."""

    EVERY = 20  # steps from one copy to the next at least
    MOST = 8  # returns

    def __init__(self, parameters: list[Tensor], tolerance: float | None) -> None:
        self.parameters, self.tolerance = parameters, tolerance
        self.level, self.best, self.kept, self.since, self.returns = None, math.inf, None, -self.EVERY, 0

    def left(self, loss: float, iteration: int) -> bool:
        """Whether the run was lost, and has been brought back; otherwise remember where it is."""
        fine = math.isfinite(loss)
        if self.tolerance is None or self.kept is None:
            if not fine:
                raise U3Error(f"the loss became {loss} at step {iteration}; lower the learning rate and start again")
        elif not fine or loss > self.tolerance * self.best:
            if self.returns == self.MOST:
                raise U3Error(f"the run diverged {self.MOST} times, last at step {iteration}; lower the learning rate "
                              "and start again")
            self.returns += 1
            with torch.no_grad():
                for parameter, kept in zip(self.parameters, self.kept, strict=True):
                    parameter.copy_(kept)
            self.level, self.best = None, math.inf
            return True
        if self.tolerance is not None:
            # A running mean, since with noise in the energy a single loss may be low by luck.
            self.level = loss if self.level is None else 0.9 * self.level + 0.1 * loss
            self.best = min(self.best, self.level)
            if loss <= self.level and iteration - self.since >= self.EVERY:  # a copy, not the tensors themselves
                self.kept, self.since = [parameter.detach().clone() for parameter in self.parameters], iteration
        return False


T = TypeVar("T")


def last(steps: Iterable[T], *, total: int | None = None, title: str = "") -> T:
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
