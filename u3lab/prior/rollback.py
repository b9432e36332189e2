"""A descent that diverges goes back to its last good parameters, and on from there at half the learning rate.

Ulyanov et al. do so by hand when 5 dB are lost: at a rate that is quick, the deep image prior is near its edge.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from u3lab.descent import Energy, Step, descend
from u3lab.errors import U3Error


@dataclass(frozen=True, eq=False)
class FitStep(Step):
    """A step, and how often the run has diverged so far and gone back to a better state."""

    rollbacks: int = 0


class Lost(Exception):
    """The run has diverged, and the parameters have been brought back."""


class Rollback:
    """The last good parameters of a descent, to go back to when it diverges."""

    EVERY = 20  # steps from one copy to the next at least
    MOST = 8  # times to go back

    def __init__(self, parameters: list[Tensor], tolerance: float) -> None:
        self.parameters, self.tolerance = parameters, tolerance
        self.level, self.best, self.kept, self.since, self.count = None, math.inf, None, -self.EVERY, 0

    def check(self, loss: float, iteration: int) -> None:
        """Note where the run is; if it is lost, bring the parameters back and raise :class:`Lost`."""
        fine = math.isfinite(loss)
        if self.kept is None:
            if not fine:
                raise U3Error(f"the loss became {loss} at step {iteration}; lower the learning rate and start again")
        elif not fine or loss > self.tolerance * self.best:
            self._bring_back(iteration)
        # A running mean, since with noise in the energy a single loss may be low by luck.
        self.level = loss if self.level is None else 0.9 * self.level + 0.1 * loss
        self.best = min(self.best, self.level)
        if loss <= self.level and iteration - self.since >= self.EVERY:  # a copy, not the tensors themselves
            self.kept, self.since = [parameter.detach().clone() for parameter in self.parameters], iteration

    def _bring_back(self, iteration: int) -> None:
        if self.count == self.MOST:
            raise U3Error(f"the run diverged {self.MOST} times, last at step {iteration}; lower the learning rate "
                          "and start again")
        self.count += 1
        with torch.no_grad():
            for parameter, kept in zip(self.parameters, self.kept, strict=True):
                parameter.copy_(kept)
        self.level, self.best = None, math.inf
        raise Lost


def descend_with_rollback(parameters: list[Tensor], energy: Energy, *, steps: int, lr: Callable[[], float],
                          tolerance: float) -> Iterator[FitStep]:
    """As :func:`~u3lab.descent.descend`, but a loss that is no longer finite, or ``tolerance`` times the smallest
    running mean of it so far, sends the run back to its last good parameters, and on at half the learning rate.

    Raises:
        U3Error: If it diverges at once, or again and again.
    """
    rollback, now = Rollback(parameters, tolerance), 0

    def watched() -> tuple[Tensor, dict[str, Tensor]]:
        value, terms = energy()
        rollback.check(sum(terms.values()).item(), now)
        return value, terms

    while True:
        begun = now
        try:
            for step in descend(parameters, watched, steps=steps - begun, lr=lambda: lr() / 2**rollback.count):
                yield FitStep(begun + step.iteration, step.loss, step.value, step.terms, rollback.count)
                now += 1
            return
        except Lost:
            continue
